package secretscmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func newSet(o Options, run runner) *cobra.Command {
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Store a secret",
		Long: "Store a secret in .env. The value is prompted for without echo, or read from standard input or a file; a line\n" +
			"break at its end is not part of it. It is never taken from the command line, which others can see.",
		Example: "  ploomber-cloud secrets set API_TOKEN\n" +
			"  ploomber-cloud secrets set API_TOKEN --stdin < token.txt\n" +
			"  ploomber-cloud secrets set SIGNING_KEY --from-file key.pem",
		Args: nameOnly,
		RunE: func(c *cobra.Command, args []string) error {
			if o.Stdin && o.File != "" {
				return failure.Usagef("pass the value in only one way: with --stdin or with --from-file")
			}
			o.Names = args
			return run(c.Context(), "set", &o)
		},
		ValidArgsFunction: o.completeFirst,
	}
	c.Flags().BoolVar(&o.Stdin, "stdin", false, "read the value from standard input")
	c.Flags().StringVar(&o.File, "from-file", "", "read the value from `FILE`")
	return c
}

// nameOnly refuses a value on the command line, and does not repeat it.
func nameOnly(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return valueInArgs(args[0])
	}
	return cobra.ExactArgs(1)(c, args)
}

func newUnset(o Options, run runner) *cobra.Command {
	c := &cobra.Command{
		Use:     "unset NAME...",
		Short:   "Remove secrets",
		Long:    "Remove secrets from .env. If one of them does not exist, none is removed.",
		Example: "  ploomber-cloud secrets unset API_TOKEN\n  ploomber-cloud secrets unset OLD_TOKEN OLD_URL",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Names = args
			return run(c.Context(), "unset", &o)
		},
		ValidArgsFunction: o.completeNames,
	}
	flagset.Config(c, &o.Folder.Config)
	return c
}

func (o *Options) completeFirst(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return o.completeNames(c, args, typed)
}

// changed is what 'secrets set --json' prints.
type changed struct {
	File    string `json:"file"`
	Name    string `json:"name"`
	Added   bool   `json:"added"`   // the name was not in the file before
	Changed bool   `json:"changed"` // false if the value was already stored
}

func (o *Options) set(ctx context.Context) error {
	name := o.Names[0]
	env, err := o.env()
	if err != nil {
		return err
	}
	if err := checkName(name, env.File); err != nil {
		return err
	}
	value, err := o.value(ctx, name)
	if err != nil {
		return err
	}
	r := changed{File: o.Folder.EnvPath(), Name: name, Added: !slices.Contains(env.Keys(), name)}
	before, had := env.Get(name, nil) // a reference to the environment does not count as a value
	if r.Changed = !had || before != value; r.Changed {
		if err := env.Set(name, value); err != nil {
			return o.unstored(name, err)
		}
		if err := o.Folder.Save(nil, env); err != nil {
			return err
		}
	}
	return o.IO.Result(r, func(out *term.Stream) {
		if !r.Changed {
			out.Printf("%s already has this value.\n", term.Printable(name))
			return
		}
		out.Println(out.Green(term.Printable(name) + " stored in " + r.File))
		o.IO.Err.Note("To apply it to the deployed app, run 'ploomber-cloud deploy'")
	})
}

func (o *Options) unstored(name string, err error) error {
	return failure.Failedf("cannot store %s in %s: %w", term.Printable(name), o.Folder.EnvPath(), err)
}

// maxValue limits the size of a value, in bytes: systems refuse longer environment variables.
const maxValue = 128 << 10

func (o *Options) value(ctx context.Context, name string) (value string, err error) {
	switch {
	case o.Stdin:
		value, err = oneValue(o.IO.In)
	case o.File != "":
		var f *os.File
		if f, err = os.Open(o.path(o.File)); err == nil {
			value, err = oneValue(f)
			_ = f.Close() // read-only: nothing to lose
		}
	default:
		value, err = o.Ask.Secret(ctx, prompt.Question{Label: "Enter the value for " + name, Flag: "--stdin", Check: check})
		return value, err
	}
	if err != nil {
		return "", failure.Failedf("cannot read the value of %s: %w", term.Printable(name), err)
	}
	return value, nil
}

// path resolves a file of the command line relative to the current folder.
func (o *Options) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(o.Folder.Dir, file)
}

func oneValue(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxValue+3))
	if err != nil {
		return "", err
	}
	value := string(bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r")))
	switch {
	case len(value) > maxValue:
		return "", errors.New("it is longer than 128 kB")
	case value == "":
		return "", errors.New("the value is empty")
	}
	return value, check(value)
}

// check rejects what an environment variable cannot hold.
func check(value string) error {
	switch {
	case strings.ContainsRune(value, 0):
		return errors.New("it must not contain a NUL character")
	case !utf8.ValidString(value):
		return errors.New("it is not UTF-8")
	}
	return nil
}

// removed is what 'secrets unset --json' prints.
type removed struct {
	File    string   `json:"file"`
	Removed []string `json:"removed"`
}

func (o *Options) unset() error {
	env, err := o.env()
	if err != nil {
		return err
	}
	names := slices.Compact(slices.Sorted(slices.Values(o.Names)))
	var missing []string
	for _, name := range names {
		if !env.Unset(name) {
			missing = append(missing, term.Printable(name))
		}
	}
	if len(missing) > 0 {
		return failure.Failedf("%s has no %s; nothing was removed", o.Folder.EnvPath(), strings.Join(missing, ", ")).
			WithHint("list the names with 'ploomber-cloud secrets list'")
	}
	if err := o.Folder.Save(nil, env); err != nil {
		return err
	}
	used := references(o.config())
	for _, name := range names {
		if by := used[name]; len(by) > 0 {
			o.IO.Err.Warn("the configuration still needs %s (%s).", term.Printable(name), strings.Join(by, ", "))
		}
	}
	return o.IO.Result(removed{o.Folder.EnvPath(), names}, func(out *term.Stream) {
		out.Println(out.Green(printables(names) + " removed from " + o.Folder.EnvPath()))
	})
}

// printables lists names for messages.
func printables(names []string) string {
	shown := make([]string, 0, len(names))
	for _, name := range names {
		shown = append(shown, term.Printable(name))
	}
	return strings.Join(shown, ", ")
}
