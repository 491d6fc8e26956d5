// Package keycmd stores, shows and removes the API key.
package keycmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO       *term.IO
	Ask      Asker
	Settings *settings.Settings
	Connect  flow.Connect
	Dir      string
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Key   string
	Stdin bool
	File  string
}

// Asker is the part of a prompter that this command uses.
type Asker interface {
	Secret(ctx context.Context, q prompt.Question) (string, error)
}

// maxKey limits the size of a key, in bytes.
const maxKey = 64 << 10

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = store
	}
	c := &cobra.Command{
		Use:         "key [KEY]",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Store the API key",
		Long: "Store a key for the platform that the environment names, in " + settings.APIVariable + " or " + settings.PlatformVariable + ",\n" +
			"or for the one of --api-url or --local only. 'ploomber-cloud login' stores a key together with its platform, and\n" +
			"checks both; for a platform that you run on this machine no key has to be stored.\n\n" +
			"Without KEY you are prompted for it, without echo. A key on the command line is visible to others in the list\n" +
			"of processes, and stays in your shell's history.",
		Example: "  ploomber-cloud key                            # prompts for it\n" +
			"  ploomber-cloud key --stdin < key.txt\n" +
			"  ploomber-cloud key --from-file key.txt\n" +
			"  ploomber-cloud key status\n" +
			"  ploomber-cloud key remove",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Key = args[0]
			}
			if set := count(o.Key != "", o.Stdin, o.File != ""); set > 1 {
				return failure.Usagef("pass the key in only one way: as an argument, with --stdin or with --from-file")
			}
			return run(c.Context(), &o)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.Flags().BoolVar(&o.Stdin, "stdin", false, "read the key from standard input")
	c.Flags().StringVar(&o.File, "from-file", "", "read the key from `FILE`")
	c.AddCommand(newStatus(o), newRemove(o))
	return c
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

func store(ctx context.Context, o *Options) error {
	key, err := o.read(ctx)
	if err != nil {
		return err
	}
	path, err := o.Settings.StoreKey(key)
	if err != nil {
		return err
	}
	if _, set := o.Settings.Lookup(settings.KeyVariable); set {
		o.IO.Err.Warn("%s is set and takes precedence over the stored key.", settings.KeyVariable)
	}
	now, err := o.Settings.Login()
	switch {
	case err != nil:
		return err
	case now != nil && o.Settings.APIURL == "" && !o.Settings.Local:
		o.IO.Err.Note("Note: this key is not used where you are logged in, at %s. To change that one, run 'ploomber-cloud login %[1]s'.", now.API)
	case o.Settings.Hosted():
		message, hint := settings.Ended()
		o.IO.Err.Note("Note: %s. %s.", message, strings.ToUpper(hint[:1])+hint[1:])
	}
	return o.IO.Result(struct {
		Path string `json:"path"`
	}{path}, func(out *term.Stream) { out.Println(out.Green("API key stored in " + path)) })
}

func (o *Options) read(ctx context.Context) (string, error) {
	switch {
	case o.Key != "":
		return o.Key, nil
	case o.File != "":
		f, err := os.Open(o.path())
		if err != nil {
			return "", failure.Failedf("cannot read the key: %w", err)
		}
		defer func() { _ = f.Close() }() // read-only: nothing to lose
		return bounded(f)
	case o.Stdin:
		return bounded(o.IO.In)
	case !o.IO.InTTY: // a script written for the reference tool passes the key as an argument
		key, err := bounded(o.IO.In)
		if err == nil && strings.TrimSpace(key) == "" {
			return "", failure.Usagef("no key given").WithHint("run 'ploomber-cloud key' in a terminal, or pass it with --stdin")
		}
		return key, err
	}
	return o.Ask.Secret(ctx, prompt.Question{Label: "API key", Flag: "--stdin"})
}

func (o *Options) path() string {
	if filepath.IsAbs(o.File) {
		return o.File
	}
	return filepath.Join(o.Dir, o.File)
}

func bounded(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxKey+1))
	if err == nil && len(data) > maxKey {
		err = errors.New("it is too long to be an API key")
	}
	if err != nil {
		return "", failure.Failedf("cannot read the key: %w", err)
	}
	return string(data), nil
}

// status is what 'key status --json' prints.
type status struct {
	Source string `json:"source"` // an environment variable or a file
	Key    string `json:"key"`    // all but the last characters masked
	API    string `json:"api"`
	Tier   string `json:"tier,omitempty"`
}

func newStatus(o Options) *cobra.Command {
	var offline bool
	c := &cobra.Command{
		Use:         "status",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Show which key is used and whether the platform accepts it",
		Example:     "  ploomber-cloud key status\n  ploomber-cloud key status --offline",
		Args:        cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.status(c.Context(), offline)
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "do not check the key with the platform")
	return c
}

func (o *Options) status(ctx context.Context, offline bool) error {
	key, err := o.Settings.Key()
	if err != nil {
		return err
	}
	s := status{Source: key.Source, Key: key.Masked()}
	if s.API, err = o.Settings.API(); err != nil {
		return err
	}
	if !offline {
		api, err := o.Connect()
		if err != nil {
			return err
		}
		if s.Tier, err = api.Tier(ctx); err != nil {
			return fmt.Errorf("the key from %s does not work: %w", s.Source, err)
		}
	}
	return o.IO.Result(s, func(out *term.Stream) {
		out.Printf("Key:      %s\nFrom:     %s\nPlatform: %s\n", s.Key, s.Source, s.API)
		if s.Tier != "" {
			out.Printf("Tier:     %s\n", s.Tier)
		}
	})
}

func newRemove(o Options) *cobra.Command {
	return &cobra.Command{
		Use:     "remove",
		Short:   "Forget the stored key",
		Example: "  ploomber-cloud key remove",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := o.Settings.RemoveKey()
			if err != nil {
				return err
			}
			return o.IO.Result(struct {
				Path string `json:"path"`
			}{path}, func(out *term.Stream) {
				if path == "" {
					out.Println("There was no stored key.")
					return
				}
				out.Println("API key removed from " + path)
			})
		},
	}
}
