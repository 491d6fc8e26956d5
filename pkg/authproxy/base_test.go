package authproxy_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// newAtLocalhost starts a proxy whose base URL is localhost, while browsers everywhere ask for 127.0.0.1.
func newAtLocalhost(t *testing.T, c config.Config) (env *oidcEnvironment, base string) {
	t.Helper()
	env = newOIDC(t, c, nil)
	_, port, _ := net.SplitHostPort(env.host)
	env.reload(func(c *config.Config) { c.BaseURL = &url.URL{Scheme: "http", Host: "localhost:" + port} })
	return env, env.config.BaseURL.String()
}

// at is the same browser, which opens addresses as they are from now on.
func (b *browser) at(origin string) *browser {
	return &browser{&environment{t: b.env.t, url: origin}, b.client}
}

// Who comes by another name than the base URL's is led there first, and logs in at the first try.
func TestLoginByAnotherName(t *testing.T) {
	t.Parallel()
	env, base := newAtLocalhost(t, oidcOnly())
	b := env.browser()
	first := b.get("/deep?x=1&y=%20", asPage)
	if first.StatusCode != http.StatusFound || first.location() != base+"/_auth/login?next=%2Fdeep%3Fx%3D1%26y%3D%2520&moved=1" ||
		len(first.Cookies()) != 0 || first.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", first.StatusCode, first.Header)
	}
	home := b.at(base)
	visit := home.get(strings.TrimPrefix(first.location(), base), asPage)
	if !strings.HasPrefix(visit.location(), issuerURL+"/authorize?") {
		t.Fatalf("%d to %q", visit.StatusCode, visit.location())
	}
	if in := home.finishLogin(env.fake, visit.location()); in.location() != "/deep?x=1&y=%20" || home.session() == "" {
		t.Fatalf("%d to %q\n%s", in.StatusCode, in.location(), in.body)
	}
	wantApp(t, home.get("/deep?x=1&y=%20", asPage))

	// Once more by the other name: there is a session where it leads.
	again := b.get("/other", asPage)
	if in := home.get(strings.TrimPrefix(again.location(), base), asPage); in.StatusCode != http.StatusFound || in.location() != "/other" {
		t.Errorf("with a session: %d to %q", in.StatusCode, in.location())
	}
	// The session itself is good by every name.
	wantApp(t, b.get("/x", asPage, "Cookie: ploomber_session="+home.session()))
}

// Nothing but a page visit is led elsewhere.
func TestOnlyPageVisitsAreMoved(t *testing.T) {
	t.Parallel()
	env, base := newAtLocalhost(t, withBot(oidcTwo()))
	b := env.browser()
	for name, header := range map[string][]string{
		"program": nil, "health check": {"User-Agent: kube-probe/1.30", "Accept: */*"},
		"fetch": {"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", asPage}, "frame": {"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", asPage},
	} {
		if got := b.get("/x", header...); got.StatusCode != http.StatusUnauthorized || got.location() != "" {
			t.Errorf("%s: %d to %q", name, got.StatusCode, got.location())
		}
	}
	if answer, _, _ := env.raw(env.upgrade("/ws", asPage)); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("upgrade: %d", answer.StatusCode)
	}
	if got := b.do("POST", "/form", "x=y", asPage, asForm); got.location() != "/_auth/login" {
		t.Errorf("a form: %d to %q", got.StatusCode, got.location())
	}
	for path, want := range map[string]string{
		"/":                                                  base + "/_auth/login?moved=1",
		"/x?moved=1":                                         base + "/_auth/login?next=%2Fx%3Fmoved%3D1&moved=1",
		"/_auth/login":                                       base + "/_auth/login?moved=1",
		"/_auth/login?next=/x":                               base + "/_auth/login?next=%2Fx&moved=1",
		"/_auth/login?next=/api/x":                           base + "/_auth/login?next=%2Fapi%2Fx&moved=1", // whose form is good there only
		"/_auth/login/first?next=/x":                         base + "/_auth/login/first?next=%2Fx&moved=1",
		"/_auth/login/first?moved=1":                         issuerURL + "/authorize",
		"/_auth/login/first?moved":                           issuerURL + "/authorize",
		"/_auth/login/second?moved=1":                        otherURL + "/authorize",
		"/_auth/login?next=//evil.example&moved":             "",
		"/_auth/login?next=https://evil.example/":            base + "/_auth/login?moved=1",
		"/_auth/login/first?next=/%5cevil.example":           base + "/_auth/login/first?moved=1",
		"/_auth/login/https:%2f%2fevil.example?next=/":       "",
		"/_auth/login/evil.example?next=//evil.example&x=/.": "",
	} {
		got := b.get(path, asPage)
		if to, _, _ := strings.Cut(got.location(), "?response"); !strings.HasPrefix(to, want) || want == "" && to != "" || strings.Contains(to, "evil") {
			t.Errorf("%s: %d to %q, want %q", path, got.StatusCode, got.location(), want)
		}
		if got := b.do("HEAD", path, "", asPage); !strings.HasPrefix(got.location(), want) {
			t.Errorf("HEAD %s: %d to %q, want %q", path, got.StatusCode, got.location(), want)
		}
	}
}

// Whatever the Host says, the way leads to the configured address, or as usual to the provider (security classes 6, 19).
func TestClass19HostIsNoWayOut(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.BaseURL = &url.URL{Scheme: "https", Host: "app.example.com"}
	const moved, usual = "https://app.example.com/_auth/login?next=%2Fx&moved=1", issuerURL + "/authorize?"
	for name, tc := range map[string]struct {
		trusted bool
		header  []string
		want    string
	}{
		"its own":                     {header: []string{"Host: app.example.com"}, want: usual},
		"in other letters":            {header: []string{"Host: APP.Example.com"}, want: usual},
		"with its port":               {header: []string{"Host: app.example.com:443"}, want: usual},
		"with the port behind":        {header: []string{"Host: app.example.com:8080"}, want: usual},
		"with a dot":                  {header: []string{"Host: app.example.com."}, want: moved},
		"twin":                        {header: []string{"Host: app.example.io"}, want: moved},
		"below":                       {header: []string{"Host: x.app.example.com"}, want: moved},
		"above":                       {header: []string{"Host: example.com"}, want: moved},
		"internal name":               {header: []string{"Host: app-service"}, want: moved},
		"address":                     {header: []string{"Host: 192.0.2.7:8080"}, want: moved},
		"IPv6":                        {header: []string{"Host: [2001:db8::7]:8080"}, want: moved},
		"a proxy's address of us":     {header: []string{"Host: 127.0.0.1:8080"}, want: usual},
		"a proxy's IPv6 address":      {header: []string{"Host: [::1]:8080"}, want: usual},
		"a proxy's name of us":        {header: []string{"Host: localhost:8080"}, want: usual},
		"hostile":                     {header: []string{"Host: evil.example"}, want: moved},
		"escapes":                     {header: []string{"Host: app.example.com%2fevil.example"}, want: moved},
		"odd":                         {header: []string{"Host: ]]]:::"}, want: moved},
		"forwarded by nobody":         {header: []string{"Host: app.example.com", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"}, want: usual},
		"forwarded by nobody, own":    {header: []string{"Host: evil.example", "X-Forwarded-Host: app.example.com"}, want: moved},
		"forwarded":                   {true, []string{"Host: 10.0.0.7:8080", "X-Forwarded-Host: app.example.com", "X-Forwarded-Proto: https"}, usual},
		"forwarded by two":            {true, []string{"Host: 10.0.0.7:8080", "X-Forwarded-Host: app.example.com, inner:8080"}, usual},
		"forwarded, another":          {true, []string{"Host: app.example.com", "X-Forwarded-Host: evil.example"}, moved},
		"forwarded twice":             {true, []string{"Host: app.example.com", "X-Forwarded-Host: evil.example", "X-Forwarded-Host: evil.example"}, usual},
		"forwarded, nothing":          {true, []string{"Host: app.example.com", "X-Forwarded-Host: "}, usual},
		"forwarded, unencrypted":      {true, []string{"Host: app.example.com", "X-Forwarded-Proto: http"}, moved},
		"forwarded, encrypted":        {true, []string{"Host: app.example.com", "X-Forwarded-Proto: HTTPS"}, usual},
		"forwarded, another protocol": {true, []string{"Host: app.example.com", "X-Forwarded-Proto: wss"}, usual},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := c
			if tc.trusted {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			}
			env := newOIDC(t, c, nil)
			ask := func(path string) reply {
				got, _, _ := env.raw("GET " + path + " HTTP/1.1\r\n" + strings.Join(append(tc.header, asPage), "\r\n") + "\r\n\r\n")
				return got
			}
			got := ask("/x")
			if got.StatusCode != http.StatusFound || !strings.HasPrefix(got.location(), tc.want) || strings.Contains(got.location(), "evil") {
				t.Errorf("%d to %q, want %q", got.StatusCode, got.location(), tc.want)
			}
			// However it came, it is sent on once.
			if got := ask("/_auth/login?next=%2Fx&moved=1"); !strings.HasPrefix(got.location(), usual) {
				t.Errorf("a second time: %d to %q", got.StatusCode, got.location())
			}
		})
	}
}

// A proxy in front that changes the Host, or ends TLS, and that nobody has listed, makes no loop: people log in.
func TestNoLoopBehindAnotherProxy(t *testing.T) {
	t.Parallel()
	for name, encrypted := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []config.Config{oidcOnly(), mainApp()} {
				env := newOIDC(t, c, nil)
				inner := must(url.Parse(env.url))
				front := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
					r.SetURL(inner)
					r.Out.Host = "internal-name:8080"
				}})
				if encrypted {
					front.StartTLS()
				} else {
					front.Start()
				}
				t.Cleanup(front.Close)
				env.reload(func(c *config.Config) { c.BaseURL = must(url.Parse(front.URL)) })
				b := env.browser().at(front.URL)
				b.client.Transport = front.Client().Transport
				address := "/deep?x=1"
				var got reply
				for range 3 { // hops at most until another host is asked
					if got = b.get(address, asPage); !strings.HasPrefix(strings.TrimPrefix(got.location(), front.URL), "/") {
						break
					}
					address = strings.TrimPrefix(got.location(), front.URL)
				}
				if len(c.Providers) > 0 {
					got = b.finishLogin(env.fake, got.location())
				} else {
					form := url.Values{"token": {tokenField.FindStringSubmatch(got.body)[1]}, "next": {"/deep?x=1"}, "username": {user}, "password": {pass}}
					got = b.do("POST", "/_auth/login", form.Encode(), asForm, "Origin: "+front.URL)
				}
				if got.location() != "/deep?x=1" {
					t.Fatalf("login: %d to %q\n%s", got.StatusCode, got.location(), got.body)
				}
				wantApp(t, b.get("/deep?x=1", asPage))
			}
		})
	}
}

// The form of a password is accepted from pages of the base URL alone, so that it is shown only there.
func TestPasswordFormByAnotherName(t *testing.T) {
	t.Parallel()
	env, base := newAtLocalhost(t, mainApp())
	b := env.browser()
	address := b.get("/deep", asPage).location()
	if address != "/_auth/login?next=%2Fdeep" {
		t.Fatalf("to %q", address)
	}
	home := b.at(base)
	if to := b.get(address, asPage).location(); to != base+"/_auth/login?next=%2Fdeep&moved=1" {
		t.Fatalf("to %q", to)
	}
	if in := home.login("/deep", user, pass); in.location() != "/deep" {
		t.Fatalf("login: %d to %q", in.StatusCode, in.location())
	}
	wantApp(t, home.get("/deep", asPage))
	wantApp(t, b.get("/deep", asBasic(user, pass))) // a program needs no other name
}
