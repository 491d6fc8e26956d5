package templatescmd

import (
	"cmp"
	"context"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// auth0 stores the application's values in .env and enables the login in the configuration.
func (o *Options) auth0(ctx context.Context) error {
	init := dialog.Init{
		Folder: o.Folder, Report: o.IO.Err, Ask: o.Ask, Connect: o.Connect, Files: []string{o.Folder.EnvPath()},
	}
	env, err := o.Folder.Env()
	if err != nil {
		return err
	}
	if err := init.Expect(ctx); err != nil {
		return err
	}
	missing, err := o.storeKnown(env.File) // validate before a project is created
	if err != nil {
		return err
	}
	var questions []prompt.Question
	for _, v := range missing {
		questions = append(questions, v.question)
	}
	if err := o.Ask.Expect(ctx, questions...); err != nil {
		return err
	}
	c, err := init.Ensure(ctx)
	if err != nil {
		return err
	}
	for _, v := range missing {
		text, err := v.ask(ctx, v.question)
		if err != nil {
			return err
		}
		if err := o.store(env.File, v, text, false); err != nil {
			return err
		}
	}
	if stored, _ := env.Get(scaffold.SessionSecret, nil); stored == "" { // a new one would log out every user
		secret, err := scaffold.NewSecret(o.Random)
		if err != nil {
			return err
		}
		if err := env.Set(scaffold.SessionSecret, secret); err != nil {
			return o.unwritten(scaffold.SessionSecret, err)
		}
	}
	c.Template = project.TemplateAuth0
	if err := o.Folder.Save(c, env); err != nil {
		return err
	}
	o.IO.Err.Note("Your Auth0 credentials have been stored in %s", o.Folder.EnvPath())
	base, _ := env.Get(scaffold.BaseURL, nil)
	after, _ := env.Get(scaffold.PostLogoutRedirect, nil)
	r := scaffold.Register(c.ID, base, after)
	return o.IO.Result(struct {
		ID       string `json:"id"`
		Template string `json:"template"`
		scaffold.Registration
	}{c.ID, c.Template, r}, func(out *term.Stream) {
		out.Println(out.Green("Successfully configured Auth0."))
		out.Println("Register these URLs in your Auth0 application:")
		list(out, "Allowed Callback URLs", r.Callbacks)
		list(out, "Allowed Logout URLs", r.Logouts)
		out.Println("To deploy, run 'ploomber-cloud deploy'")
	})
}

func list(out *term.Stream, title string, urls []string) {
	out.Println("  " + out.Bold(title))
	for _, u := range urls {
		out.Println("    " + u)
	}
}

// value is one of the three values of an application at the provider.
type value struct {
	name, given string
	question    prompt.Question
	ask         func(context.Context, prompt.Question) (string, error)
}

func (o *Options) application() []value {
	question := func(name, flag string, check func(string) error) prompt.Question {
		return prompt.Question{Label: "Enter the value for " + name, Flag: flag, Check: check}
	}
	return []value{
		{scaffold.ClientID, o.ClientID, question(scaffold.ClientID, "--client-id", nil), o.Ask.Text},
		{scaffold.ClientSecret, o.clientSecret, question(scaffold.ClientSecret, "--client-secret-stdin", nil), o.Ask.Secret},
		{scaffold.Issuer, o.Issuer, question(scaffold.Issuer, "--issuer", checkIssuer), o.Ask.Text},
	}
}

// storeKnown completes env with values from flags or the environment, which need no prompt, and returns the rest.
func (o *Options) storeKnown(env *dotenv.File) (missing []value, err error) {
	for _, v := range o.application() {
		stored, _ := env.Get(v.name, nil)
		text := cmp.Or(v.given, stored)
		if text == "" {
			text, _ = o.Environ(v.name)
		}
		if text == "" {
			missing = append(missing, v)
			continue
		}
		if err := o.store(env, v, text, v.given == "" && stored != ""); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

// store puts a value into env, unless it is already there; stored means that it comes from there.
func (o *Options) store(env *dotenv.File, v value, text string, stored bool) (err error) {
	if v.name == scaffold.Issuer {
		if text, err = o.issuer(text, stored); err != nil {
			return err
		}
	}
	if now, _ := env.Get(v.name, nil); now == text {
		return nil
	}
	if err := env.Set(v.name, text); err != nil {
		return o.unwritten(v.name, err)
	}
	return nil
}

// issuer completes an issuer. An incomplete stored one is kept, since the user may know better: our own login
// completes it, the platform's may not.
func (o *Options) issuer(value string, stored bool) (string, error) {
	if stored {
		full, err := scaffold.TypedIssuer(value)
		if err != nil {
			o.IO.Err.Warn("%s in %s: %v", scaffold.Issuer, o.Folder.EnvPath(), err)
			return value, nil
		}
		return full, nil
	}
	full, err := scaffold.IssuerURL(value)
	if err != nil {
		return "", failure.Failedf("%s: %w", scaffold.Issuer, err)
	}
	return full, nil
}

func (o *Options) unwritten(name string, err error) error {
	return failure.Failedf("cannot store %s in %s: %w", name, o.Folder.EnvPath(), err)
}
