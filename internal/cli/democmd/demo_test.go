package democmd

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"nothing":          {Want: Flags{Example: "streamlit/app-with-auth0"}},
		"everything":       {Args: []string{"--example", "dash/basic-app", "--check", "--port", "9000"}, Want: Flags{Example: "dash/basic-app", Check: true, Port: 9000}},
		"port 0":           {Args: []string{"--port=0"}, Code: failure.Usage},
		"a port too large": {Args: []string{"--port=65536"}, Code: failure.Usage},
	})
}

// The demo serves a protected project and leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	for example, check := range map[string]func(t *testing.T, d *cmdtest.Setup, f flow.Folder, c *project.Config, dev *devidp.Provider) (shown []string){
		"streamlit/basic-app": func(t *testing.T, d *cmdtest.Setup, f flow.Folder, c *project.Config, dev *devidp.Provider) []string {
			t.Helper()
			env, err := f.Env()
			if err != nil {
				t.Fatal(err)
			}
			login, err := env.Credentials(c, project.MainApp, d.Lookup)
			if err != nil || login.Username != "demo" || len(login.Password) != 16 || dev != nil {
				t.Errorf("%v, %v", login, err)
			}
			return []string{login.Password}
		},
		"streamlit/app-with-auth0": func(t *testing.T, d *cmdtest.Setup, f flow.Folder, c *project.Config, dev *devidp.Provider) []string {
			t.Helper()
			env, err := f.Env()
			source := f.LoginSource(env, c, d.Lookup)
			if err != nil {
				t.Fatal(err)
			}
			login, err := config.From(source)
			if err != nil || c.Template != project.TemplateAuth0 || len(login.Providers) != 1 || login.Providers[0].Issuer != dev.Issuer() ||
				login.Providers[0].ClientSecret.Reveal() != dev.ClientSecret() {
				t.Errorf("%+v, %v", login, err)
			}
			return []string{"ada@example.com", "grace@example.com"}
		},
	} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			temp, served := t.TempDir(), ""
			ctx, cancel := context.WithCancel(t.Context())
			o := Options{
				IO: d.IO, TempDir: func() string { return temp }, Now: time.Now, Random: rand.Reader, Flags: Flags{Example: example, Port: 9000},
				Serve: func(ctx context.Context, dir string, port int, dev *devidp.Provider, ready func(context.Context, string) error) error {
					served = dir
					f := flow.Folder{Dir: dir}
					c, err := f.Load()
					if err != nil || c.Type != "streamlit" || port != 9000 {
						t.Errorf("%+v, %v, port %d", c, err, port)
					}
					shown := check(t, d, f, c, dev)
					if _, err := os.Stat(filepath.Join(dir, "app.py")); err != nil {
						t.Error(err)
					}
					cancel()
					err = ready(ctx, "http://127.0.0.1:9000")
					for _, want := range append(shown, "http://127.0.0.1:9000") {
						if said := d.Out(); !strings.Contains(said, want) {
							t.Errorf("says %q, lacks %q", said, want)
						}
					}
					if dev != nil && strings.Contains(d.Said(err), dev.ClientSecret()) {
						t.Error("shows the provider's secret")
					}
					return err
				},
			}
			if err := demo(ctx, &o); failure.Code(err) != failure.Interrupted {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(served); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is left: %v", served, err)
			}
		})
	}
}

func TestDemoRefusesUnknownExamples(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	o := Options{IO: d.IO, TempDir: t.TempDir, Flags: Flags{Example: "streamlit/none"}}
	err := demo(t.Context(), &o)
	if failure.Code(err) != failure.Usage || !strings.Contains(failure.Hint(err), "streamlit/basic-app") {
		t.Errorf("%v (%s)", err, failure.Hint(err))
	}
}
