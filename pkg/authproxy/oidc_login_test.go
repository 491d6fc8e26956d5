package authproxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

func TestOIDCLogin(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	b := env.browser()
	for name, header := range map[string][]string{
		"program": nil, "fetch": {"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", asPage}, "basic": {asBasic(user, pass)},
		"the app's own token": {"Authorization: Bearer x.y.z"},
	} {
		got := b.get("/deep?x=1", header...)
		wantCode(t, got, http.StatusUnauthorized)
		if c := got.Header["Www-Authenticate"]; c != nil || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: challenge %q, %v", name, c, got.Header)
		}
	}
	if answer, _, _ := env.raw(env.upgrade("/ws", asPage)); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("upgrade: %d", answer.StatusCode)
	}
	if s := b.get("/status"); s.body != "logged out" {
		t.Errorf("status %q", s.body)
	}

	visit := b.get("/deep?x=1&y=%20", asPage)
	if visit.StatusCode != http.StatusFound || visit.Header.Get("Cache-Control") != "no-store" || b.session() != "" {
		t.Fatalf("visit: %d %v", visit.StatusCode, visit.Header)
	}
	c := visit.cookie(oidc.CookiePrefix)
	if c == nil || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
		t.Errorf("cookie %+v", c)
	}
	to := must(url.Parse(visit.location()))
	if to.Host != "tenant.example.com" || to.Query().Get("redirect_uri") != env.url+"/callback" {
		t.Errorf("sent to %s", to)
	}
	in := b.finishLogin(env.fake, visit.location())
	if in.body != "" || visit.body != "" { // which hold a state, and could hold tokens
		t.Errorf("redirects have pages: %q, %q", visit.body, in.body)
	}
	if in.StatusCode != http.StatusFound || in.location() != "/deep?x=1&y=%20" || in.Header.Get("Cache-Control") != "no-store" || b.session() == "" {
		t.Fatalf("callback: %d to %q\n%s", in.StatusCode, in.location(), in.body)
	}
	if gone := in.cookie(oidc.CookiePrefix); gone == nil || gone.Name != c.Name || gone.MaxAge >= 0 {
		t.Errorf("the login's cookie stays: %v", in.Cookies())
	}
	if got := env.received(); len(got) != 0 {
		t.Fatalf("the app saw %v before anybody had logged in", got)
	}
	wantApp(t, b.get("/deep?x=1&y=%20", "Cookie: app=1", "Authorization: Bearer of-the-app"))
	got := env.received()[0]
	for name, want := range map[string]string{"X-Auth-Name": "ann@example.com", "X-Auth-Sub": "auth0|7", "X-Access-Token": "opaque-token",
		"Cookie": "app=1", "Authorization": "Bearer of-the-app"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if strings.Count(got.Header.Get("X-Id-Token"), ".") != 2 {
		t.Errorf("ID token %q", got.Header.Get("X-Id-Token"))
	}
	if s := b.get("/status"); s.body != "logged in" {
		t.Errorf("status %q", s.body)
	}
	wantApp(t, b.do("POST", "/callback", "the app's own")) // GET only is ours
	for event, want := range map[observe.Event]int{observe.Login: 1, observe.Refused: 0} {
		if n := env.counted.event(event); n != want {
			t.Errorf("%s: %d, want %d", event, n, want)
		}
	}
}

// Ten tabs log in side by side and finish in any order (security class 7), with long addresses too.
func TestClass7TenTabs(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]func([]string){
		"in order": func([]string) {}, "backwards": slices.Reverse[[]string],
		"inside out": func(s []string) { s[0], s[5], s[2], s[9] = s[5], s[0], s[9], s[2] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newOIDC(t, oidcOnly(), nil)
			b := env.browser()
			var tabs []string
			for i := range 10 {
				tabs = append(tabs, b.beginLogin(fmt.Sprintf("/tab/%d?%s", i, strings.Repeat("q", 1000))))
			}
			order(tabs)
			first := ""
			for i, tab := range tabs {
				got := b.finishLogin(env.fake, tab)
				if first == "" {
					first = b.session()
				}
				if b.session() != first {
					t.Errorf("tab %d ends the session of the tab before", i)
				}
				if got.StatusCode != http.StatusFound || !strings.HasPrefix(got.location(), "/tab/") {
					t.Fatalf("tab %d: %d to %q", i, got.StatusCode, got.location())
				}
				wantApp(t, b.get("/"))
			}
		})
	}
}

// A browser never has to send more cookies of logins than fit into a head, whatever is in its jar.
func TestClass10TransactionCookiesAreFew(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	b := env.browser()
	here := must(url.Parse(env.url))
	for i := range 5 {
		b.client.Jar.SetCookies(here, []*http.Cookie{{Name: fmt.Sprintf("%sgarbage%d", oidc.CookiePrefix, i), Value: "garbage"}})
	}
	ours := func() (n, bytes int) {
		for _, c := range b.client.Jar.Cookies(here) {
			if strings.HasPrefix(c.Name, oidc.CookiePrefix) {
				n++
				bytes += len(c.String())
			}
		}
		return n, bytes
	}
	for _, path := range []string{"/short", "/long?" + strings.Repeat("q", 2000)} {
		for range 40 {
			b.beginLogin(path)
		}
		if n, bytes := ours(); n > 48 || n < 24 || bytes > 7<<10 {
			t.Errorf("%s: %d cookies of %d bytes", path[:6], n, bytes)
		}
	}
	neighbour := oidc.CookieName("x") + "_8501"
	b.client.Jar.SetCookies(here, []*http.Cookie{{Name: neighbour, Value: "of the proxy on another port"}})
	last := b.beginLogin("/last")
	env.advance(9 * time.Minute)
	if got := b.finishLogin(env.fake, last); got.location() != "/last" {
		t.Errorf("the newest login: %d to %q", got.StatusCode, got.location())
	}
	env.advance(2 * time.Minute) // all others have expired
	c := env.browser()
	c.client.Jar = b.client.Jar
	b.get("/logout")
	c.beginLogin("/again")
	if n, _ := ours(); n != 2 {
		t.Errorf("%d cookies, want the new one and the neighbour's", n)
	}
}

// Several providers: a page to choose from, and each login ends where it began.
func TestChooser(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcTwo(), nil)
	b := env.browser()
	visit := b.get("/deep?x=1", asPage)
	if visit.StatusCode != http.StatusFound || visit.location() != "/_auth/login?next=%2Fdeep%3Fx%3D1" {
		t.Fatalf("visit: %d to %q", visit.StatusCode, visit.location())
	}
	page := b.get(visit.location(), asPage)
	for _, want := range []string{`href="/_auth/login/first?next=%2Fdeep%3Fx%3D1"`, `href="/_auth/login/second?next=%2Fdeep%3Fx%3D1"`,
		"Log in with First", "<nav ", `lang="en"`, "<h1>"} {
		if page.StatusCode != http.StatusOK || !strings.Contains(page.body, want) {
			t.Errorf("%d, %s is missing in\n%s", page.StatusCode, want, page.body)
		}
	}
	for path, want := range map[string]int{"/_auth/login/third": 404, "/_auth/login/": 404, "/_auth/login/first/x": 404} {
		if got := b.get(path, asPage); got.StatusCode != want {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	wantCode(t, b.do("POST", "/_auth/login/first", ""), http.StatusMethodNotAllowed)
	for next, want := range map[string]string{"/a": "/a", "//evil.example": "/", "https://evil.example": "/", "": "/", "/_auth/login": "/"} {
		c := env.browser()
		address := c.get("/_auth/login/second?next="+url.QueryEscape(next), asPage).location()
		if !strings.HasPrefix(address, otherURL+"/authorize?") {
			t.Fatalf("sent to %q", address)
		}
		if in := c.finishLogin(env.other, address); in.location() != want {
			t.Errorf("next=%q: %d to %q", next, in.StatusCode, in.location())
		}
		wantApp(t, c.get("/"))
	}
}

// What a provider is told to show goes to that provider, from the next reload on.
func TestPrompt(t *testing.T) {
	t.Parallel()
	c := oidcTwo()
	c.Providers[0].Prompt = "login consent"
	env := newOIDC(t, c, nil)
	asked := func(name string) string {
		return must(url.Parse(env.browser().get("/_auth/login/"+name, asPage).location())).Query().Get("prompt")
	}
	if first, second := asked("first"), asked("second"); first != "login consent" || second != "" {
		t.Errorf("prompts %q and %q", first, second)
	}
	env.reload(func(c *config.Config) { c.Providers[0].Prompt = "select_account" })
	if first := asked("first"); first != "select_account" {
		t.Errorf("prompt %q", first)
	}
	if got := must(url.Parse(env.browser().get("/_auth/login/second", asPage).location())).Query(); got.Has("prompt") {
		t.Errorf("asked for %q", got)
	}
}

// Security class 12: a code of one provider is not good for a login at the other, nor is an answer in its name.
func TestClass12MixUp(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcTwo(), nil)
	b := env.browser()
	first := b.get("/_auth/login/first", asPage).location()
	second := b.get("/_auth/login/second", asPage).location()
	mixed := must(url.Parse(second)).Query().Get("state")
	query := env.fake.Authorize(t, first)
	query.Set("state", mixed)
	got := b.get("/callback?"+query.Encode(), asPage)
	wantCode(t, got, http.StatusBadRequest)
	if b.session() != "" {
		t.Error("logged in by the other's code")
	}
	query = env.other.Authorize(t, b.get("/_auth/login/second", asPage).location())
	query.Set("iss", issuerURL)
	wantCode(t, b.get("/callback?"+query.Encode(), asPage), http.StatusBadRequest)
	if b.session() != "" {
		t.Error("logged in by an answer of another issuer")
	}
}

// One provider needs no choice: the login page leads there, and so does the link of a page about a failure.
func TestLoginPageWithOneProvider(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Passwords = map[config.Feature]config.Login{config.API: {Username: "bot", Password: "beep"}}
	env := newOIDC(t, c, nil)
	b := env.browser()
	if in := b.finishLogin(env.fake, b.beginLogin("/_auth/login?next=/x")); in.location() != "/x" {
		t.Errorf("to %q", in.location())
	}
	if page := b.get("/_auth/login?next=/api/x", asPage); page.StatusCode != 200 || !strings.Contains(page.body, `name="password"`) {
		t.Errorf("the other feature's: %d", page.StatusCode)
	}
	// Both kinds of login live in one session.
	first := b.session()
	wantCode(t, b.get("/api/x"), http.StatusUnauthorized)
	b.login("/api/x", "bot", "beep")
	if b.session() == first {
		t.Error("the id did not change")
	}
	wantApp(t, b.get("/api/x"))
	wantApp(t, b.get("/"))
	second := b.session()
	env.received()
	if in := b.finishLogin(env.fake, b.beginLogin("/_auth/login")); in.StatusCode != http.StatusFound || b.session() == second {
		t.Errorf("again: %d", in.StatusCode)
	}
	wantApp(t, b.get("/api/x"))
	if got := env.received()[0].Header.Get("X-Auth-Name"); got != "bot" {
		t.Errorf("name %q", got)
	}
}

// On https all cookies of ours can be set by this host alone (security class 10).
func TestClass10OIDCCookiesOnHTTPS(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.BaseURL = &url.URL{Scheme: "https", Host: "app.example.com"}
	env := newOIDC(t, c, nil, func(_ *oidcEnvironment, o *authproxy.Options) { o.CookieSuffix = "8443" })
	bare := &browser{env.environment, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	visit := bare.get("/_auth/login?moved=1", asPage, "Host: evil.example") // as a proxy in front may name us
	tx := visit.cookie("__Host-" + oidc.CookiePrefix)
	if tx == nil || !tx.Secure || !tx.HttpOnly || !strings.HasSuffix(tx.Name, "_8443") || tx.Path != "/" || tx.SameSite != http.SameSiteLaxMode {
		t.Fatalf("cookies %v", visit.Header["Set-Cookie"])
	}
	if redirect := must(url.Parse(visit.location())).Query().Get("redirect_uri"); redirect != "https://app.example.com/callback" {
		t.Errorf("redirect_uri %q", redirect) // class 19
	}
	in := bare.get("/callback?"+env.fake.Authorize(t, visit.location()).Encode(), "Cookie: "+tx.Name+"="+tx.Value)
	s := in.cookie("__Host-ploomber_session_8443")
	if in.StatusCode != http.StatusFound || s == nil || !s.Secure || !s.HttpOnly {
		t.Fatalf("callback: %d %v\n%s", in.StatusCode, in.Header, in.body)
	}
	// Neither these nor those of a proxy on another port reach the app, which cannot set them either.
	wantApp(t, bare.get("/", "Cookie: a=1; "+s.Name+"="+s.Value+"; "+tx.Name+"="+tx.Value+"; ploomber_oidc_x=y; __Host-ploomber_session=z; ploomber_session_1=z; b=2"))
	if got := env.received()[0].Header.Get("Cookie"); got != "a=1; b=2" {
		t.Errorf("the app got %q", got)
	}
}

// The app can set none of our cookies (security class 10).
func TestClass10AppSetsLoginCookies(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.PublicPaths = []string{"/open"}
	lines := []string{"ploomber_oidc_abc=x", "__Host-ploomber_oidc_abc_1=x", "ploomber_session_80=x", " ploomber_session =x", "=ploomber_session=x",
		"= ploomber_session=x", "ploomber_denied=x", "__Host-ploomber_login=x"}
	env := newOIDC(t, c, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header()["Set-Cookie"] = append(slices.Clone(lines), "ploomber_theme=dark", "own=1")
	}))
	if got := env.browser().get("/open").Header["Set-Cookie"]; !slices.Equal(got, []string{"ploomber_theme=dark", "own=1"}) {
		t.Errorf("cookies %q", got)
	}
}
