package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

const notice = "<!-- Made by 'go run ./internal/dev docs' from the commands themselves: change those, not this page. -->\n\n"

// pageOf is the file of a command: secrets-set.md.
func pageOf(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return strings.ReplaceAll(path, " ", "-") + ".md"
}

// index is the page that leads to all others.
func index(root *cobra.Command) []byte {
	var b bytes.Buffer
	b.WriteString(notice + "# Reference\n\n")
	b.WriteString(sentence(root.Short) + "\n\n")
	examples(&b, root)
	for _, g := range root.Groups() {
		fmt.Fprintf(&b, "## %s\n\n", strings.TrimSuffix(g.Title, ":"))
		var list []*cobra.Command
		for _, c := range commands(root) {
			top := c
			for top.Parent() != root {
				top = top.Parent()
			}
			if top.GroupID == g.ID {
				list = append(list, c)
			}
		}
		commandTable(&b, list)
	}
	b.WriteString("## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags())
	b.WriteString("Results go to standard output, everything else to standard error. With `--json` the result is one JSON object,\n" +
		"and so is a failure, on standard error: `{\"error\": {\"code\": 1, \"message\": \"…\", \"hint\": \"…\"}}`.\n\n" +
		"See also: [exit statuses](exit-codes.md), [environment variables](environment.md).\n")
	return b.Bytes()
}

// commandPage is the page of one command, the examples first.
func commandPage(c *cobra.Command, packages packages) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# %s\n\n%s\n\n", notice, c.CommandPath(), sentence(c.Short))
	examples(&b, c)
	if c.Long != "" && c.Long != c.Short {
		b.WriteString(plain(c.Long) + "\n\n")
	}
	fmt.Fprintf(&b, "## Usage\n\n```\n%s\n```\n\n", c.UseLine())
	if below := commands(c); len(below) > 0 {
		b.WriteString("## Commands\n\n")
		commandTable(&b, below)
	}
	b.WriteString("## Flags\n\n")
	flagTable(&b, c.LocalNonPersistentFlags())
	b.WriteString("The [flags of every command](README.md#flags-of-every-command) work too.\n\n")
	for _, s := range packages.shapes(c) {
		s.write(&b)
	}
	b.WriteString("## Exit status\n\n")
	exitTable(&b, failure.StatusesOf(c.Annotations))
	if p := c.Parent(); p.HasParent() {
		fmt.Fprintf(&b, "See also: [%s](%s), [all commands](README.md)\n", p.CommandPath(), pageOf(p))
	} else {
		b.WriteString("See also: [all commands](README.md)\n")
	}
	return b.Bytes()
}

// examples are those of the help, without its indent.
func examples(b *bytes.Buffer, c *cobra.Command) {
	if c.Example == "" {
		return
	}
	b.WriteString("```sh\n")
	for line := range strings.SplitSeq(c.Example, "\n") {
		b.WriteString(strings.TrimRight(strings.TrimPrefix(line, "  "), " ") + "\n")
	}
	b.WriteString("```\n\n")
}

func commandTable(b *bytes.Buffer, list []*cobra.Command) {
	b.WriteString("| command | |\n| --- | --- |\n")
	for _, c := range list {
		fmt.Fprintf(b, "| [%s](%s) | %s |\n", strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" "), pageOf(c), cell(c.Short))
	}
	b.WriteString("\n")
}

func flagTable(b *bytes.Buffer, set *pflag.FlagSet) {
	var rows []string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		if !slices.Contains([]string{"", "false", "0", "0s", "[]"}, f.DefValue) {
			usage += "; " + strings.TrimSuffix(f.DefValue, "m0s") + minutes(f.DefValue) + " if not given"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", name, cell(usage)))
	})
	if len(rows) == 0 {
		b.WriteString("It has none of its own.\n\n")
		return
	}
	b.WriteString("| flag | |\n| --- | --- |\n" + strings.Join(rows, "") + "\n")
}

// minutes is the unit that a duration such as 15m0s ends with when its seconds are left out.
func minutes(value string) string {
	if strings.HasSuffix(value, "m0s") {
		return "m"
	}
	return ""
}

func exitTable(b *bytes.Buffer, codes []int) {
	b.WriteString("| status | |\n| --- | --- |\n")
	for _, e := range exits() {
		if slices.Contains(codes, e.code) {
			fmt.Fprintf(b, "| %d | %s |\n", e.code, cell(e.short))
		}
	}
	b.WriteString("\n[More about exit statuses](exit-codes.md)\n\n")
}

func sentence(text string) string { return plain(strings.TrimSuffix(text, ".")) + "." }

// plain is text in which Markdown finds nothing to do.
func plain(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "`", "\\`").Replace(strings.TrimSpace(text))
}

func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(plain(text), "\n", " "), "|", `\|`)
}
