package democmd

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

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

// cloud is a Platform that deploys nothing.
type cloud struct {
	deployed func(dir string) error
	closed   bool
}

func (c *cloud) Create(context.Context, string) (id, url string, err error) {
	return "calm-lake-0001", "http://calm-lake-0001.localhost:9000", nil
}
func (c *cloud) Deploy(_ context.Context, dir string) error { return c.deployed(dir) }
func (c *cloud) Close()                                     { c.closed = true }

// The demo deploys a protected project and leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	for example, check := range map[string]func(t *testing.T, d *cmdtest.Setup, f flow.Folder, c *project.Config) (shown, secret []string){
		"streamlit/basic-app": func(t *testing.T, d *cmdtest.Setup, f flow.Folder, c *project.Config) (shown, secret []string) {
			t.Helper()
			env, err := f.Env()
			if err != nil {
				t.Fatal(err)
			}
			login, err := env.Credentials(c, project.MainApp, d.Lookup)
			if err != nil || login.Username != "demo" || len(login.Password) != 16 {
				t.Errorf("%v, %v", login, err)
			}
			return []string{login.Password}, nil
		},
		"streamlit/app-with-auth0": func(t *testing.T, d *cmdtest.Setup, f flow.Folder, c *project.Config) (shown, secret []string) {
			t.Helper()
			env, err := f.Env()
			source := f.LoginSource(env, c, d.Lookup)
			if err != nil {
				t.Fatal(err)
			}
			login, err := config.From(source)
			if err != nil || c.Template != project.TemplateAuth0 || len(login.Providers) != 1 || !strings.HasPrefix(login.Providers[0].Issuer, "http://127.0.0.1:") {
				t.Fatalf("%+v, %v", login, err)
			}
			return []string{"ada@example.com", "grace@example.com"}, []string{login.Providers[0].ClientSecret.Reveal()}
		},
	} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			temp := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			var shown, secret []string
			to := &cloud{}
			to.deployed = func(dir string) error {
				f := flow.Folder{Dir: dir}
				c, err := f.Load()
				if err != nil || c.Type != "streamlit" || c.ID != "calm-lake-0001" {
					t.Errorf("%+v, %v", c, err)
				}
				shown, secret = check(t, d, f, c)
				if _, err := os.Stat(filepath.Join(dir, "app.py")); err != nil {
					t.Error(err)
				}
				cancel() // as the user does later
				return nil
			}
			o := Options{
				IO: d.IO, TempDir: func() string { return temp }, Now: time.Now, Random: rand.Reader, Flags: Flags{Example: example, Port: 9000},
				Start: func(_ context.Context, dir string, port int) (Platform, error) {
					if port != 9000 || !strings.HasPrefix(dir, temp) {
						t.Errorf("folder %s, port %d", dir, port)
					}
					return to, nil
				},
			}
			err := demo(ctx, &o)
			if failure.Code(err) != failure.Interrupted {
				t.Errorf("%v", err)
			}
			for _, want := range append(shown, "http://calm-lake-0001.localhost:9000") {
				if said := d.Out(); !strings.Contains(said, want) {
					t.Errorf("says %q, lacks %q", said, want)
				}
			}
			for _, s := range secret {
				if strings.Contains(d.Said(err), s) {
					t.Error("shows the provider's secret")
				}
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 || !to.closed {
				t.Errorf("%v are left (%v), platform closed: %v", left, err, to.closed)
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
