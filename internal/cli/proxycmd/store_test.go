package proxycmd

import (
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/desk"
	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
)

func TestSQLitePath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"memory": "", "sqlite:a": "a", "sqlite:/a/b c.db": "/a/b c.db", "sqlite:C:\\a.db": `C:\a.db`,
		"sqlite:": "wrong", "sqlite": "wrong", "": "wrong", "redis:a": "wrong", "Memory": "wrong",
	} {
		path, err := sqlitePath(text)
		if err != nil {
			path = "wrong"
		}
		if path != want {
			t.Errorf("%q: %q, want %q", text, path, want)
		}
	}
}

// With --check the store has to open. One that is not there yet is not made.
func TestCheckOpensTheStore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ store, want string }{
		"new":                 {"sqlite:new.db", ""},
		"in a missing folder": {"sqlite:missing/new.db", "--session-store: "},
		"below a file":        {"sqlite:.env/new.db", "--session-store: "},
		"of another program":  {"sqlite:.env", "--session-store: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := desk.New(t, map[string]string{".env": login})
			before := d.Files()
			err := desk.Run(t.Context(), New(*options(t, d), nil), "--check", "--session-store="+tc.store)
			if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if after := d.Files(); strings.Join(after, " ") != strings.Join(before, " ") {
				t.Errorf("%v were %v", after, before)
			}
		})
	}
}

// --check says the same of a folder in which the store is to be made as a start does. Nothing is closed to root.
func TestCheckLooksAtTheFolderOfTheStore(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) }) //nolint:gosec // a folder has to be entered
	path := filepath.Join(folder, "new.db")
	d := desk.New(t, map[string]string{".env": login})
	checked := desk.Run(t.Context(), New(*options(t, d), nil), "--check", "--session-store=sqlite:"+path)
	started := os.WriteFile(path, nil, 0o600)
	if (checked == nil) != (started == nil) || checked != nil && !strings.HasPrefix(checked.Error(), "--session-store: ") {
		t.Errorf("--check says %v, a start would say %v", checked, started)
	}
}

// A session in a file outlives the process, and a reload of the same credentials; not one of others.
func TestSessionsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.db")
	address := freeport.Address(t)
	with := func(o *Options) { o.SessionStore, o.Listen = "sqlite:"+path, address }
	env := login + "AUTH_SECRET=7Yw1Zt4uJq0XcVbN8mRsEd2LfKpGh3Ta\n"
	first := start(t, hello, env, with)
	visitor := newClient(t, "first-password")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	visitor.http.Jar = jar
	if code, body := visitor.get(t, "http://"+address+"/"); code != http.StatusOK {
		t.Fatal(code, body)
	}
	visitor.password = "" // the session must be enough
	first.signals <- syscall.SIGHUP
	first.says("msg=reloaded")
	if code, body := visitor.get(t, "http://"+address+"/"); code != http.StatusOK {
		t.Errorf("after a reload: %d %s", code, body)
	}
	first.signals <- syscall.SIGTERM
	if code := first.end(); code != failure.Done {
		t.Fatalf("exit status %d", code)
	}

	second := start(t, hello, env, with)
	if code, body := visitor.get(t, "http://"+address+"/"); code != http.StatusOK || body != "hello ann" {
		t.Errorf("after a restart: %d %s", code, body)
	}
	second.desk.Write(".env", strings.ReplaceAll(env, "first-password", "second-password"))
	second.signals <- syscall.SIGHUP
	second.says("msg=reloaded")
	if code, _ := visitor.get(t, "http://"+address+"/"); code != http.StatusUnauthorized {
		t.Errorf("with another password: %d", code)
	}
}
