package proxycmd

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
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
			d := cmdtest.New(t, map[string]string{".env": login})
			before := d.Files()
			err := cmdtest.Run(t.Context(), New(*options(t, d), nil), "--check", "--session-store="+tc.store)
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
	d := cmdtest.New(t, map[string]string{".env": login})
	checked := cmdtest.Run(t.Context(), New(*options(t, d), nil), "--check", "--session-store=sqlite:"+path)
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
	client := newClient(t, "first-password")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client.http.Jar = jar
	if code, body := client.get(t, "http://"+address+"/"); code != http.StatusOK {
		t.Fatal(code, body)
	}
	client.password = "" // the session must be enough
	first.signals <- syscall.SIGHUP
	first.says("msg=reloaded")
	if code, body := client.get(t, "http://"+address+"/"); code != http.StatusOK {
		t.Errorf("after a reload: %d %s", code, body)
	}
	first.signals <- syscall.SIGTERM
	if code := first.end(); code != failure.Done {
		t.Fatalf("exit status %d", code)
	}

	second := start(t, hello, env, with)
	if code, body := client.get(t, "http://"+address+"/"); code != http.StatusOK || body != "hello ann" {
		t.Errorf("after a restart: %d %s", code, body)
	}
	second.cmd.Write(".env", strings.ReplaceAll(env, "first-password", "second-password"))
	second.signals <- syscall.SIGHUP
	second.says("msg=reloaded")
	if code, _ := client.get(t, "http://"+address+"/"); code != http.StatusUnauthorized {
		t.Errorf("with another password: %d", code)
	}
}

// Processes behind one public address share the sessions of a file, whatever they listen on, and a restart on another
// port logs nobody out. An app at another port of that address is none of their business.
func TestSessionsAreSharedBehindOneAddress(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.db")
	with := func(o *Options) { o.SessionStore = "sqlite:" + path }
	env := login + "AUTH_SECRET=7Yw1Zt4uJq0XcVbN8mRsEd2LfKpGh3Ta\nAUTH_BASE_URL=http://app.example.com\n"
	one, two := start(t, hello, env, with), start(t, hello, env, with)
	neighbour := start(t, hello, strings.Replace(env, "example.com", "example.com:9000", 1), with)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, "first-password")
	client.http.Jar = jar
	// A browser sends the cookies of a host to each of its ports.
	if code, body := client.get(t, "http://"+one.public+"/"); code != http.StatusOK {
		t.Fatal(code, body)
	}
	client.password = ""
	for name, w := range map[string]*instance{"the same": one, "another process": two} {
		if code, _ := client.get(t, "http://"+w.public+"/"); code != http.StatusOK {
			t.Errorf("%s: %d", name, code)
		}
	}
	if code, _ := client.get(t, "http://"+neighbour.public+"/"); code != http.StatusUnauthorized {
		t.Errorf("at the neighbour's: %d", code)
	}
	client.password = "first-password" // log in there as well
	if code, _ := client.get(t, "http://"+neighbour.public+"/"); code != http.StatusOK {
		t.Error("no login at the neighbour's")
	}
	client.password = ""
	for name, w := range map[string]*instance{"the first": one, "the neighbour": neighbour} {
		if code, _ := client.get(t, "http://"+w.public+"/"); code != http.StatusOK {
			t.Errorf("%s, after both logins: %d", name, code)
		}
	}
}

// Sessions that were named after the listening port go on where the public address gives them another name.
func TestSessionsOutliveTheNameOfTheirCookie(t *testing.T) {
	t.Parallel()
	path, address := filepath.Join(t.TempDir(), "sessions.db"), freeport.Address(t)
	with := func(o *Options) { o.SessionStore, o.Listen = "sqlite:"+path, address }
	env := login + "AUTH_SECRET=7Yw1Zt4uJq0XcVbN8mRsEd2LfKpGh3Ta\n"
	before := start(t, hello, env, with)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, "first-password")
	client.http.Jar = jar
	if code, body := client.get(t, "http://"+address+"/"); code != http.StatusOK {
		t.Fatal(code, body)
	}
	client.password = ""
	before.signals <- syscall.SIGTERM
	before.end()
	start(t, hello, env+"AUTH_BASE_URL=http://app.example.com\n", with)
	home, err := url.Parse("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := client.get(t, "http://"+address+"/"); code != http.StatusOK {
		t.Fatalf("with the former name: %d", code)
	}
	for _, c := range jar.Cookies(home) {
		if c.Name == "ploomber_session_80" {
			jar.SetCookies(home, []*http.Cookie{{Name: before.cookieName(), Path: "/", MaxAge: -1}})
		}
	}
	if code, _ := client.get(t, "http://"+address+"/"); code != http.StatusOK || len(jar.Cookies(home)) != 1 {
		t.Errorf("with the new name alone: %d, %v", code, jar.Cookies(home))
	}
}

// cookieName is that of sessions where no public address is known.
func (w *instance) cookieName() string {
	_, port, _ := strings.Cut(w.public, ":")
	return "ploomber_session_" + port
}
