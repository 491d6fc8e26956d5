// Package logincmd chooses the platform that commands go to, and forgets it again.
package logincmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO       *term.IO
	Ask      Asker
	Settings *settings.Settings
	Client   func(api, key string) (cloudapi.Options, error)
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	URL       string // "" means the platform of this user on this machine
	Stdin     bool
	AllowHTTP bool
}

// Asker is the part of a prompter that this command uses.
type Asker interface {
	Secret(ctx context.Context, q prompt.Question) (string, error)
}

// maxKey limits the size of a key, in bytes.
const maxKey = 64 << 10

// New builds the command login. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = login
	}
	c := &cobra.Command{
		Use:         "login [URL]",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Choose the platform that commands go to",
		Long: "Check the key of a platform and store both: from then on commands go there. You are prompted for the key, without\n" +
			"echo. For a platform that you run on this machine with 'ploomber-cloud platform serve' no key is needed: its\n" +
			"owner's key is found. Commands even find such a platform without a login, unless you are logged in elsewhere.\n\n" +
			"Flags and the environment take precedence: --api-url, --local, " + settings.APIVariable + " and\n" +
			settings.PlatformVariable + " for the place, " + settings.KeyVariable + " for the key.",
		Example: "  ploomber-cloud login https://apps.example.com                # prompts for the key\n" +
			"  ploomber-cloud login https://apps.example.com --key-stdin < key.txt\n" +
			"  ploomber-cloud login                                         # the platform on this machine\n" +
			"  ploomber-cloud logout",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.URL = o.Settings.APIURL
			if len(args) == 1 {
				o.URL = args[0]
			}
			return run(c.Context(), &o)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.Flags().BoolVar(&o.Stdin, "key-stdin", false, "read the key from standard input")
	c.Flags().BoolVar(&o.AllowHTTP, "allow-http", false, "accept an http URL of another machine, to which the key is sent unencrypted")
	return c
}

// result is what --json prints.
type result struct {
	API       string `json:"api"`
	Dashboard string `json:"dashboard,omitempty"`
	Tier      string `json:"tier"`
	KeyFile   string `json:"key_file"`
}

func login(ctx context.Context, o *Options) error {
	at, key, err := o.own()
	if err != nil {
		return err
	}
	stored := "" // the owner's key stays where it is
	if at == nil {
		if at, err = o.remote(ctx); err != nil {
			return err
		}
		if stored, err = o.read(ctx); err != nil {
			return err
		}
		key = stored
	}
	options, err := o.Client(at.API, key)
	if err != nil {
		return err
	}
	api := cloudapi.New(options)
	defer api.Close()
	r := result{API: at.API, Dashboard: at.Dashboard}
	if r.Tier, err = api.Tier(ctx); err != nil {
		return fmt.Errorf("nothing was stored: %w", err)
	}
	if r.KeyFile, err = o.Settings.StoreLogin(*at, stored); err != nil {
		return err
	}
	o.warnOfVariables()
	return o.IO.Result(r, func(out *term.Stream) {
		out.Println(out.Green("Logged in to " + r.API + "."))
		out.Printf("Commands go there from now on; to undo it, run 'ploomber-cloud logout'.\n")
	})
}

// own is the platform of this user on this machine with its key, nil if another one or another key is wanted.
func (o *Options) own() (*settings.Login, string, error) {
	if o.Stdin {
		return nil, "", nil
	}
	local, key, err := o.Settings.Own(o.URL)
	switch {
	case err != nil:
		return nil, "", err
	case local != nil:
		return &settings.Login{API: local.API, Dashboard: local.Dashboard}, key.Reveal(), nil
	case o.URL == "":
		missing := "URL is missing, and no platform of yours runs on this machine"
		if silent := o.Settings.Silent(); silent != "" {
			missing += ": " + silent
		}
		return nil, "", failure.Usagef("%s", missing).
			WithHint("pass the URL of a platform, or start one with 'ploomber-cloud platform serve'")
	}
	return nil, "", nil
}

// remote checks the URL and asks what is there, before there is a key.
func (o *Options) remote(ctx context.Context) (*settings.Login, error) {
	if o.URL == "" {
		return nil, failure.Usagef("URL is missing: with --key-stdin the platform must be named")
	}
	base, err := settings.LoginURL(o.URL, o.AllowHTTP)
	if err != nil {
		return nil, err
	}
	o.Settings.APIURL = base // errors are about this place, and not about the former service
	options, err := o.Client(base, "")
	if err != nil {
		return nil, err
	}
	info, err := cloudapi.Info(ctx, options)
	switch {
	case errors.Is(err, cloudapi.ErrUnsupported): // a host like the hosted service was
		return &settings.Login{API: base}, nil
	case err != nil:
		return nil, err
	}
	return &settings.Login{API: base, Dashboard: strings.TrimRight(info.Dashboard, "/")}, nil
}

func (o *Options) read(ctx context.Context) (string, error) {
	if !o.Stdin {
		key, err := o.Ask.Secret(ctx, prompt.Question{Label: "API key", Flag: "--key-stdin"})
		return strings.TrimSpace(key), err
	}
	data, err := io.ReadAll(io.LimitReader(o.IO.In, maxKey+1))
	key := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		return "", failure.Failedf("cannot read the key: %w", err)
	case key == "":
		return "", failure.Usagef("standard input holds no key")
	case len(data) > maxKey:
		return "", failure.Failedf("cannot read the key: it is too long to be one")
	}
	return key, nil
}

// warnOfVariables names the variables that keep the login from taking effect.
func (o *Options) warnOfVariables() {
	for _, name := range []string{settings.APIVariable, settings.PlatformVariable, settings.KeyVariable} {
		if v, set := o.Settings.Lookup(name); set && (v != "" || name == settings.KeyVariable) {
			o.IO.Err.Warn("%s is set and takes precedence over the login.", name)
		}
	}
}
