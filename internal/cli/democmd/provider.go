package democmd

import (
	"context"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// withLogin protects the app with the login of 'templates auth0', using a provider on this machine.
type withLogin struct {
	*Options
	dev       *devidp.Provider
	framework string
}

var _ journey = (*withLogin)(nil)

// served is what the demo prints once the app is served.
type served struct {
	URL     string   `json:"url"`
	Issuer  string   `json:"issuer"` // the provider's address
	Users   []string `json:"users"`  // e-mail addresses to choose from; any other can be typed
	Checked int      `json:"checked,omitempty"`
}

// startProvider starts the provider with two example users.
func (o *Options) startProvider(ctx context.Context) (*devidp.Provider, error) {
	dev, err := devidp.Start(ctx, devidp.Options{
		Users: []devidp.User{{Email: "ada@example.com", Groups: []string{"admins"}}, {Email: "grace@example.com"}},
		Now:   o.Now, Random: o.Random,
	})
	if err != nil {
		return nil, failure.Failedf("the development login cannot start: %w", err)
	}
	return dev, nil
}

// protect makes the folder a project with the provider's login, like init and 'templates auth0'.
func (w *withLogin) protect(dir, framework, id, url string) error {
	w.step("templates auth0")
	at := scaffold.Register("", url, "")
	w.dev.Register(at.Callbacks, at.Logouts)
	session, err := scaffold.NewSecret(w.Random)
	if err != nil {
		return err
	}
	env, err := flow.Folder{Dir: dir}.Env()
	if err != nil {
		return err
	}
	for _, v := range []struct{ name, value string }{
		{scaffold.ClientID, w.dev.ClientID()}, {scaffold.ClientSecret, w.dev.ClientSecret()}, {scaffold.Issuer, w.dev.Issuer()},
		{scaffold.SessionSecret, session},
	} {
		if err := env.Set(v.name, v.value); err != nil {
			return err
		}
	}
	c := &project.Config{ID: id, Type: framework, Template: project.TemplateAuth0}
	return flow.Folder{Dir: dir}.Save(c, env)
}

func (w *withLogin) served(url string) served {
	s := served{URL: url, Issuer: w.dev.Issuer()}
	for _, u := range w.dev.Users() {
		s.Users = append(s.Users, u.Email)
	}
	return s
}

func (w *withLogin) show(_ context.Context, url string) error {
	s := w.served(url)
	return w.IO.Result(s, func(out *term.Stream) {
		out.Printf("\n  %s  %s\n  Log in as %s, or type any e-mail address: no password needed\n\n",
			out.Bold("Open     "), out.Green(s.URL), strings.Join(s.Users, " or "))
		w.end()
	})
}

func (w *withLogin) check(ctx context.Context, url string) error {
	return w.checkLogin(ctx, w.served(url))
}
