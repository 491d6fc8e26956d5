// Command refdocs writes what is derived from the tree of commands: the reference pages, and for packages the
// man pages and shell completions. It knows the root command and the results that commands document, and
// nothing of what they do.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/ploomber/ploomber-cloud/internal/cli"
)

func main() {
	pages := flag.String("dir", "docs/reference", "`folder` of the reference pages")
	check := flag.Bool("check", false, "compare the pages and change nothing")
	man := flag.String("man", "", "write man pages to this `folder` instead of the reference")
	completions := flag.String("completions", "", "write shell completions to this `folder` instead of the reference")
	flag.Parse()
	if err := run(*pages, *check, *man, *completions); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool, man, completions string) error {
	root := rootCommand()
	if man != "" || completions != "" {
		return errors.Join(writeMan(root, man), writeCompletions(root, completions))
	}
	packages, err := readPackages(filepath.FromSlash("internal/cli"), root)
	if err != nil {
		return err
	}
	want := reference(root, packages)
	if check {
		return compare(dir, want)
	}
	return write(dir, want)
}

// rootCommand builds the commands as in an empty process, so that no page depends on who writes it.
func rootCommand() *cobra.Command {
	root := cli.Root(cli.System{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Lookup:  func(string) (string, bool) { return "", false },
		Environ: func() []string { return nil },
		Now:     time.Now,
		TempDir: os.TempDir,
		Dir:     ".",
	})
	root.DisableAutoGenTag = true
	return root
}

// reference renders all pages, by file name.
func reference(root *cobra.Command, packages packages) map[string][]byte {
	pages := map[string][]byte{
		"README.md":      index(root),
		"exit-codes.md":  exitCodesPage(),
		"environment.md": environmentPage(),
	}
	for _, c := range commands(root) {
		pages[pageOf(c)] = commandPage(c, packages)
	}
	return pages
}

// commands lists every command below c, in the order of the help.
func commands(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() && below.Name() != "help" {
			all = append(append(all, below), commands(below)...)
		}
	}
	return all
}

// written returns the pages in dir. All of them are ours.
func written(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	pages := map[string][]byte{}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".md" {
			continue
		}
		if pages[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

func compare(dir string, want map[string][]byte) error {
	have, err := written(dir)
	if err != nil {
		return err
	}
	var wrong []string
	for name, page := range want {
		if !bytes.Equal(bytes.ReplaceAll(have[name], []byte("\r\n"), []byte("\n")), page) {
			wrong = append(wrong, name)
		}
	}
	for name := range have {
		if want[name] == nil {
			wrong = append(wrong, name+" (no such command)")
		}
	}
	if slices.Sort(wrong); len(wrong) > 0 {
		return fmt.Errorf("%s differs from the commands in %s: run 'go run ./internal/dev docs' and commit",
			dir, strings.Join(wrong, ", "))
	}
	fmt.Printf("%d pages of %s are up to date\n", len(want), dir)
	return nil
}

func write(dir string, want map[string][]byte) error {
	have, err := written(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, page := range want {
		if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil {
			return err
		}
	}
	for name := range have {
		if want[name] == nil {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeMan(root *cobra.Command, dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, c := range append(commands(root), root) { // the generator takes them for Markdown
		c.Long = strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`).Replace(c.Long)
	}
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: root.Name(), Manual: "User commands"}, dir)
}

func writeCompletions(root *cobra.Command, dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file := func(shell string) string { return filepath.Join(dir, root.Name()+"."+shell) }
	return errors.Join(
		root.GenBashCompletionFileV2(file("bash"), true),
		root.GenZshCompletionFile(file("zsh")),
		root.GenFishCompletionFile(file("fish"), true),
		root.GenPowerShellCompletionFileWithDesc(file("ps1")),
	)
}
