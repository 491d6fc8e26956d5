package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ploomber/ploomber-cloud/internal/term"
)

// help writes a summary of the command, then examples, since most people look for a line to copy, then details and
// flags. It is code instead of a template because parsing the template would take longer than the rest of
// start-up.
func help(c *cobra.Command, _ []string) {
	p := printer{c.OutOrStdout(), 0}
	if s, ok := p.out.(*term.Stream); ok && s.TTY() {
		p.width = s.Width()
	}
	p.line(term.Wrap(strings.TrimSuffix(c.Short, ".")+".", p.width, 0) + "\n")
	if c.HasExample() {
		p.section("Examples:", p.commandLines(c.Example))
	}
	if c.Long != "" {
		p.line(p.reflow(strings.TrimRight(c.Long, " \n")) + "\n")
	}
	p.usage(c)
}

// usage writes the command's usage line, subcommands and flags.
func usage(c *cobra.Command) error {
	printer{c.OutOrStdout(), 0}.usage(c)
	return nil
}

// printer writes help.
type printer struct {
	out   io.Writer
	width int // terminal width in columns; 0 for no terminal, which leaves lines unwrapped
}

func (p printer) usage(c *cobra.Command) {
	var how []string
	if c.Runnable() {
		how = append(how, "  "+c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		how = append(how, "  "+c.CommandPath()+" COMMAND")
	}
	p.section("Usage:", term.Wrap(strings.Join(how, "\n"), p.width, 2))
	for _, g := range c.Groups() {
		p.commands(c, g.ID, g.Title)
	}
	p.commands(c, "", "Commands:")
	p.flags("Flags:", c.LocalFlags())
	p.flags("Global flags:", c.InheritedFlags())
}

func (p printer) commands(c *cobra.Command, group, title string) {
	var rows []string
	for _, below := range c.Commands() {
		if below.GroupID == group && (below.IsAvailableCommand() || below.Name() == "help") {
			row := fmt.Sprintf("  %-*s %s", below.NamePadding(), below.Name(), below.Short)
			rows = append(rows, term.Wrap(row, p.width, below.NamePadding()+1))
		}
	}
	if len(rows) > 0 {
		p.section(title, strings.Join(rows, "\n"))
	}
}

// narrow is the width below which a flag and its description do not share a line, in columns.
const narrow = 60

func (p printer) flags(title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	if p.width == 0 || p.width >= narrow {
		p.section(title, strings.TrimRight(set.FlagUsagesWrapped(p.width), " \n"))
		return
	}
	var rows []string
	for row := range strings.Lines(strings.TrimRight(set.FlagUsages(), " \n")) {
		row = strings.TrimRight(row, "\n")
		flag, about, _ := strings.Cut(strings.TrimLeft(row, " "), "   ")
		rows = append(rows, term.Wrap("  "+flag, p.width, 2), term.Wrap("      "+strings.TrimLeft(about, " "), p.width, 0))
	}
	p.section(title, strings.Join(rows, "\n"))
}

// reflow rewraps paragraphs if the terminal is narrower than the text. Indented lines are kept as they are.
func (p printer) reflow(text string) string {
	if p.width == 0 || longest(text) <= p.width {
		return text
	}
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case b.Len() == 0:
		case line == "" || strings.HasPrefix(line, " ") || strings.HasSuffix(b.String(), "\n"):
			b.WriteString("\n")
		default:
			b.WriteString(" ")
		}
		b.WriteString(line)
	}
	return term.Wrap(b.String(), p.width, 0)
}

// commandLines formats examples. If one is too long, its comment goes on the line before it and the command is
// continued with backslashes, so that it can still be pasted into a shell.
func (p printer) commandLines(text string) string {
	if p.width == 0 || longest(text) <= p.width {
		return text
	}
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(line) > p.width {
			if command, comment, found := strings.Cut(line, "  #"); found && strings.TrimSpace(command) != "" {
				b.WriteString(p.comment("  #"+comment) + "\n")
				line = strings.TrimRight(command, " ")
			}
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				line = p.comment(line)
			} else {
				line = strings.ReplaceAll(term.Wrap(line, p.width-len(` \`), 2), "\n", " \\\n")
			}
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// comment writes a shell comment, wrapped over as many lines as needed.
func (p printer) comment(line string) string {
	return strings.ReplaceAll(term.Wrap(line, p.width-len("# "), 0), "\n  ", "\n  # ")
}

func longest(text string) (columns int) {
	for line := range strings.SplitSeq(text, "\n") {
		columns = max(columns, utf8.RuneCountInString(line))
	}
	return columns
}

func (p printer) section(title, text string) { p.line(title + "\n" + text + "\n") }

// line writes one line. The stream records write errors.
func (p printer) line(text string) { _, _ = io.WriteString(p.out, text+"\n") }
