package proxycmd

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// newBrowser is a client that keeps cookies, and gives no password unless told otherwise.
func newBrowser(t *testing.T) *client {
	t.Helper()
	b := newClient(t, "")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.http.Jar = jar
	return b
}

// cookies are the names of what the browser sends to a proxy.
func (c *client) cookies(t *testing.T, w *instance) (names []string) {
	t.Helper()
	u, err := url.Parse("http://" + w.public)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range c.http.Jar.Cookies(u) {
		names = append(names, cookie.Name)
	}
	return names
}

func (c *client) logIn(t *testing.T, w *instance) {
	t.Helper()
	c.password = "first-password"
	if code, body := c.get(t, "http://"+w.public+"/"); code != http.StatusOK {
		t.Fatalf("login: %d %s", code, body)
	}
	c.password = ""
}

func (c *client) wantIn(t *testing.T, w *instance, want bool) {
	t.Helper()
	if code, body := c.get(t, "http://"+w.public+"/"); (code == http.StatusOK) != want {
		t.Errorf("%s: %d %s; want to be in: %v", w.public, code, body, want)
	}
}

// Two proxies on two ports that share a store act as one: a user who has logged in at one is logged in at the other, and logged out at both
// after a logout, which closes WebSockets at the other.
func TestReplicasShareCookies(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{
		"no public address":  login,
		"one public address": login + "AUTH_BASE_URL=http://app.example.com\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "sessions.db")
			share := func(o *Options) { o.SessionStore = "sqlite:" + file }
			first, second := start(t, echo, env, share), start(t, hello, env, share)
			b := newBrowser(t)
			b.logIn(t, second)
			b.wantIn(t, second, true)
			if names := b.cookies(t, first); len(names) != 1 {
				t.Errorf("cookies %q, want one", names)
			}
			ws, _, err := websocket.Dial(t.Context(), "ws://"+first.public+"/", &websocket.DialOptions{HTTPClient: b.http})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ws.CloseNow() }()
			if code, body := b.get(t, "http://"+second.public+"/logout"); code != http.StatusOK {
				t.Errorf("logout: %d %s", code, body)
			}
			if _, _, err := ws.Read(t.Context()); err == nil {
				t.Error("the WebSocket at the other is still open")
			}
			b.wantIn(t, first, false)
			b.wantIn(t, second, false)
		})
	}
}

// Two apps on two ports of one host, each with a store of its own, do not take each other's cookies away.
func TestAppsKeepTheirCookies(t *testing.T) {
	t.Parallel()
	var apps []*instance
	for _, store := range []string{"memory", "sqlite:" + filepath.Join(t.TempDir(), "a.db"), "sqlite:" + filepath.Join(t.TempDir(), "b.db")} {
		apps = append(apps, start(t, hello, login, func(o *Options) { o.SessionStore = store }))
	}
	b := newBrowser(t)
	for _, w := range apps {
		b.logIn(t, w)
	}
	for _, w := range apps {
		b.wantIn(t, w, true)
	}
	b.get(t, "http://"+apps[0].public+"/logout")
	b.wantIn(t, apps[0], false)
	b.wantIn(t, apps[1], true)
	b.wantIn(t, apps[2], true)
}

// A cookie that is named after the port of its proxy, as all were before stores were shared, goes on under the shared
// name.
func TestCookiesOfOwnPortGoOn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sessions.db")
	share := func(o *Options) { o.SessionStore = "sqlite:" + file }
	first, second := start(t, hello, login, share), start(t, hello, login, share)
	b := newBrowser(t)
	b.logIn(t, first)
	u, err := url.Parse("http://" + first.public)
	if err != nil {
		t.Fatal(err)
	}
	shared := b.http.Jar.Cookies(u)[0]
	if _, port, _ := strings.Cut(first.public, ":"); shared.Name != "ploomber_session_"+port {
		t.Errorf("the first has %s, want its port in it: the store is new", shared.Name)
	}
	_, port, _ := strings.Cut(second.public, ":")
	other := newBrowser(t)
	other.http.Jar.SetCookies(u, []*http.Cookie{{Name: "ploomber_session_" + port, Value: shared.Value}})
	other.wantIn(t, first, false)
	other.wantIn(t, second, true)
	other.wantIn(t, first, true)
}
