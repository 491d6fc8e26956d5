package democmd

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// greeter is an app like Streamlit's: the page is the same for all, and who it is for comes over the WebSocket. It
// tells nobody else's connection from another's: that is the login's.
func greeter(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		app(w, r)
		return
	}
	greet(w, r, r.Header.Get("X-Auth-Name"), true)
}

// greet says hello to name once it is asked, and stays if it is to.
func greet(w http.ResponseWriter, r *http.Request, name string, stay bool) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"streamlit"}})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	if _, _, err := conn.Read(r.Context()); err == nil {
		_ = conn.Write(r.Context(), websocket.MessageBinary, []byte("\x0a\x1fhello "+name+"\x12"))
	}
	if stay {
		_, _, _ = conn.Read(r.Context()) // until the other side leaves
	}
}

// providerGuard is the demo's login in front of upstream.
func providerGuard(t *testing.T, dev *devidp.Provider, upstream, public string) http.Handler {
	t.Helper()
	base, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	login, err := authproxy.New(config.Config{
		BaseURL: base, Secrets: []config.Secret{"q7Zr2mXw9KfT4vLc8NpYb1HsJ6dGu3Ea"},
		Providers: []config.Provider{{Issuer: dev.Issuer(), ClientID: dev.ClientID(), ClientSecret: config.Secret(dev.ClientSecret())}},
	}, authproxy.Options{Upstream: upstream, Now: time.Now, Random: rand.Reader, CookieSuffix: base.Port()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = login.Close() })
	return login
}

// scene is what a broken login may look at.
type scene struct {
	login     http.Handler // the real one
	issuer    string
	loggedOut atomic.Bool  // /exit was asked for
	callbacks atomic.Int32 // logins so far
}

// anonymous reports whether a request is without a session: the real login knows.
func (s *scene) anonymous(r *http.Request) bool {
	ask := httptest.NewRequestWithContext(r.Context(), http.MethodGet, "/status", http.NoBody)
	ask.Host, ask.RemoteAddr = r.Host, r.RemoteAddr
	ask.Header["Cookie"] = r.Header["Cookie"]
	answer := httptest.NewRecorder()
	s.login.ServeHTTP(answer, ask)
	return answer.Body.String() != "logged in"
}

// upgrades reports whether a request with a session asks for the WebSocket, from a page of the app.
func (s *scene) upgrades(r *http.Request) bool {
	return upgrading(r) && r.Header.Get("Origin") != "https://evil.example.com" && !s.anonymous(r)
}

func upgrading(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// TestCheckLogin breaks the login in one way after the other: the check must find each.
func TestCheckLogin(t *testing.T) {
	t.Parallel()
	// opens lets requests through to the app.
	opens := func(which func(*scene, *http.Request) bool) func(*scene, http.ResponseWriter, *http.Request) bool {
		return func(s *scene, w http.ResponseWriter, r *http.Request) bool {
			if which(s, r) {
				greeter(w, r)
				return true
			}
			return false
		}
	}
	type broken struct {
		// broken answers a request in the login's place, or does not and returns false.
		broken func(s *scene, w http.ResponseWriter, r *http.Request) bool
		says   string // of the failure; "" holds
	}
	cases := map[string]broken{
		"a login that holds": {},
		"no login at all":    {broken: opens(func(*scene, *http.Request) bool { return true }), says: "not to the provider's page"},
		"an open page below": {broken: opens(func(_ *scene, r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/any/") }), says: "a request for a subpage"},
		"open to programs": {broken: opens(func(s *scene, r *http.Request) bool {
			return s.anonymous(r) && r.URL.Path == "/" && r.Header.Get("Accept") == "*/*" && r.Method == http.MethodGet
		}), says: "a program's request"},
		"an open file":         {broken: opens(func(_ *scene, r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/static/") }), says: "a file used by the page"},
		"an open form":         {broken: opens(func(_ *scene, r *http.Request) bool { return r.Method == http.MethodPost }), says: "a form"},
		"an open health check": {broken: opens(func(_ *scene, r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/health") }), says: "app's health check"},
		"an open WebSocket":    {broken: opens(func(s *scene, r *http.Request) bool { return upgrading(r) && s.anonymous(r) }), says: "a WebSocket without a login: status 101"},
		"a trusted header": {broken: opens(func(s *scene, r *http.Request) bool {
			return s.anonymous(r) && r.Header.Get("X-Auth-Name") != "" && r.Header.Get("Upgrade") == ""
		}), says: "a claimed identity without"},
		"another spelling of it": {broken: opens(func(s *scene, r *http.Request) bool { return s.anonymous(r) && r.Header["X_auth_name"] != nil }), says: "a claimed identity without"},
		"one on a WebSocket": {broken: opens(func(s *scene, r *http.Request) bool {
			return s.anonymous(r) && r.Header.Get("X-Auth-Name") != "" && r.Header.Get("Upgrade") != ""
		}), says: "a claimed identity on a WebSocket"},
		"any cookie": {broken: opens(func(s *scene, r *http.Request) bool {
			return strings.Contains(r.Header.Get("Cookie"), "AAAA") && r.Header.Get("Upgrade") == ""
		}), says: "a made-up session without"},
		"any cookie, WebSocket": {broken: opens(func(s *scene, r *http.Request) bool {
			return strings.Contains(r.Header.Get("Cookie"), "AAAA") && r.Header.Get("Upgrade") != ""
		}), says: "a forged session on a WebSocket"},
		"any access token": {broken: opens(func(_ *scene, r *http.Request) bool { return r.Header.Get("Authorization") != "" }), says: "a forged access token"},
		"any callback":     {broken: opens(func(_ *scene, r *http.Request) bool { return r.URL.Query().Get("code") == "made-up" }), says: "a forged callback"},
		"any callback is a login": {
			broken: func(_ *scene, w http.ResponseWriter, r *http.Request) bool {
				if c, err := r.Cookie("in"); err == nil && c.Value == "yes" && r.URL.Path == "/" {
					greeter(w, r)
					return true
				}
				if r.URL.Query().Get("code") != "made-up" {
					return false
				}
				http.SetCookie(w, &http.Cookie{Name: "in", Value: "yes", Path: "/"})
				http.Redirect(w, r, "/", http.StatusFound)
				return true
			}, says: "a forged callback",
		},
		"a WebSocket for every site": {broken: opens(func(_ *scene, r *http.Request) bool { return r.Header.Get("Origin") == "https://evil.example.com" }), says: "another site can open"},
		"a page under a redirect": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/any/page" {
					return false
				}
				w.Header().Set("Location", s.issuer+"/authorize")
				w.WriteHeader(http.StatusFound)
				_, _ = io.WriteString(w, page[len(page)/2:])
				return true
			}, says: "the app's page came back",
		},
		"a redirect in place of a refusal": {
			broken: func(_ *scene, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/any/page" {
					return false
				}
				http.Redirect(w, r, "https://elsewhere.example.test/?code=CANARY", http.StatusFound)
				return true
			}, says: "a request for a subpage without a login: status 302",
		},
		"no nonce": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				answer := httptest.NewRecorder()
				s.login.ServeHTTP(answer, r)
				to, err := url.Parse(answer.Header().Get("Location"))
				if err != nil || to.Query().Get("nonce") == "" {
					return false
				}
				q := to.Query()
				q.Del("nonce")
				to.RawQuery = q.Encode()
				http.Redirect(w, r, to.String(), http.StatusFound)
				return true
			}, says: "no state, nonce or PKCE",
		},
		"a callback that fails": {
			broken: func(_ *scene, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/callback" {
					return false
				}
				http.Error(w, "sorry", http.StatusInternalServerError)
				return true
			}, says: "the login as ada@example.com leads to",
		},
		"a session that does not last": {
			broken: func(_ *scene, _ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/callback" {
					r.Header.Del("Cookie")
				}
				return false
			}, says: "the login as ada@example.com",
		},
		"no WebSocket": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if !s.upgrades(r) {
					return false
				}
				http.Error(w, "no", http.StatusForbidden)
				return true
			}, says: "the WebSocket of the app cannot be opened",
		},
		"trusts identity headers of clients": {broken: opens((*scene).upgrades), says: "only claimed in headers"},
		"a nameless user": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if !s.upgrades(r) {
					return false
				}
				greet(w, r, "Anonymous", false)
				return true
			}, says: "does not greet ada@example.com",
		},
		"the last one's name": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/callback" {
					s.callbacks.Add(1)
				}
				if s.upgrades(r) && s.callbacks.Load() > 2 { // the second is the stray one
					greet(w, r, "ada@example.com", false)
					return true
				}
				return false
			}, says: "does not greet grace@example.com",
		},
		"a logout without the provider": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/exit" {
					return false
				}
				s.login.ServeHTTP(httptest.NewRecorder(), r)
				http.Redirect(w, r, "/status", http.StatusFound)
				return true
			}, says: "does not reach the provider",
		},
		"a logout at the provider only": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				switch {
				case r.URL.Path == "/exit":
					s.loggedOut.Store(true)
					http.Redirect(w, r, s.issuer+"/dev-login/logout?client_id=ploomber-cloud-dev&post_logout_redirect_uri="+
						url.QueryEscape("http://"+r.Host+"/status"), http.StatusFound)
				case r.URL.Path == "/status" && s.loggedOut.Load():
					_, _ = io.WriteString(w, "logged out")
				default:
					return false
				}
				return true
			}, says: "the app's WebSocket stays open",
		},
		"a logout that forgets the pages": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if s.loggedOut.Load() && r.Header.Get("Accept") == "*/*" && !upgrading(r) && s.callbacks.Load() < 3 {
					greeter(w, r)
					return true
				}
				s.loggedOut.CompareAndSwap(false, r.URL.Path == "/exit")
				return false
			}, says: "the session is still valid after the logout",
		},
		"a logout that forgets the WebSockets": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if s.loggedOut.Load() && upgrading(r) {
					greeter(w, r)
					return true
				}
				s.loggedOut.CompareAndSwap(false, r.URL.Path == "/exit")
				return false
			}, says: "a WebSocket can be opened after the logout",
		},
		"logs in by itself again": {
			broken: func(s *scene, w http.ResponseWriter, r *http.Request) bool {
				if s.loggedOut.Load() && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
					greeter(w, r)
					return true
				}
				s.loggedOut.CompareAndSwap(false, r.URL.Path == "/exit")
				return false
			}, says: "after the logout: a page request leads to",
		},
	}
	dev, err := (&Options{Now: time.Now, Random: rand.Reader}).startProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Close() })
	upstream := startServer(t, greeter)
	var callbacks, statuses []string
	for name, tc := range cases {
		s := &scene{issuer: dev.Issuer()}
		server := startServer(t, func(w http.ResponseWriter, r *http.Request) {
			if tc.broken == nil || !tc.broken(s, w, r) {
				s.login.ServeHTTP(w, r)
			}
		})
		s.login = providerGuard(t, dev, upstream, server)
		callbacks, statuses = append(callbacks, server+"/callback"), append(statuses, server+"/status")
		t.Run(name, func(t *testing.T) {
			t.Parallel() // goes on once all are registered
			d := cmdtest.New(t, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			w := &withLogin{Options: &Options{IO: d.IO}, dev: dev, framework: "streamlit"}
			err := w.check(ctx, server)
			said := d.Said(err)
			if (err == nil) != (tc.says == "") || !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q", said, tc.says)
			}
			if err != nil && failure.Code(err) != failure.Failed {
				t.Errorf("exit status %d", failure.Code(err))
			}
			if strings.Contains(said, dev.ClientSecret()) || strings.Contains(said, "CANARY") {
				t.Errorf("shows what is secret: %q", said)
			}
		})
	}
	dev.Register(callbacks, statuses)
}

// startServer serves until the test and those in it have ended.
func startServer(t *testing.T, handler http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
