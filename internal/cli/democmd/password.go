package democmd

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// withPassword protects the app with one user name and password, like 'auth --add'.
type withPassword struct {
	*Options
	who account
}

var _ journey = (*withPassword)(nil)

// account is the demo's only user.
type account struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"` // generated for this run only
	Checked  int    `json:"checked,omitempty"`
}

// protect makes the folder a project with a password, like init and 'auth --add' for users with an account.
func (w *withPassword) protect(dir, framework, id, _ string) error {
	w.step("auth --add --feature main_app")
	w.who.Username = "demo"
	secret, err := scaffold.NewSecret(w.Random)
	if err != nil {
		return err
	}
	w.who.Password = secret[:16] // 96 random bits
	env, err := flow.Folder{Dir: dir}.Env()
	if err != nil {
		return err
	}
	if err := env.Set(project.MainApp.UsernameKey(), w.who.Username); err != nil {
		return err
	}
	if err := env.Set(project.MainApp.PasswordKey(), w.who.Password); err != nil {
		return err
	}
	c := &project.Config{ID: id, Type: framework}
	c.SetCredentials(project.MainApp, project.Reference(project.MainApp.UsernameKey(), project.MainApp.PasswordKey()))
	return flow.Folder{Dir: dir}.Save(c, env)
}

// show prints how to log in. The password is a result of the demo, printed to standard output only.
func (w *withPassword) show(_ context.Context, url string) error {
	w.who.URL = url
	return w.IO.Result(w.who, func(out *term.Stream) {
		out.Printf("\n  %s  %s\n  User      %s\n  Password  %s\n\n", out.Bold("Open    "), out.Green(url), w.who.Username, w.who.Password)
		w.end()
	})
}

func (w *withPassword) check(ctx context.Context, url string) error {
	w.who.URL = url
	return w.Options.check(ctx, w.who)
}
