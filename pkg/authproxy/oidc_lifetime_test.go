package authproxy_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// withRefresh makes the provider give refresh tokens, each good for one use.
func withRefresh(f *oidctest.Provider) {
	given := 0
	var renew http.HandlerFunc
	renew = func(rw http.ResponseWriter, r *http.Request) {
		f.Lock()
		n := string(rune('a' + given))
		given++
		f.Answer = map[string]any{"refresh_token": "refresh-" + n, "access_token": "access-" + n}
		delete(f.Handle, "/token")
		f.Unlock()
		f.ServeHTTP(rw, r)
		f.Lock()
		defer f.Unlock()
		f.Handle["/token"] = renew
	}
	f.Handle["/token"] = renew
}

// refusing makes the token endpoint answer with an error.
func refusing(status int, code string) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) {
		f.Handle["/token"] = func(rw http.ResponseWriter, _ *http.Request) {
			oidctest.WriteJSON(rw, status, map[string]any{"error": code})
		}
	}
}

// What becomes of a session whose access token has expired.
func TestAccessTokenExpires(t *testing.T) {
	t.Parallel()
	expired := func(f *oidctest.Provider) { f.Answer = map[string]any{"expires_in": 60} }
	for name, tc := range map[string]struct {
		audience string
		before   func(*oidctest.Provider)
		then     func(*oidctest.Provider)
		stays    bool
		token    string // that the app sees afterwards
	}{
		"no audience":              {before: expired, stays: true, token: "opaque-token"},
		"audience":                 {audience: accessAPI, before: expired},
		"audience, no expiry said": {audience: accessAPI, before: func(f *oidctest.Provider) { f.Answer = map[string]any{"expires_in": nil} }, stays: true, token: "opaque-token"},
		"audience, renewed":        {audience: accessAPI, before: withRefresh, stays: true, token: "access-b"},
		"renewed":                  {before: withRefresh, stays: true, token: "access-b"},
		"audience, ended there": {audience: accessAPI, before: withRefresh,
			then: func(f *oidctest.Provider) { f.Refresh["refresh-a"] = 1 }},
		"ended there": {before: withRefresh,
			then: func(f *oidctest.Provider) { f.Refresh["refresh-a"] = 1 }},
		"another user":            {before: withRefresh, then: func(f *oidctest.Provider) { f.Claims = map[string]any{"sub": "mallory"} }},
		"account gone":            {before: withRefresh, then: refusing(403, "access_denied")},
		"token expired":           {before: withRefresh, then: refusing(400, "expired_token")},
		"account disabled":        {before: withRefresh, then: refusing(400, "account_disabled")},
		"no, with status 200":     {before: withRefresh, then: refusing(200, "bad_refresh_token")},
		"too many requests":       {before: withRefresh, then: refusing(429, "invalid_grant"), stays: true, token: "access-a"},
		"server's own fault":      {audience: accessAPI, before: withRefresh, then: refusing(500, "invalid_grant"), stays: true, token: "access-a"},
		"the application's fault": {before: withRefresh, then: refusing(400, "unauthorized_client"), stays: true, token: "access-a"},
		"unknown fault":           {before: withRefresh, then: refusing(400, "x-broken"), stays: true, token: "access-a"},
		"no words":                {before: withRefresh, then: func(f *oidctest.Provider) { handled("/token", 404)(f) }, stays: true, token: "access-a"},
		"audience, another user": {audience: accessAPI, before: withRefresh,
			then: func(f *oidctest.Provider) { f.Claims = map[string]any{"sub": "mallory"} }},
		"audience, provider down": {audience: accessAPI, before: withRefresh,
			then: func(f *oidctest.Provider) { handled("/token", 503)(f) }, stays: true, token: "access-a"},
		"provider down": {before: withRefresh,
			then: func(f *oidctest.Provider) { handled("/token", 503)(f) }, stays: true, token: "access-a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.Providers[0].Audience = tc.audience
			env := newOIDC(t, c, nil, with(tc.before))
			b := env.browser()
			env.logIn(b)
			id := b.session()
			ws := env.open(b)
			if tc.then != nil {
				set(env.fake, func() { tc.then(env.fake) })
			}
			env.received()
			env.advance(2 * time.Hour)
			if tc.stays {
				for range 3 {
					wantApp(t, b.get("/"))
				}
				for _, s := range env.received() {
					if got := s.Header.Get("X-Access-Token"); got != tc.token {
						t.Errorf("access token %q, want %q", got, tc.token)
					}
				}
				if renewed := tc.token == "access-b"; (b.session() != id) != renewed {
					t.Errorf("the id changed: %v", !renewed)
				}
				if n := env.net.Count("tenant.example.com/token"); n > 2 {
					t.Errorf("the provider was asked %d times", n)
				}
				wantEcho(t, ws)
				return
			}
			if answer, _, _ := env.raw(env.upgrade("/ws", "Cookie: ploomber_session="+id)); answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("upgrade: %d", answer.StatusCode)
			}
			wantClosed(t, ws)
			if n := strings.Count(env.logs.String(), `msg="logged out"`); n != 1 || env.counted.event(observe.Logout) != 1 {
				t.Errorf("%d lines:\n%s", n, env.logs)
			}
			if s := b.get("/status"); s.body != "logged out" {
				t.Errorf("status %q", s.body)
			}
		})
	}
}

// A page that is opened with an expired access token leads to the provider's logout, so that the login that follows
// is a new one.
func TestExpiredPageGoesThroughLogout(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Providers[0].Audience = accessAPI
	env := newOIDC(t, c, nil)
	b := env.browser()
	env.logIn(b)
	if audience := must(b.get("/_auth/login", asPage).Location()).Query().Get("audience"); audience != accessAPI {
		t.Errorf("asked for the audience %q", audience)
	}
	env.advance(61 * time.Minute)
	got := b.get("/deep", asPage)
	to := must(got.Location())
	if got.StatusCode != http.StatusFound || to.Host != "tenant.example.com" || to.Path != "/end" || b.session() != "" ||
		to.Query().Get("post_logout_redirect_uri") != env.url+"/status" || to.Query().Get("id_token_hint") == "" {
		t.Errorf("%d to %s", got.StatusCode, to)
	}
	env.logIn(b) // and in again
	wantApp(t, b.get("/"))
}

// Many requests at once lead to one exchange of a refresh token: a second use would count as theft.
func TestRefreshOnceForManyRequests(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Providers[0].Audience = accessAPI
	env := newOIDC(t, c, nil, with(withRefresh))
	b := env.browser()
	env.logIn(b)
	cookie := "Cookie: ploomber_session=" + b.session()
	for round := range 3 {
		env.advance(2 * time.Hour)
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() { wantApp(t, env.browser().get("/", cookie)) })
		}
		wg.Wait()
		set(env.fake, func() {
			if len(env.fake.Refresh) != round+1 {
				t.Errorf("%d exchanges, want %d", len(env.fake.Refresh), round+1)
			}
			for token, n := range env.fake.Refresh {
				if n != 1 {
					t.Errorf("%s was used %d times", token, n)
				}
			}
		})
		wantApp(t, b.get("/")) // with the former id, as if no answer had arrived
		cookie = "Cookie: ploomber_session=" + b.session()
	}
	// A session that is logged out while its token is renewed does not come back.
	env.advance(2 * time.Hour)
	entered, leave := make(chan struct{}), make(chan struct{})
	set(env.fake, func() {
		renew := env.fake.Handle["/token"]
		env.fake.Handle["/token"] = func(rw http.ResponseWriter, r *http.Request) {
			close(entered)
			<-leave
			renew(rw, r)
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() { wantCode(t, env.browser().get("/", cookie), http.StatusUnauthorized) })
	receive(t, entered, "the renewal")
	b.get("/logout")
	close(leave)
	wg.Wait()
	wantCode(t, env.browser().get("/", cookie), http.StatusUnauthorized)
}

// Sessions end by themselves, and take their WebSockets along (security class 13).
func TestClass13OIDCSessionEnds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Config){
		"idle":     func(c *config.Config) { c.SessionIdle = 30 * time.Minute },
		"absolute": func(c *config.Config) { c.SessionLifetime = 30 * time.Minute },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			change(&c)
			env := newOIDC(t, c, nil)
			b := env.browser()
			env.logIn(b)
			ws := env.open(b)
			env.advance(31 * time.Minute)
			if name == "idle" { // there was traffic before the first look
				env.advance(31 * time.Minute)
			}
			wantClosed(t, ws)
			wantCode(t, b.get("/"), http.StatusUnauthorized)
		})
	}
}

// Security class 11: what a renewed ID token says counts, for the app and for the rules; what it leaves out goes on as
// the login said.
func TestClass11RenewedClaims(t *testing.T) {
	t.Parallel()
	company := config.Access{Domains: []string{"example.com"}}
	groups := config.Access{Groups: []string{"staff"}, GroupsClaim: "groups"}
	for name, tc := range map[string]struct {
		access config.Access
		then   map[string]any
		user   string // that the app sees; "" if there is no way in any more
	}{
		"new address":            {config.Access{}, map[string]any{"email": "lee@example.com"}, "lee@example.com"},
		"no address":             {config.Access{}, map[string]any{"email": nil}, "ann@example.com"},
		"new address, let in":    {company, map[string]any{"email": "lee@example.com"}, "lee@example.com"},
		"new address, not":       {company, map[string]any{"email": "ann@example.org"}, ""},
		"not verified any more":  {company, map[string]any{"email_verified": false}, ""},
		"verified, not said":     {company, map[string]any{"email_verified": nil}, "ann@example.com"},
		"no address to look at":  {company, map[string]any{"email": nil, "email_verified": nil}, "ann@example.com"},
		"new, not verified":      {company, map[string]any{"email": "lee@example.com", "email_verified": nil}, ""},
		"still in the group":     {groups, map[string]any{"groups": []string{"staff", "x"}}, "ann@example.com"},
		"left the group":         {groups, map[string]any{"groups": []string{"x"}}, ""},
		"in no group":            {groups, map[string]any{"groups": []string{}}, ""},
		"group of another kind":  {groups, map[string]any{"groups": 1}, ""},
		"groups not said":        {groups, map[string]any{"groups": nil}, "ann@example.com"},
		"look-alike of a name":   {config.Access{}, map[string]any{"email": "\u212aate@example.com"}, "ann@example.com"}, // and the tokens are not believed
		"look-alike in the list": {company, map[string]any{"email": "\u0430nn@example.com"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.Access = tc.access
			env := newOIDC(t, c, nil, with(withRefresh))
			set(env.fake, func() { env.fake.Claims = map[string]any{"groups": []string{"staff"}} })
			b := env.browser()
			env.logIn(b)
			ws := env.open(b)
			set(env.fake, func() { env.fake.Claims = tc.then })
			env.received()
			env.advance(2 * time.Hour)
			got := b.get("/")
			if tc.user == "" {
				wantCode(t, got, http.StatusUnauthorized)
				wantCode(t, b.get("/"), http.StatusUnauthorized)
				wantClosed(t, ws)
				if seen := env.received(); len(seen) > 0 {
					t.Errorf("the app saw %v", seen)
				}
				return
			}
			wantApp(t, got)
			wantApp(t, b.get("/"))
			for _, s := range env.received() {
				if name := s.Header.Get("X-Auth-Name"); name != tc.user {
					t.Errorf("name %q, want %q", name, tc.user)
				}
			}
			wantEcho(t, ws)
		})
	}
}
