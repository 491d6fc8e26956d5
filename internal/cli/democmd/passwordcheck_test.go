package democmd

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// page is longer than what two pages share by chance.
var page = `<html><script src="./static/main.js"></script>` + strings.Repeat("<p>the app's own words</p>", 60) + "</html>"

// app is what must be protected. It takes an upgrade to a WebSocket.
func app(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(io.Discard, buffered) // stays open until the client leaves
		_ = conn.Close()
		return
	}
	_, _ = io.WriteString(w, page)
}

// guard is the demo's own login in front of upstream.
func guard(t *testing.T, upstream, public string) http.Handler {
	t.Helper()
	vars := map[string]string{"username_main_app": "demo", "password_main_app": "right-password"}
	config, err := config.From(config.Source{
		Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Names:  []string{"username_main_app", "password_main_app"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if config.BaseURL, err = url.Parse(public); err != nil {
		t.Fatal(err)
	}
	login, err := authproxy.New(config, authproxy.Options{Upstream: upstream, Now: time.Now, Random: rand.Reader, CookieSuffix: "8080"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = login.Close() })
	return login
}

// stub is a login that holds, as the demo's own answers but without its costly check of a password.
func stub(app http.Handler) http.Handler {
	const cookie = "session"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		session, _ := r.Cookie(cookie)
		switch {
		case r.URL.Path == "/_auth/login" && r.Method == http.MethodPost:
			if r.FormValue("username") == "demo" && r.FormValue("password") == "right-password" && r.FormValue("token") == "t" {
				http.SetCookie(w, &http.Cookie{Name: cookie, Value: "s", Path: "/"})
			}
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case r.URL.Path == "/_auth/login":
			_, _ = io.WriteString(w, `<form method="post" action="/_auth/login"><input type="hidden" name="token" value="t"></form>`)
		case session != nil, user == "demo" && password == "right-password":
			app.ServeHTTP(w, r)
		case r.Header.Get("Sec-Fetch-Mode") == "navigate":
			http.Redirect(w, r, "/_auth/login", http.StatusSeeOther)
		default:
			http.Error(w, "authentication required", http.StatusUnauthorized)
		}
	})
}

// The real login holds.
func TestCheckOfTheRealLogin(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(app))
	defer upstream.Close()
	var login http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { login.ServeHTTP(w, r) }))
	defer server.Close()
	login = guard(t, upstream.URL, server.URL)
	d := cmdtest.New(t, nil)
	if err := (&Options{IO: d.IO}).check(t.Context(), account{URL: server.URL, Username: "demo", Password: "right-password"}); err != nil {
		t.Error(d.Said(err))
	}
}

// TestCheck breaks the login in one way after the other: the check must find each.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		// broken answers a request in the login's place, or does not and returns false.
		broken func(w http.ResponseWriter, r *http.Request, app http.Handler) bool
		says   string // of the failure; "" holds
	}{
		"a login that holds": {},
		"no login at all": {
			broken: func(w http.ResponseWriter, r *http.Request, app http.Handler) bool { app.ServeHTTP(w, r); return true },
			says:   "a page request without the password: status 200",
		},
		"an open page below": {broken: open(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/any/") }), says: "a request for a subpage"},
		"open to programs": {broken: open(func(r *http.Request) bool {
			return r.Header.Get("Sec-Fetch-Mode") == "" && r.Method == "GET" && r.Header.Get("Authorization") == ""
		}), says: "a program's request"},
		"an open file": {broken: open(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/static/") }), says: "a file used by the page"},
		"an open form": {broken: open(func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/" }), says: "a form"},
		"an open health check": {
			broken: open(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/health") }), says: "app's health check",
		},
		"an open WebSocket":      {broken: open(func(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }), says: "a WebSocket without the password: status 101"},
		"any password":           {broken: open(func(r *http.Request) bool { user, _, _ := r.BasicAuth(); return user == "demo" }), says: "a wrong password"},
		"any user":               {broken: open(func(r *http.Request) bool { _, pass, _ := r.BasicAuth(); return pass == "right-password" }), says: "a wrong user"},
		"a trusted header":       {broken: open(func(r *http.Request) bool { return r.Header.Get("X-Auth-Name") != "" }), says: "a claimed identity"},
		"another spelling of it": {broken: open(func(r *http.Request) bool { return r.Header["X_auth_name"] != nil }), says: "a claimed identity"},
		"a page under a 401": {
			broken: func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				if r.Method != http.MethodPost || r.URL.Path != "/" {
					return false
				}
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, page)
				return true
			},
			says: "a form without the password: the app's page came back",
		},
		"half a page under a redirect": {
			broken: func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				if r.URL.Path != "/any/page" {
					return false
				}
				w.Header().Set("Location", "/_auth/login")
				w.WriteHeader(http.StatusSeeOther)
				_, _ = io.WriteString(w, page[len(page)/2:])
				return true
			},
			says: "the app's page came back",
		},
		"a redirect in place of a refusal": {
			broken: func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				if r.URL.Path != "/any/page" {
					return false
				}
				http.Redirect(w, r, "https://elsewhere.example.test/", http.StatusFound)
				return true
			},
			says: "a request for a subpage without the password: status 302",
		},
		"the right password refused": {
			broken: func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				if r.Header.Get("Authorization") == "" {
					return false
				}
				http.Error(w, "no", http.StatusUnauthorized)
				return true
			},
			says: "with the password the app returns status 401",
		},
		"a login for ever": {
			broken: func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				if strings.HasPrefix(r.URL.Path, "/_auth/") {
					return false
				}
				http.Redirect(w, r, "/_auth/login", http.StatusSeeOther)
				return true
			},
			says: "asks for a login in spite of the correct password",
		},
		"a session that does not last": {
			broken: func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				r.Header.Del("Cookie")
				return false
			},
			says: "after the login",
		},
		"a login page without form": {
			broken: func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				if !strings.HasPrefix(r.URL.Path, "/_auth/") {
					return false
				}
				_, _ = io.WriteString(w, "sorry")
				return true
			},
			says: "the login page has no form",
		},
		"another page after the login": {
			broken: func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
				if r.Header.Get("Cookie") == "" || r.URL.Path != "/" || r.Method != http.MethodGet || r.Header.Get("Authorization") != "" || !strings.Contains(r.Header.Get("Cookie"), "session") {
					return false
				}
				_, _ = io.WriteString(w, "another")
				return true
			},
			says: "after the login the app returns a different page",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := http.HandlerFunc(app)
			login := stub(direct)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tc.broken == nil || !tc.broken(w, r, direct) {
					login.ServeHTTP(w, r)
				}
			}))
			defer server.Close()
			defer server.CloseClientConnections()
			d := cmdtest.New(t, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			err := (&Options{IO: d.IO}).check(ctx, account{URL: server.URL, Username: "demo", Password: "right-password"})
			said := d.Said(err)
			if (err == nil) != (tc.says == "") || !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q", said, tc.says)
			}
			if err != nil && failure.Code(err) != failure.Failed {
				t.Errorf("exit status %d", failure.Code(err))
			}
			if strings.Contains(said, "right-password") {
				t.Errorf("shows the password: %q", said)
			}
		})
	}
}

func open(which func(*http.Request) bool) func(http.ResponseWriter, *http.Request, http.Handler) bool {
	return func(w http.ResponseWriter, r *http.Request, app http.Handler) bool {
		if !which(r) {
			return false
		}
		app.ServeHTTP(w, r)
		return true
	}
}

func TestCheckNeedsAnApp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	d := cmdtest.New(t, nil)
	err := (&Options{IO: d.IO}).check(t.Context(), account{URL: server.URL, Username: "demo", Password: "right-password"})
	if err == nil || !strings.Contains(err.Error(), "cannot request the app") {
		t.Errorf("%v", err)
	}
}

func TestFileOf(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		`<script src="./static/js/x.js?v=1">`:                               "/static/js/x.js?v=1",
		`<link href="https://cdn.example.test/a.css"><img src="/logo.png">`: "/logo.png",
		`<a href="#top"><a href="/">`:                                       "/static/app.js",
		"":                                                                  "/static/app.js",
	} {
		if got := fileOf([]byte(page), "http://127.0.0.1:8080"); got != want {
			t.Errorf("%s: %s, want %s", page, got, want)
		}
	}
}
