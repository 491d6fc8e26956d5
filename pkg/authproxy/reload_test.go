package authproxy_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// withBot adds a password for programs.
func withBot(c config.Config) config.Config {
	c.Passwords = map[config.Feature]config.Login{config.API: {Username: "bot", Password: "beep"}}
	return c
}

// A new secret logs nobody out as long as the old one is still there; what has not been used meanwhile goes with it
// (security class 9).
func TestClass9SecretRotation(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, withBot(oidcOnly()), nil)
	busy, idle := env.browser(), env.browser()
	for _, b := range []*browser{busy, idle} {
		env.logIn(b)
		b.login("/api/", "bot", "beep")
	}
	id := busy.session()
	busyWS, idleWS := env.open(busy), env.open(idle)
	begun := busy.beginLogin("/_auth/login") // a login under way outlives the change too

	env.reload(func(c *config.Config) { c.Secrets = []config.Secret{oldSecret, longSecret} })
	var wg sync.WaitGroup
	for range 20 { // all at once
		wg.Go(func() { wantApp(t, env.browser().get("/", "Cookie: ploomber_session="+id)) })
	}
	wg.Wait()
	wantApp(t, busy.get("/api/"))
	if busy.session() != id {
		t.Error("the id changed")
	}
	wantEcho(t, busyWS)
	wantEcho(t, idleWS)

	env.reload(func(c *config.Config) { c.Secrets = c.Secrets[:1] })
	wantApp(t, busy.get("/"))
	wantApp(t, busy.get("/api/"))
	wantEcho(t, busyWS)
	wantClosed(t, idleWS)
	wantCode(t, idle.get("/"), http.StatusUnauthorized)
	wantCode(t, idle.get("/api/"), http.StatusUnauthorized)
	if got := busy.finishLogin(env.fake, begun); got.StatusCode != http.StatusFound || got.location() != "/" { // it is in already
		t.Errorf("a login from before: %d to %q", got.StatusCode, got.location())
	}
	other := env.browser()
	env.logIn(other)
	env.reload(func(c *config.Config) { c.Secrets = []config.Secret{longSecret} })
	wantCode(t, other.get("/"), http.StatusUnauthorized)
}

// A password that has changed, or gone, closes at once what it has opened, and nothing else (security class 9).
func TestClass9ChangedPassword(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(map[config.Feature]config.Login)
		opens  bool // afterwards the old login
	}{
		"the same": {func(map[config.Feature]config.Login) {}, true},
		"password": {func(m map[config.Feature]config.Login) {
			m[config.API] = config.Login{Username: "bot", Password: "boop"}
		}, false},
		"name": {func(m map[config.Feature]config.Login) {
			m[config.API] = config.Login{Username: "bott", Password: "beep"}
		}, false},
		"another feature": {func(m map[config.Feature]config.Login) {
			m[config.Analytics] = config.Login{Username: "eve", Password: "x"}
		}, true},
		"none, so that the main app's rules count": {func(m map[config.Feature]config.Login) { delete(m, config.API) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newOIDC(t, withBot(oidcOnly()), nil)
			ann, bot, basic := env.browser(), env.browser(), env.browser()
			env.logIn(ann)
			bot.login("/api/", "bot", "beep")
			wantApp(t, basic.get("/api/", asBasic("bot", "beep")))
			answer, conn, br := env.raw(env.upgrade("/api/ws", "Cookie: ploomber_session="+bot.session()))
			if answer.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(answer.StatusCode)
			}
			annWS := env.open(ann)
			env.reload(func(c *config.Config) {
				logins := map[config.Feature]config.Login{config.API: c.Passwords[config.API]}
				tc.change(logins)
				c.Passwords = logins
			})
			want := http.StatusUnauthorized
			if tc.opens {
				want = http.StatusOK
			}
			for name, got := range map[string]reply{"form": bot.get("/api/"), "session after Basic": basic.get("/api/"),
				"Basic": env.browser().get("/api/", asBasic("bot", "beep"))} {
				if got.StatusCode != want {
					t.Errorf("%s: %d, want %d", name, got.StatusCode, want)
				}
			}
			if !tc.opens {
				if _, err := br.ReadByte(); err == nil {
					t.Error("the WebSocket stays open")
				}
			} else if _, err := conn.Write([]byte("x")); err != nil {
				t.Error(err)
			} else if _, err := br.ReadByte(); err != nil {
				t.Errorf("the WebSocket is closed: %v", err)
			}
			wantApp(t, ann.get("/"))
			wantEcho(t, annWS)
		})
	}
}

// A configuration that is wrong changes nothing, and one that is right nothing that it does not speak of.
func TestReload(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, withBot(oidcOnly()), nil)
	b := env.browser()
	env.logIn(b)
	ws := env.open(b)
	for name, change := range map[string]func(*config.Config){
		"short secret": func(c *config.Config) { c.Secrets = []config.Secret{"short"} },
		"no base URL":  func(c *config.Config) { c.BaseURL = nil },
		"nothing":      func(c *config.Config) { *c = config.Config{} },
		"unusable issuer": func(c *config.Config) {
			c.Providers = []config.Provider{{Issuer: "http://evil.example", ClientID: "x", ClientSecret: "x"}}
		},
		"empty credential": func(c *config.Config) { c.Passwords = map[config.Feature]config.Login{config.API: {}} },
	} {
		bad := env.config
		change(&bad)
		err := env.proxy.Reload(bad)
		var wrong *config.Error
		if err == nil || !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "no base URL" && !strings.Contains(err.Error(), "AUTH_BASE_URL") {
			t.Errorf("%s: %v", name, err)
		}
		wantApp(t, b.get("/"))
	}
	found := env.net.Count("tenant.example.com/.well-known/openid-configuration")
	for range 5 {
		env.reload(func(c *config.Config) { c.PublicPaths = []string{"/open"} })
	}
	wantApp(t, env.browser().get("/open"))
	wantApp(t, b.get("/"))
	wantEcho(t, ws)
	if n := env.net.Count("tenant.example.com/.well-known/openid-configuration"); n != found {
		t.Errorf("looked for the provider %d times more", n-found)
	}
	// What was open and no longer is, is closed to WebSockets too.
	answer, _, br := env.raw(env.upgrade("/open"))
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(answer.StatusCode)
	}
	env.reload(func(c *config.Config) { c.PublicPaths = nil })
	if _, err := br.ReadByte(); err == nil {
		t.Error("a WebSocket to what was public stays open")
	}
	// Guesses are remembered as long as the password is the same.
	for i := range 10 {
		env.browser().get("/api/", asBasic("bot", fmt.Sprint(i)))
	}
	env.reload(func(c *config.Config) { c.PublicPaths = []string{"/open"} })
	wantCode(t, env.browser().get("/api/", asBasic("bot", "beep")), http.StatusTooManyRequests)
	// Another provider: who came from the old one has to log in again.
	env.reload(func(c *config.Config) { *c = oidcTwo(); c.BaseURL = must(url.Parse(env.url)) })
	wantApp(t, b.get("/")) // the same application under another name
	env.reload(func(c *config.Config) { c.Providers = c.Providers[1:] })
	wantCode(t, b.get("/"), http.StatusUnauthorized)
	wantClosed(t, ws)
	_ = env.proxy.Close()
	if err := env.proxy.Reload(env.config); err == nil {
		t.Error("a closed proxy reloads")
	}
}

// Many requests, and reloads among them: for the race detector, and nobody is refused.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, withBot(oidcOnly()), nil)
	b := env.browser()
	env.logIn(b)
	cookie := "Cookie: ploomber_session=" + b.session()
	served, stop := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := env.browser()
			for {
				wantApp(t, c.get("/", cookie))
				select {
				case <-stop:
					return
				case served <- struct{}{}:
				}
			}
		})
	}
	for i := range 20 {
		env.reload(func(c *config.Config) {
			c.Secrets = []config.Secret{longSecret, oldSecret}
			c.PublicPaths = []string{fmt.Sprintf("/open%d", i)}
		})
		<-served
	}
	close(stop)
	wg.Wait()
}

// Which sessions survive a restart of the proxy, in a store that does.
func TestRestart(t *testing.T) {
	t.Parallel()
	secret := func(c config.Config, secrets ...config.Secret) config.Config {
		c.Secrets = secrets
		return c
	}
	other := mainApp()
	other.Passwords[config.MainApp] = config.Login{Username: user, Password: pass + "!"}
	for name, tc := range map[string]struct {
		before, after config.Config
		persistent    bool
		survives      bool
	}{
		"secret":                   {secret(mainApp(), longSecret), secret(mainApp(), longSecret), false, true},
		"secret, new one in front": {secret(mainApp(), longSecret), secret(mainApp(), oldSecret, longSecret), true, true},
		"another secret":           {secret(mainApp(), longSecret), secret(mainApp(), oldSecret), true, false},
		"secret, new password":     {secret(mainApp(), longSecret), secret(other, longSecret), true, false},
		"no secret":                {mainApp(), mainApp(), false, false},
		"no secret, persistent":    {mainApp(), mainApp(), true, true},
		"persistent, new password": {mainApp(), other, true, false},
		"persistent, then secret":  {mainApp(), secret(mainApp(), longSecret), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t, mainApp(), nil)
			store := session.NewMemory(0)
			start := func(c config.Config) string {
				p := must(authproxy.New(c, authproxy.Options{Upstream: env.url, Now: time.Now, Random: rand.Reader, Store: store,
					Persistent: tc.persistent, BcryptCost: bcrypt.MinCost}))
				t.Cleanup(func() { _ = p.Close() })
				return proxytest.Start(t, p)
			}
			b := env.browser()
			b.env = &environment{t: t, url: start(tc.before)}
			b.login("/", user, pass)
			cookie := "Cookie: ploomber_session=" + b.session()
			b.env = &environment{t: t, url: start(tc.after)}
			status := b.get("/status", cookie).body
			if want := map[bool]string{true: "logged in", false: "logged out"}[tc.survives]; status != want {
				t.Errorf("%s, want %s", status, want)
			}
		})
	}
}

func TestStoreKeys(t *testing.T) {
	t.Parallel()
	all := map[string][][]byte{}
	for name, c := range map[string]config.Config{
		"passwords": mainApp(), "other password": {Passwords: map[config.Feature]config.Login{config.MainApp: {Username: user, Password: "x"}}},
		"other feature": {Passwords: map[config.Feature]config.Login{config.API: {Username: user, Password: pass}}},
		"secret":        {Secrets: []config.Secret{longSecret}}, "two": {Secrets: []config.Secret{oldSecret, longSecret}},
	} {
		keys := c.StoreKeys()
		again := keys
		if name == "passwords" || name == "two" { // deriving them from a password takes long
			again = c.StoreKeys()
		}
		for i, key := range keys {
			if len(key) != 32 || !bytes.Equal(again[i], key) || strings.Contains(string(key), longSecret[:8]) {
				t.Errorf("%s: key %d is %x, then %x", name, i, key, again)
			}
		}
		all[name] = keys
	}
	if len(all["two"]) != 2 || len(all["secret"]) != 1 || !bytes.Equal(all["two"][1], all["secret"][0]) {
		t.Errorf("%d and %d keys", len(all["two"]), len(all["secret"]))
	}
	seen := map[string]string{}
	for name, keys := range all {
		if other, twice := seen[string(keys[0])]; twice {
			t.Errorf("%s and %s have the same key", name, other)
		}
		seen[string(keys[0])] = name
	}
}
