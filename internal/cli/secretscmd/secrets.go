// Package secretscmd shows and changes the secrets of a project, the variables of its .env. It only prints values
// on --reveal. The secrets that protect a feature are managed by package authcmd.
package secretscmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	Ask     Asker
	Folder  flow.Folder // Folder.Config is a flag
	Connect flow.Connect
	Environ flow.Lookup
	Flags
}

// Flags are the values set on the command line, each for the commands that have it.
type Flags struct {
	Names     []string // set (one), unset
	Source    string   // import: a file, or "-"
	File      string   // set --from-file
	Reveal    bool     // list
	Stdin     bool     // set
	Overwrite bool     // import
	ExitCode  bool     // diff
}

// Asker is the part of a prompter that this command uses.
type Asker interface {
	Secret(ctx context.Context, q prompt.Question) (string, error)
}

// New builds the command and its subcommands. run is nil in production; tests pass their own to inspect the
// command's name and its Options.
func New(o Options, run func(ctx context.Context, command string, o *Options) error) *cobra.Command {
	if run == nil {
		run = dispatch
	}
	c := &cobra.Command{
		Use:   "secrets",
		Short: "Show or change the app's secrets",
		Long: "Show or change the secrets in .env, which a deployment passes to the app as environment variables.\n" +
			"The file's comments, order and quoting are kept; a new file is readable by its owner only.",
		Example: "  ploomber-cloud secrets list\n" +
			"  ploomber-cloud secrets set API_TOKEN               # prompts for the value\n" +
			"  ploomber-cloud secrets set API_TOKEN --stdin < token.txt\n" +
			"  ploomber-cloud secrets unset API_TOKEN\n" +
			"  ploomber-cloud secrets import production.env\n" +
			"  ploomber-cloud secrets diff                        # what the next deployment changes",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, below := range []func(Options, runner) *cobra.Command{newList, newSet, newUnset, newImport, newDiff} {
		c.AddCommand(below(o, run))
	}
	return c
}

type runner func(ctx context.Context, command string, o *Options) error

func dispatch(ctx context.Context, command string, o *Options) error {
	switch command {
	case "list":
		return o.list()
	case "set":
		return o.set(ctx)
	case "unset":
		return o.unset()
	case "import":
		return o.importAll()
	case "diff":
		return o.diff(ctx)
	}
	return fmt.Errorf("no command %q", command)
}

// env reads the secrets file and warns about lines that have no effect.
func (o *Options) env() (flow.Env, error) {
	env, err := o.Folder.Env()
	if err != nil {
		return env, err
	}
	for _, doubt := range dotenv.Describe(env.Path, env.Doubts(), unclear) {
		o.IO.Err.Warn("%s", doubt)
	}
	return env, nil
}

// unclear describes what is wrong with a line, and where it is.
func unclear(file string, d dotenv.Doubt) string { return fmt.Sprintf("%s:%d %s", file, d.Line, d) }

// config is the project's configuration, as far as it can be read; nil if there is none.
func (o *Options) config() *project.Config {
	c, there, err := o.Folder.Find()
	if !there {
		return nil
	}
	if err != nil {
		o.IO.Err.Warn("%v", err)
	}
	return c
}

// references returns, for each name, what in the configuration refers to it.
func references(c *project.Config) map[string][]string {
	found := map[string][]string{}
	if c == nil {
		return found
	}
	for _, f := range project.Features() {
		if login := c.Credentials(f); login != nil {
			for _, v := range []project.Value{login.Username, login.Password} {
				if v.Secret != "" && !slices.Contains(found[v.Secret], string(f)) {
					found[v.Secret] = append(found[v.Secret], string(f))
				}
			}
		}
	}
	for _, name := range c.SecretKeys {
		found[name] = append(found[name], "secret-keys")
	}
	return found
}

// completeNames completes the names in .env.
func (o *Options) completeNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	env, err := o.Folder.Env()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	left := slices.DeleteFunc(env.Names(), func(name string) bool { return slices.Contains(args, name) })
	return left, cobra.ShellCompDirectiveNoFileComp
}

func valueInArgs(name string) error {
	return failure.Usagef("a value on the command line can be seen in the list of processes and stays in the shell's history").
		WithHint("run 'ploomber-cloud secrets set %s', which prompts for it, or pass it with --stdin", term.Printable(name))
}

// checkName refuses a value on the command line, and new names that some shells or systems do not support. The
// message does not repeat what was typed after the name: it may be the value.
func checkName(typed string, env *dotenv.File) error {
	if name, _, isPair := strings.Cut(typed, "="); isPair {
		return valueInArgs(name)
	}
	if !flow.SecretName(typed) && !slices.Contains(env.Keys(), typed) {
		return failure.Usagef("the name of a secret consists of letters, digits and underscores, and does not begin with a digit")
	}
	return nil
}
