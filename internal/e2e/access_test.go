package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// Who may come in is decided by what the provider has verified.
func TestAccessRules(t *testing.T) {
	t.Parallel()
	port := freeport.For(t)
	provider := oidcprovider.Start(t, settings(port))
	app := startEcho(t)
	for name, tc := range map[string]struct {
		rules vars
		in    []string
		out   []string
	}{
		"no rules":         {vars{}, []string{"user|ann", "user|bob", "user|eve"}, nil},
		"an address":       {vars{"AUTH_ALLOWED_EMAILS": "Ann@Example.com"}, []string{"user|ann"}, []string{"user|bob", "user|eve"}},
		"a domain":         {vars{"AUTH_ALLOWED_DOMAINS": "example.com"}, []string{"user|ann"}, []string{"user|bob", "user|eve"}},
		"either":           {vars{"AUTH_ALLOWED_DOMAINS": "example.com", "AUTH_ALLOWED_EMAILS": "bob@elsewhere.org"}, []string{"user|ann", "user|bob"}, []string{"user|eve"}},
		"a group":          {vars{"AUTH_ALLOWED_GROUPS": "ops,others"}, []string{"user|ann"}, []string{"user|bob", "user|eve"}},
		"group and domain": {vars{"AUTH_ALLOWED_GROUPS": "ops", "AUTH_ALLOWED_DOMAINS": "elsewhere.org"}, nil, []string{"user|ann", "user|bob"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProxy(t, proxyOptions{port: port, upstream: app, vars: oidcVars(provider.Issuer(), port, tc.rules)})
			for _, user := range tc.in {
				page := newClient(t).logIn(provider, p.url+"/in", user)
				if e := echoOf(t, page.Status, page.Body); e.Path != "/in" {
					t.Errorf("%s came to %s", user, e.Path)
				}
			}
			for _, user := range tc.out {
				v := newClient(t)
				page := v.logIn(provider, p.url+"/out", user)
				if page.Status != http.StatusForbidden {
					t.Errorf("%s got %d, want 403", user, page.Status)
				}
				if _, in := v.isIn(p.url); in {
					t.Errorf("%s is in", user)
				}
			}
			p.stop()
		})
	}
}

// A provider that keeps the ID token short tells the rest at another place, and the rules are the same.
func TestThinIDTokens(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, func(s *oidcprovider.Settings) { s.ThinIDTokens = true },
		vars{"AUTH_ALLOWED_GROUPS": "ops", "AUTH_ALLOWED_DOMAINS": "example.com"})
	page := newClient(t).logIn(w.provider, w.proxy.url+"/", "user|ann")
	if e := echoOf(t, page.Status, page.Body); e.Header.Get("X-Auth-Name") != "ann@example.com" {
		t.Errorf("Ann is %q", e.Header.Get("X-Auth-Name"))
	}
	for _, user := range []string{"user|bob", "user|eve"} {
		if page := newClient(t).logIn(w.provider, w.proxy.url+"/", user); page.Status != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", user, page.Status)
		}
	}
}

// Programs come in with a token that was made for this app, and with no other.
func TestBearer(t *testing.T) {
	t.Parallel()
	job := oidcprovider.Client{ID: "job", Secret: "the job's secret, no real one", Machine: true}
	w := newEnvironment(t, func(s *oidcprovider.Settings) { s.Clients = append(s.Clients, job) },
		vars{"AUTH_BEARER_AUDIENCE": audience})
	v := newClient(t)
	now := time.Now().Unix()
	claims := func(change map[string]any) map[string]any {
		c := map[string]any{"iss": w.provider.Issuer(), "aud": audience, "sub": "made", "iat": now, "exp": now + 600, "scope": "read"}
		for name, value := range change {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
		return c
	}
	page := newClient(t).logIn(w.provider, w.proxy.url+"/", "user|ann")
	idToken := echoOf(t, page.Status, page.Body).Header.Get("X-Id-Token")
	for name, tc := range map[string]struct {
		token string
		want  string // subject; "" for 401
	}{
		"client credentials": {w.provider.MachineToken(job, audience), "job"},
		"signed":             {w.provider.Sign("at+jwt", claims(nil)), "made"},
		"for another":        {w.provider.MachineToken(job, "https://other.example.com"), ""},
		"expired":            {w.provider.Sign("at+jwt", claims(map[string]any{"iat": now - 7200, "exp": now - 3600})), ""},
		"another issuer":     {w.provider.Sign("at+jwt", claims(map[string]any{"iss": "https://evil.example.com"})), ""},
		"an ID token":        {idToken, ""},
		"ID token's claims":  {w.provider.Sign("JWT", claims(map[string]any{"nonce": "n", "scope": nil})), ""},
		"garbage":            {"not.a.token", ""},
	} {
		status, _, body := v.ask(http.MethodGet, w.proxy.url+"/data", http.Header{"Authorization": {"Bearer " + tc.token}})
		if tc.want == "" {
			if status != http.StatusUnauthorized {
				t.Errorf("%s: %d, want 401", name, status)
			}
			continue
		}
		var e echoed
		if err := json.Unmarshal([]byte(body), &e); err != nil || status != http.StatusOK || e.Header.Get("X-Auth-Sub") != tc.want {
			t.Errorf("%s: %d %s, want %s", name, status, body, tc.want)
		}
	}
}
