// Package authcmd adds or removes the user name and password that protect a feature of the app.
package authcmd

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	Ask     dialog.Asker
	Folder  flow.Folder
	Connect flow.Connect
	Flags

	password string // set with --password-stdin
}

// Flags are the values set on the command line.
type Flags struct {
	Add, Remove, Overwrite bool

	Feature       project.Feature
	Username      string
	PasswordStdin bool
	Offline       bool
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = auth
	}
	c := &cobra.Command{
		Use:         "auth",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Add or remove password authentication",
		Long: "Put a user name and a password in front of the app (main_app), its analytics (analytics) or its\n" +
			"API below /api (api). They are kept in .env; ploomber-cloud.json only refers to them.\n" +
			"Either --add or --remove is needed; without them the exit status is 1.",
		Example: "  ploomber-cloud auth --add\n" +
			"  ploomber-cloud auth --add --feature main_app\n" +
			"  ploomber-cloud auth --add --feature main_app --username ana --password-stdin < password.txt\n" +
			"  ploomber-cloud auth --add --feature analytics --overwrite    # new credentials\n" +
			"  ploomber-cloud auth --add --feature main_app --offline       # for 'up' and 'proxy', without a key\n" +
			"  ploomber-cloud auth --remove --feature main_app",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			// Exit status 1, not 2: scripts written for the reference tool may check for it.
			switch {
			case o.Add && o.Remove:
				return failure.Failedf("Only one of --add or --remove may be specified.")
			case !o.Add && !o.Remove:
				return failure.Failedf("One of --add or --remove must be specified.").
					WithHint("'ploomber-cloud auth --add' asks for a user name and a password, '--remove' removes them")
			case o.Remove && o.Overwrite:
				return failure.Failedf("--overwrite can only be specified with --add.")
			case o.Remove && (o.Username != "" || o.PasswordStdin):
				return failure.Usagef("--username and --password-stdin can only be specified with --add")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Add, "add", false, "add authentication to a feature")
	f.BoolVar(&o.Remove, "remove", false, "remove authentication from a feature")
	f.BoolVar(&o.Overwrite, "overwrite", false, "with --add: ask for new credentials even if some are stored")
	f.StringVar(&o.Username, "username", "", "with --add: the user's `NAME`")
	f.BoolVar(&o.PasswordStdin, "password-stdin", false, "with --add: read the password from standard input")
	f.BoolVar(&o.Offline, "offline", false, "make no request: for 'up' and 'proxy', without a key")
	flagset.OneOf(c, &o.Feature, "feature", "what to protect", project.Features())
	return c
}

// result is what --json prints.
type result struct {
	Feature    project.Feature `json:"feature"`
	Protected  bool            `json:"protected"`
	CarriedOn  bool            `json:"carried_over,omitempty"` // stored credentials were used
	SecretsIn  string          `json:"secrets_in,omitempty"`
	SecretKeys []string        `json:"secret_keys,omitempty"`
}

func auth(ctx context.Context, o *Options) (err error) {
	if o.PasswordStdin { // before a prompt reads it as its answer
		if o.password, err = prompt.ReadSecret(o.IO.In, "password"); err != nil {
			return err
		}
	}
	env, err := o.Folder.Env()
	if err != nil {
		return err
	}
	if err := o.answerable(ctx, env); err != nil {
		return err
	}
	var plan tier.Tier
	if !o.Offline {
		if plan, err = o.allowed(ctx); err != nil {
			return err
		}
	}
	if o.Feature == "" {
		left, err := o.choose(ctx)
		if err != nil || left {
			return err
		}
	}
	if o.Feature == project.Analytics && !o.Offline {
		if err := plan.Require(tier.ViewAnalyticsReport); err != nil {
			return err
		}
	}
	if o.Remove {
		return o.remove(env)
	}
	return o.add(ctx, env)
}

// answerable returns an error if a prompt will be needed and no one can answer it.
func (o *Options) answerable(ctx context.Context, env flow.Env) error {
	if o.Feature == "" {
		return o.Ask.Expect(ctx, o.whichFeature())
	}
	if o.Remove {
		return nil
	}
	if !o.Offline {
		if err := (dialog.Init{Folder: o.Folder, Ask: o.Ask}).Expect(ctx); err != nil {
			return err
		}
	}
	var missing []prompt.Question
	for _, v := range o.values() {
		if o.asksFor(v, env) {
			missing = append(missing, v.question)
		}
	}
	return o.Ask.Expect(ctx, missing...)
}

// allowed asks the platform whether the user's tier includes password authentication.
func (o *Options) allowed(ctx context.Context) (tier.Tier, error) {
	api, err := o.Connect()
	if failure.Code(err) == failure.NotAllowed {
		return tier.Tier{}, failure.NotAllowedf("%w", err).
			WithHint("pass --offline to protect an app that runs here or behind 'proxy': it needs no key; %s", failure.Hint(err))
	}
	if err != nil {
		return tier.Tier{}, err
	}
	plan, err := flow.Tier(ctx, api)
	if errors.Is(err, cloudapi.ErrNetwork) {
		return tier.Tier{}, failure.Failedf("%w", err).WithHint("pass --offline to protect an app that runs here or behind 'proxy'")
	}
	if err != nil {
		return tier.Tier{}, err
	}
	return plan, plan.Require(tier.Authentication)
}

// choice is an entry of the menu of features.
type choice struct {
	name string // a feature, or "exit"
	what string // short description
}

func (c choice) String() string { return c.name + ": " + c.what }

// menu keeps the numbering of the reference tool: exit is 3, api comes after it.
func menu() []choice {
	return []choice{
		{string(project.Analytics), "the reports about who uses the app"},
		{string(project.MainApp), "the app itself, every page of it"},
		{"exit", "change nothing"},
		{string(project.API), "what is below /api, for programs"},
	}
}

// choose prompts for the feature.
func (o *Options) choose(ctx context.Context) (left bool, err error) {
	choices := menu()
	options := make([]string, 0, len(choices))
	for _, c := range choices {
		options = append(options, c.String())
	}
	named := func(answer string) (int, bool) {
		i := slices.IndexFunc(choices, func(c choice) bool { return c.name == answer })
		return i, i >= 0
	}
	q := o.whichFeature()
	if o.Add && o.IO.InTTY { // prompt again after an empty line in piped input, as the reference tool does
		i, _ := named(string(project.MainApp))
		q.Default = options[i]
	}
	n, err := o.Ask.Choose(ctx, q, options, "Please enter one of the listed features.", named)
	if err != nil || choices[n].name == "exit" {
		return err == nil, err
	}
	o.Feature = project.Feature(choices[n].name)
	return false, nil
}

func (o *Options) whichFeature() prompt.Question {
	verb := "add"
	if o.Remove {
		verb = "remove"
	}
	return prompt.Question{Label: "Please specify the feature for which to " + verb + " authentication", Flag: "--feature"}
}

// project returns the configuration that the credentials are for, nil for a folder without a registered project:
// then .env alone makes 'up' ask for a password.
func (o *Options) project(ctx context.Context) (*project.Config, error) {
	init := dialog.Init{
		Folder: o.Folder, Report: o.IO.Err, Ask: o.Ask, Connect: o.Connect, Files: []string{o.Folder.EnvPath()},
	}
	if !o.Offline {
		return init.Ensure(ctx)
	}
	return o.stored()
}

// stored returns the folder's configuration, nil if the folder has no registered project and --offline allows
// that.
func (o *Options) stored() (*project.Config, error) {
	if there, err := o.Folder.Initialised(); o.Offline && (err != nil || !there) {
		return nil, err
	}
	return o.Folder.Load()
}

// broken reports whether a configuration is invalid only because of the feature's credentials, which --add
// replaces and --remove deletes. Other errors are returned.
func (o *Options) broken(err error) (bool, error) {
	var invalid *project.Invalid
	if errors.As(err, &invalid) && invalid.Only(o.Feature.ConfigKey()) {
		return true, nil
	}
	return false, err
}

func (o *Options) add(ctx context.Context, env flow.Env) error {
	for _, v := range o.values() { // validate before a project is created
		if v.given != "" {
			if err := o.store(env, v.key, v.given); err != nil {
				return err
			}
		}
	}
	c, err := o.project(ctx)
	if _, err = o.broken(err); err != nil {
		return err
	}
	o.IO.Err.Note("Adding authentication for %s", o.Feature)
	carried, err := o.credentials(ctx, env)
	if err != nil {
		return err
	}
	if c != nil {
		c.SetCredentials(o.Feature, project.Reference(o.Feature.UsernameKey(), o.Feature.PasswordKey()))
	}
	if err := o.Folder.Save(c, env); err != nil {
		return err
	}
	if carried {
		o.IO.Err.Warn("existing credentials in %s have been carried over. To overwrite them, pass --overwrite.", o.Folder.EnvPath())
	} else {
		o.IO.Err.Note("Your authentication credentials have been stored in %s", o.Folder.EnvPath())
	}
	if o.Feature == project.MainApp && c != nil && c.Template == project.TemplateAuth0 {
		o.IO.Err.Warn("the app has a login at a provider too, and 'up' and 'proxy' take one of the two: "+
			"undo this with 'ploomber-cloud auth --remove --feature %s', or remove AUTH_CLIENT_ID and 'template'", o.Feature)
	}
	if o.Feature == project.API {
		o.IO.Err.Warn("the platform does not protect %s; 'ploomber-cloud up' does.", o.Feature)
	}
	o.warnOfOpenApp(c, env)
	r := result{o.Feature, true, carried, o.Folder.EnvPath(), []string{o.Feature.UsernameKey(), o.Feature.PasswordKey()}}
	return o.done(r, "configured")
}

// credentials stores both values in env: from flags, existing ones, or else prompted for. carried is true if the
// existing ones were kept.
func (o *Options) credentials(ctx context.Context, env flow.Env) (carried bool, err error) {
	carried = true
	for _, v := range o.values() {
		value := v.given
		switch {
		case o.asksFor(v, env):
			if value, err = v.ask(ctx, v.question); err != nil {
				return false, err
			}
		case value == "":
			continue // already stored
		}
		if err := o.store(env, v.key, value); err != nil {
			return false, err
		}
		carried = false
	}
	return carried, nil
}

func (o *Options) store(env flow.Env, key, value string) error {
	if err := env.Set(key, value); err != nil {
		return failure.Failedf("cannot store %s in %s: %w", key, o.Folder.EnvPath(), err)
	}
	return nil
}

// value is the user name or the password.
type value struct {
	key, given string
	question   prompt.Question
	ask        func(context.Context, prompt.Question) (string, error)
}

func (o *Options) values() []value {
	of := map[project.Feature]string{project.MainApp: "the app", project.Analytics: "its analytics", project.API: "its API"}[o.Feature]
	question := func(what, key, flag string) prompt.Question {
		return prompt.Question{Label: what + " for " + of + " (" + key + ")", Flag: flag, Check: checkLine}
	}
	username, password := o.Feature.UsernameKey(), o.Feature.PasswordKey()
	typed := question("Password", password, "--password-stdin")
	typed.Twice = true
	return []value{
		{username, o.Username, question("User name", username, "--username"), o.Ask.Text},
		{password, o.password, typed, o.Ask.Secret},
	}
}

// warnOfOpenApp warns that the app itself is public if only a part of it is protected.
func (o *Options) warnOfOpenApp(c *project.Config, env flow.Env) {
	if o.Feature == project.MainApp {
		return
	}
	if c == nil {
		c = &project.Config{}
	}
	source := o.Folder.LoginSource(env, c, func(string) (string, bool) { return "", false })
	if login, err := config.From(source); err == nil && login.Open() {
		next := "ploomber-cloud auth --add --feature " + project.MainApp
		if o.Offline { // without an account, the plain command would fail on the missing key
			next += " --offline"
		}
		o.IO.Err.Warn("the app itself is public: only %s is protected by a password. "+
			"To protect the app, run '%s'.", o.Feature, next)
	}
}

// asksFor reports whether v is not given and not stored, or the stored value is to be replaced.
func (o *Options) asksFor(v value, env flow.Env) bool {
	stored, _ := env.Get(v.key, nil)
	return v.given == "" && (stored == "" || o.Overwrite)
}

func checkLine(value string) error {
	if strings.ContainsRune(value, 0) {
		return errors.New("it must not contain a NUL character")
	}
	return nil
}

func (o *Options) remove(env flow.Env) error {
	c, err := o.stored()
	broken, err := o.broken(err)
	if err != nil {
		return err
	}
	o.IO.Err.Note("Removing authentication for %s", o.Feature)
	hadUser, hadPassword := env.Unset(o.Feature.UsernameKey()), env.Unset(o.Feature.PasswordKey())
	found := hadUser || hadPassword // where .env alone decides: see project, and feature api
	if c != nil && o.Feature != project.API {
		found = broken || c.Credentials(o.Feature) != nil
	}
	if !found {
		return failure.Failedf("No authentication found for %s.", o.Feature)
	}
	if c != nil {
		c.SetCredentials(o.Feature, nil)
	}
	if !env.Exists {
		env.File = nil
	}
	if err := o.Folder.Save(c, env); err != nil {
		return err
	}
	return o.done(result{Feature: o.Feature}, "removed")
}

func (o *Options) done(r result, verb string) error {
	err := o.IO.Result(r, func(out *term.Stream) {
		out.Println(out.Green("Successfully " + verb + " password authentication for " + string(o.Feature) + "."))
	})
	o.IO.Err.Note("To run the app here, run 'ploomber-cloud up'; to deploy it, run 'ploomber-cloud deploy'.")
	return err
}
