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

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/testkit/desk"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want Flags
		code int
	}{
		"nothing":          {want: Flags{Example: "streamlit/basic-app"}},
		"everything":       {args: []string{"--example", "dash/basic-app", "--check", "--port", "9000"}, want: Flags{Example: "dash/basic-app", Check: true, Port: 9000}},
		"port 0":           {args: []string{"--port=0"}, code: failure.Usage},
		"a port too large": {args: []string{"--port=65536"}, code: failure.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Flags
			c := New(Options{}, func(_ context.Context, o *Options) error { got = o.Flags; return nil })
			err := desk.Run(t.Context(), c, tc.args...)
			if code := failure.Code(err); code != tc.code || got != tc.want {
				t.Errorf("code %d, flags %+v; want %d, %+v", code, got, tc.code, tc.want)
			}
		})
	}
}

// The demo serves a protected project and leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	d := desk.New(t, nil)
	temp, served := t.TempDir(), ""
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{
		IO: d.IO, TempDir: func() string { return temp }, Random: rand.Reader, Flags: Flags{Example: "streamlit/basic-app", Port: 9000},
		Serve: func(ctx context.Context, dir string, port int, ready func(context.Context, string) error) error {
			served = dir
			f := flow.Folder{Dir: dir}
			c, err := f.Load()
			if err != nil || c.Type != "streamlit" || port != 9000 {
				t.Errorf("%+v, %v, port %d", c, err, port)
			}
			login, err := f.Credentials(c, project.MainApp, d.Lookup)
			if err != nil || login.Username != "demo" || len(login.Password) != 16 {
				t.Errorf("%v, %v", login, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "app.py")); err != nil {
				t.Error(err)
			}
			cancel()
			err = ready(ctx, "http://127.0.0.1:9000")
			if said := d.Out(); !strings.Contains(said, login.Password) || !strings.Contains(said, "http://127.0.0.1:9000") {
				t.Errorf("says %q", said)
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
}

func TestDemoRefusesUnknownExamples(t *testing.T) {
	t.Parallel()
	d := desk.New(t, nil)
	o := Options{IO: d.IO, TempDir: t.TempDir, Flags: Flags{Example: "streamlit/none"}}
	err := demo(t.Context(), &o)
	if failure.Code(err) != failure.Usage || !strings.Contains(failure.Hint(err), "streamlit/basic-app") {
		t.Errorf("%v (%s)", err, failure.Hint(err))
	}
}
