package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help puts the examples first: most people look for the line they can copy. It is code and not a template,
// since a template's parser would cost every start of the program more than all the rest.
func help(c *cobra.Command, _ []string) {
	out := c.OutOrStdout()
	if c.HasExample() {
		section(out, "Examples:", c.Example)
	}
	about := c.Long
	if about == "" {
		about = c.Short
	}
	line(out, strings.TrimRight(about, " \n"))
	line(out, "")
	_ = usage(c) // writes to the same stream, which keeps its failure
}

// usage tells how a command is called, its commands and its flags.
func usage(c *cobra.Command) error {
	out := c.OutOrStdout()
	var how []string
	if c.Runnable() {
		how = append(how, "  "+c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		how = append(how, "  "+c.CommandPath()+" COMMAND")
	}
	section(out, "Usage:", strings.Join(how, "\n"))
	for _, g := range c.Groups() {
		commands(out, c, g.ID, g.Title)
	}
	commands(out, c, "", "Commands:")
	flagsOf(out, "Flags:", c.LocalFlags())
	flagsOf(out, "Flags of every command:", c.InheritedFlags())
	return nil
}

func commands(out io.Writer, c *cobra.Command, group, title string) {
	var rows []string
	for _, below := range c.Commands() {
		if below.GroupID == group && (below.IsAvailableCommand() || below.Name() == "help") {
			rows = append(rows, fmt.Sprintf("  %-*s %s", below.NamePadding(), below.Name(), below.Short))
		}
	}
	if len(rows) > 0 {
		section(out, title, strings.Join(rows, "\n"))
	}
}

func flagsOf(out io.Writer, title string, set *pflag.FlagSet) {
	if set.HasAvailableFlags() {
		section(out, title, strings.TrimRight(set.FlagUsages(), " \n"))
	}
}

func section(out io.Writer, title, text string) { line(out, title+"\n"+text+"\n") }

// line writes one line. What could not be written is known to the stream below.
func line(out io.Writer, text string) { _, _ = io.WriteString(out, text+"\n") }
