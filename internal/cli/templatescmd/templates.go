// Package templatescmd sets up a project for a purpose: a login with Auth0, or a server for language models.
package templatescmd

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	Ask     dialog.Asker
	Folder  flow.Folder // Folder.Config is a flag
	Connect flow.Connect
	Environ flow.Lookup
	Random  io.Reader

	// Deploy deploys the folder and shows where to follow it, for vllm.
	Deploy func(ctx context.Context) error
	// Model asks the model host about a model, with a token unless that is "".
	Model func(ctx context.Context, name, token string) (ModelState, error)
	Flags

	clientSecret string // set with --client-secret-stdin
	token        string // set with --hf-token-stdin
}

// Flags are the values set on the command line.
type Flags struct {
	ClientID, Issuer  string
	ClientSecretStdin bool

	Model      string
	TokenStdin bool
	DeployNow  *bool // nil: prompt
}

// ModelState is whether a model can be served.
type ModelState int

// The possible states of a model.
const (
	Unknown ModelState = iota
	Usable
	Gated // needs a token
)

func names() []string { return []string{"auth0", "vllm"} }

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(ctx context.Context, template string, o *Options) error) *cobra.Command {
	if run == nil {
		run = apply
	}
	var deployNow bool
	c := &cobra.Command{
		Use:         "templates NAME",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Set up a login with Auth0, or a model server",
		Long: "auth0  puts an OpenID Connect login (Auth0 or another provider) in front of the app.\n" +
			"vllm   creates a project that serves a language model, in an empty folder.\n\n" +
			"AUTH_CLIENT_ID, AUTH_CLIENT_SECRET and AUTH_ISSUER_BASE_URL are taken from the flags, from .env\n" +
			"or from the environment, in this order, and prompted for otherwise.",
		Example: "  ploomber-cloud templates auth0\n" +
			"  ploomber-cloud templates auth0 --client-id ID --issuer https://tenant.us.auth0.com --client-secret-stdin < secret.txt\n" +
			"  ploomber-cloud templates vllm --model facebook/opt-125m --deploy=false",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return failure.Usagef("name one template: auth0 or vllm").WithHint("see 'ploomber-cloud templates --help'")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("deploy") {
				o.DeployNow = &deployNow
			}
			if other, of := foreignFlag(c, args[0]); other != "" {
				return failure.Usagef("--%s is for the template %s", other, of)
			}
			return run(c.Context(), args[0], &o)
		},
		ValidArgsFunction: flagset.Fixed(names()...),
	}
	f := c.Flags()
	f.StringVar(&o.ClientID, "client-id", "", "auth0: the application's client `ID`")
	f.StringVar(&o.Issuer, "issuer", "", "auth0: the provider's `URL`; https:// is added if it is missing")
	f.BoolVar(&o.ClientSecretStdin, "client-secret-stdin", false, "auth0: read the client secret from standard input")
	f.StringVar(&o.Flags.Model, "model", "", "vllm: the `MODEL` to serve")
	f.BoolVar(&o.TokenStdin, "hf-token-stdin", false, "vllm: read the token for a gated model from standard input")
	f.BoolVar(&deployNow, "deploy", false, "vllm: deploy right away; --deploy=false does not")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// foreignFlag finds a flag that belongs to a different template than the named one.
func foreignFlag(c *cobra.Command, template string) (flag, of string) {
	flags := map[string][]string{
		"auth0": {"client-id", "issuer", "client-secret-stdin", "config"},
		"vllm":  {"model", "hf-token-stdin", "deploy"},
	}
	for _, of := range names() {
		for _, flag := range flags[of] {
			if of != template && flags[template] != nil && c.Flags().Changed(flag) {
				return flag, of
			}
		}
	}
	return "", ""
}

func apply(ctx context.Context, template string, o *Options) (err error) {
	// Standard input is read before a prompt takes it for an answer.
	if o.ClientSecretStdin && template == "auth0" {
		if o.clientSecret, err = prompt.ReadSecret(o.IO.In, "client secret"); err != nil {
			return err
		}
	}
	if o.TokenStdin && template == "vllm" {
		if o.token, err = prompt.ReadSecret(o.IO.In, "token"); err != nil {
			return err
		}
	}
	switch template {
	case "auth0":
		return o.auth0(ctx)
	case "vllm":
		return o.vllm(ctx)
	default: // exit status 1, like the reference tool
		return failure.Failedf("%w", flagset.Unknown("template", template, names())).
			WithHint("the templates are %s; for a user name and a password run 'ploomber-cloud auth --add'", strings.Join(names(), ", "))
	}
}

func checkIssuer(typed string) error {
	_, err := scaffold.TypedIssuer(typed)
	return err
}
