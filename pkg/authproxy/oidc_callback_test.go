package authproxy_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// claimed changes the ID token.
func claimed(name string, value any) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) { f.Claims = map[string]any{name: value} }
}

// handled answers a path of the provider with a status.
func handled(path string, code int) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) {
		f.Handle[path] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
}

// Whatever goes wrong at the callback ends on a page of its own that says so: no loop, nobody logged in (security
// classes 7, 11, 12, 17).
func TestClass7And17Callback(t *testing.T) {
	t.Parallel()
	const attack = `<script>alert(1)</script>`
	for name, tc := range map[string]struct {
		fake        func(*oidctest.Provider)
		query       func(url.Values)       // changes to what the provider sends back
		environment func(*oidcEnvironment) // between leaving and coming back
		code        int
		title       string
		link        string // that leads on
	}{
		"no query":            {query: func(q url.Values) { clear(q) }, code: 400, title: "expired or was used"},
		"no state":            {query: func(q url.Values) { q.Del("state") }, code: 400, title: "expired or was used"},
		"foreign state":       {query: func(q url.Values) { q.Set("state", strings.Repeat("A", 43)) }, code: 400, title: "expired or was used"},
		"two states":          {query: func(q url.Values) { q.Add("state", "x") }, code: 400, title: "not a response of the login provider"},
		"two codes":           {query: func(q url.Values) { q.Add("code", "x") }, code: 400, title: "not a response of the login provider"},
		"no code":             {query: func(q url.Values) { q.Del("code") }, code: 400, title: "not a response of the login provider"},
		"control in the code": {query: func(q url.Values) { q.Set("code", "a\r\nb") }, code: 400, title: "not a response of the login provider"},
		"huge code":           {query: func(q url.Values) { q.Set("code", strings.Repeat("c", 10<<10)) }, code: 400, title: "not a response of the login provider"},
		"another's answer":    {query: func(q url.Values) { q.Set("iss", "https://evil.example") }, code: 400, title: "not a response of the login provider"},
		"unknown code":        {query: func(q url.Values) { q.Set("code", "unknown") }, code: 400, title: "expired or was used"},
		"too late":            {environment: func(env *oidcEnvironment) { env.advance(11 * time.Minute) }, code: 400, title: "expired or was used"},
		"provider removed": {environment: func(env *oidcEnvironment) {
			env.reload(func(c *config.Config) { c.Providers[0].ClientID = "another" })
		}, code: 400, title: "expired or was used"},
		"denied": {query: func(q url.Values) {
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("error_description", "Not today. "+attack+"\r\n\x1b[31m")
		},
			code: 403, title: "login was refused"},
		"denied, no words": {query: func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, code: 403, title: "login was refused"},
		"denied, no state": {query: func(q url.Values) { q.Del("code"); q.Del("state"); q.Set("error", "access_denied") }, code: 400, title: "expired or was used"},
		"denied for a reason of its own": {query: func(q url.Values) {
			q.Del("code")
			q.Set("error", "tenant_closed "+attack+"\r\nlevel=INFO\x1b[31m"+strings.Repeat("x", 9000))
		}, code: 403, title: "login was refused"},
		"cannot now":       {query: func(q url.Values) { q.Del("code"); q.Set("error", "temporarily_unavailable") }, code: 503, title: "does not answer"},
		"wrong scope":      {query: func(q url.Values) { q.Del("code"); q.Set("error", "invalid_scope") }, code: 500, title: "set up wrongly", link: "-"},
		"client deleted":   {query: func(q url.Values) { q.Del("code"); q.Set("error", "deleted_client") }, code: 500, title: "the administrator of the app", link: "-"},
		"wrong address":    {query: func(q url.Values) { q.Del("code"); q.Set("error", "redirect_uri_mismatch") }, code: 500, title: "set up wrongly", link: "-"},
		"server error":     {query: func(q url.Values) { q.Del("code"); q.Set("error", "server_error") }, code: 503, title: "does not answer"},
		"wrong secret":     {fake: func(f *oidctest.Provider) { f.Secret = "another" }, code: 500, title: "set up wrongly", link: "-"},
		"no token answer":  {fake: handled("/token", 502), code: 503, title: "does not answer"},
		"no keys":          {fake: handled("/keys", 500), code: 503, title: "does not answer"},
		"another nonce":    {fake: claimed("nonce", "x"), code: 502, title: "cannot be trusted"},
		"another audience": {fake: claimed("aud", "x"), code: 502, title: "cannot be trusted"},
		"expired token":    {fake: claimed("exp", 1), code: 502, title: "cannot be trusted"},
		"unsigned": {fake: func(f *oidctest.Provider) {
			f.Sign = func(c map[string]any) string {
				return oidctest.Part(map[string]any{"alg": "none"}) + "." + oidctest.Part(c) + "."
			}
		}, code: 502, title: "cannot be trusted"},
		"two addresses in one":    {fake: claimed("email", "attacker@evil.com@company.com"), code: 403, title: "account cannot be used", link: "/logout"},
		"control in the name":     {fake: claimed("name", "a\nb"), code: 403, title: "account cannot be used", link: "/logout"},
		"control in the subject":  {fake: claimed("sub", "a\r\nX-Auth-Sub: admin"), code: 403, title: "account cannot be used", link: "/logout"},
		"no subject":              {fake: claimed("sub", nil), code: 403, title: "account cannot be used", link: "/logout"},
		"script in the addresses": {fake: claimed("email", attack+"@example.com"), code: 403, title: "account cannot be used", link: "/logout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newOIDC(t, oidcOnly(), nil, with(tc.fake))
			b := env.browser()
			query := env.fake.Authorize(t, b.beginLogin("/deep?x=1"))
			if tc.query != nil {
				tc.query(query)
			}
			if tc.environment != nil {
				tc.environment(env)
			}
			got := b.get("/callback?"+query.Encode(), asPage)
			if got.StatusCode != tc.code || !strings.Contains(got.body, tc.title) || got.location() != "" || b.session() != "" {
				t.Fatalf("%d to %q, session %v, want %d %q:\n%s", got.StatusCode, got.location(), b.session() != "", tc.code, tc.title, got.body)
			}
			if tc.link == "" {
				tc.link = "/_auth/login"
			}
			if linked := strings.Contains(got.body, `href="`+tc.link); linked != (tc.link != "-") {
				t.Errorf("link to %s: %v\n%s", tc.link, linked, got.body)
			}
			if scripty.MatchString(quoted.ReplaceAllString(got.body, `""`)) || strings.Contains(got.body, "\x1b") {
				t.Errorf("unsafe: %s", got.body)
			}
			for _, secret := range []string{query.Get("code"), query.Get("state"), "code-"} {
				if len(secret) > 4 && secret != "unknown" && (strings.Contains(got.body, secret) || strings.Contains(env.logs.String(), secret)) {
					t.Errorf("%q is on the page or in the log:\n%s\n%s", secret, got.body, env.logs)
				}
			}
			h := got.Header
			if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("header %v", h)
			}
			if strings.Contains(tc.title, "does not answer") && h.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if name == "denied" && !strings.Contains(got.body, "Not today. &lt;script&gt;") {
				t.Errorf("the provider's words are missing: %s", got.body)
			}
			if name == "denied for a reason of its own" && (!strings.Contains(got.body, "tenant_closed &lt;script&gt;") || strings.Contains(got.body, strings.Repeat("x", 65)) ||
				!strings.Contains(env.logs.String(), "the provider answered tenant_closed")) {
				t.Errorf("the provider's reason is missing, or too long: %s\n%s", got.body, env.logs)
			}
			if n := strings.Count(env.logs.String(), `msg="login refused"`); n != 1 || env.counted.event(observe.Refused) != 1 {
				t.Errorf("%d lines in the log, counted %v:\n%s", n, env.counted.events, env.logs)
			}
			if got := env.received(); len(got) != 0 {
				t.Errorf("the app saw %+v", got)
			}
		})
	}
}

// A callback that comes twice, or too late, does not matter to a user who has logged in meanwhile; to nobody else does it
// give a session (security class 7).
func TestClass7CallbackTwice(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	b := env.browser()
	address := b.beginLogin("/deep")
	query := env.fake.Authorize(t, address)
	jar := b.client.Jar.Cookies(must(url.Parse(env.url)))
	back := "/callback?" + query.Encode()
	if got := b.get(back, asPage); got.location() != "/deep" {
		t.Fatalf("%d to %q", got.StatusCode, got.location())
	}
	first := b.session()
	for _, path := range []string{back, "/callback", "/callback?state=x&code=y"} { // its cookie has gone
		if got := b.get(path, asPage); got.StatusCode != http.StatusFound || got.location() != "/" || b.session() != first {
			t.Errorf("%s: %d to %q", path, got.StatusCode, got.location())
		}
	}
	b.client.Jar.SetCookies(must(url.Parse(env.url)), jar) // a browser that has kept it
	if got := b.get(back, asPage); got.StatusCode != http.StatusFound || got.location() != "/deep" || b.session() != first {
		t.Errorf("replayed: %d to %q", got.StatusCode, got.location())
	}
	thief := env.browser()
	thief.client.Jar.SetCookies(must(url.Parse(env.url)), jar)
	if got := thief.get(back, asPage); got.StatusCode != http.StatusBadRequest || thief.session() != "" {
		t.Errorf("another browser: %d", got.StatusCode)
	}
	// A victim who is sent to an attacker's callback is not logged in as the attacker.
	victim := env.browser()
	attacker := env.browser()
	theirs := "/callback?" + env.fake.Authorize(t, attacker.beginLogin("/")).Encode()
	wantCode(t, victim.get(theirs, asPage), http.StatusBadRequest)
	if victim.session() != "" {
		t.Error("logged in as the attacker")
	}
}

// Security class 8: an id from before the login opens nothing after it, and injected sessions end.
func TestClass8OIDCFixation(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	here := must(url.Parse(env.url))
	attacker := env.browser()
	env.logIn(attacker)
	injected := attacker.session()
	for _, id := range []string{injected, strings.Repeat("B", 43)} {
		b := env.browser()
		address := b.beginLogin("/")
		b.client.Jar.SetCookies(here, []*http.Cookie{{Name: sessionID, Value: id}})
		if got := b.finishLogin(env.fake, address); got.StatusCode != http.StatusFound || b.session() == id || b.session() == "" {
			t.Fatalf("%d, session kept: %v", got.StatusCode, b.session() == id)
		}
		wantCode(t, (&browser{env.environment, &http.Client{}}).get("/", "Cookie: ploomber_session="+id), http.StatusUnauthorized)
		first := b.session()
		if b.finishLogin(env.fake, b.get("/_auth/login", asPage).location()); b.session() == first {
			t.Error("the id did not change at a second login")
		}
		wantCode(t, (&browser{env.environment, &http.Client{}}).get("/", "Cookie: ploomber_session="+first), http.StatusUnauthorized)
		wantApp(t, b.get("/"))
	}
}

// Two people who log in side by side in one browser are not taken for each other.
func TestClass8TwoPeopleInTwoTabs(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcTwo(), nil)
	b := env.browser()
	set(env.other, func() { env.other.Claims = map[string]any{"email": "bob@example.com"} }) // the same subject, elsewhere
	ann, bob := b.get("/_auth/login/first", asPage).location(), b.get("/_auth/login/second", asPage).location()
	b.finishLogin(env.fake, ann)
	first := b.session()
	b.finishLogin(env.other, bob)
	wantApp(t, b.get("/"))
	if got := env.received()[0].Header.Get("X-Auth-Name"); got != "bob@example.com" || b.session() == first {
		t.Errorf("the app greets %q, id changed %v", got, b.session() != first)
	}
	wantCode(t, (&browser{env.environment, &http.Client{}}).get("/", "Cookie: ploomber_session="+first), http.StatusUnauthorized)
}

// An injected cookie that only some paths see does not make a login ask for the next one, for ever (security class 10).
func TestClass10NoLoop(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, withBot(oidcOnly()), nil)
	attacker, b := env.browser(), env.browser()
	env.logIn(attacker)
	env.logIn(b)
	bare := &browser{env.environment, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	cookies := func() string {
		return "Cookie: ploomber_session=" + attacker.session() + "; ploomber_session=" + b.session()
	}
	wantCode(t, bare.get("/x", cookies()), http.StatusUnauthorized)
	wantCode(t, bare.get("/x", asPage, cookies()), http.StatusFound)
	env.logIn(b) // the attacker's cookie is not sent to the callback
	wantApp(t, bare.get("/x", asPage, cookies()))
}

// Security class 6: whatever address is asked for, the login ends on a path of this origin.
func TestClass6OIDCReturn(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	for _, next := range []string{"//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/%09/evil.example",
		"/_auth/logout", "/logout", "/exit", "/callback?code=x", "/" + strings.Repeat("x", 6<<10), "/a\r\nSet-Cookie: x=y"} {
		b := env.browser()
		address := b.get("/_auth/login?next="+url.QueryEscape(next), asPage).location()
		if got := b.finishLogin(env.fake, address); got.StatusCode != http.StatusFound || got.location() != "/" {
			t.Errorf("%q: %d to %q", next, got.StatusCode, got.location())
		}
	}
	b := env.browser() // a form that was posted into an ended session
	posted := b.do("POST", "/form", "x=y", asPage, asForm)
	if got := b.finishLogin(env.fake, posted.location()); got.location() != "/" {
		t.Errorf("after a form: to %q", got.location())
	}
}

// A provider that cannot be found keeps nobody out who is in, and is found again by itself.
func TestProviderDownAndUp(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	in, b := env.browser(), env.browser()
	env.logIn(in)
	down := newOIDC(t, oidcOnly(), nil, func(_ *oidcEnvironment, o *authproxy.Options) {
		o.ProviderTransport = oidctest.NewNetwork() // with nobody on it
	})
	if err := down.proxy.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), issuerURL) {
		t.Errorf("ready: %v", err)
	}
	page := down.browser().get("/x?y=1", asPage)
	wantCode(t, page, http.StatusServiceUnavailable)
	for _, want := range []string{"does not answer", `http-equiv="refresh"`, `href="/_auth/login?next=%2Fx%3Fy%3D1"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("%s is missing in\n%s", want, page.body)
		}
	}
	if page.Header.Get("Retry-After") == "" || page.location() != "" {
		t.Errorf("header %v", page.Header)
	}
	wantCode(t, down.browser().get("/x"), http.StatusUnauthorized)

	if err := env.proxy.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	env.net.Set("tenant.example.com", nil)
	env.reload(func(c *config.Config) { c.Providers[0].Audience = "x" }) // so that it has to be found again
	if err := env.proxy.Ready(t.Context()); err == nil {
		t.Error("ready without a provider")
	}
	wantApp(t, in.get("/"))
	wantCode(t, b.get("/", asPage), http.StatusServiceUnavailable)
	if out := in.get("/logout"); out.StatusCode != http.StatusFound || out.location() != "/status" || in.session() != "" {
		t.Errorf("logout: %d to %q", out.StatusCode, out.location())
	}
	env.net.Set("tenant.example.com", env.fake)
	for start := time.Now(); !strings.Contains(env.browser().get("/", asPage).location(), "/authorize"); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal("not found again")
		}
	}
	env.logIn(b)
	if err := env.proxy.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}

	set(env.fake, func() { env.fake.Document = map[string]any{"issuer": "https://evil.example"} })
	env.reload(func(c *config.Config) { c.Providers[0].Scope = "openid" })
	wantCode(t, env.browser().get("/", asPage), http.StatusInternalServerError)
}
