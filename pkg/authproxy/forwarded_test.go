package authproxy_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// behindProxy lists loopback as a reverse proxy's address.
func behindProxy(c config.Config) config.Config {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return c
}

// What a listed proxy says of the protocol decides which cookie is looked for, WebSockets among it; what anybody else
// says does not.
func TestForwardedProtocol(t *testing.T) {
	t.Parallel()
	listed, unlisted := newEnvironment(t, behindProxy(mainApp()), nil), newEnvironment(t, mainApp(), nil)
	session := func(env *environment) string { // begun on https
		in := env.browser().get("/", asBasic(user, pass), "X-Forwarded-Proto: https")
		if c := in.cookie("__Host-ploomber_session"); c != nil {
			return c.Value
		}
		return in.cookie("ploomber_session").Value
	}
	for name, tc := range map[string]struct {
		lines []string
		https bool
	}{
		"https":             {[]string{"X-Forwarded-Proto: https"}, true},
		"wss":               {[]string{"X-Forwarded-Proto: wss"}, true},
		"WSS":               {[]string{"X-Forwarded-Proto: WSS"}, true},
		"list":              {[]string{"X-Forwarded-Proto: https,http"}, true},
		"list with spaces":  {[]string{"X-Forwarded-Proto:  wss , http"}, true},
		"Forwarded":         {[]string{`Forwarded: for=192.0.2.1;proto=https;host=app.example.com`}, true},
		"Forwarded, quoted": {[]string{`Forwarded: For="[2001:db8::1]:47";Proto="https", for=10.0.0.1;proto=http`}, true},
		"Forwarded, wss":    {[]string{`Forwarded: proto=wss`}, true},

		"nothing":              {nil, false},
		"http":                 {[]string{"X-Forwarded-Proto: http"}, false},
		"ws":                   {[]string{"X-Forwarded-Proto: ws"}, false},
		"plain outside":        {[]string{"X-Forwarded-Proto: http,https"}, false},
		"twice":                {[]string{"X-Forwarded-Proto: https", "X-Forwarded-Proto: https"}, false},
		"unknown":              {[]string{"X-Forwarded-Proto: h2c"}, false},
		"Forwarded besides":    {[]string{"X-Forwarded-For: 192.0.2.1", "Forwarded: proto=https"}, false},
		"Forwarded, malformed": {[]string{`Forwarded: proto="https`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := func(env *environment, cookie string) int {
				answer, conn, _ := env.raw(env.upgrade("/ws", append(tc.lines, "Cookie: "+cookie)...))
				_ = conn.Close()
				return answer.StatusCode
			}
			want := http.StatusUnauthorized
			if tc.https {
				want = http.StatusSwitchingProtocols
			}
			if got := ask(listed, "__Host-ploomber_session="+session(listed)); got != want {
				t.Errorf("listed: %d, want %d", got, want)
			}
			if got := ask(unlisted, "ploomber_session="+session(unlisted)); got != http.StatusSwitchingProtocols {
				t.Errorf("not listed: %d", got)
			}
		})
	}
}

// The host that a listed proxy names is where the browser is: forms and WebSockets of its pages are the app's own.
func TestForwardedHost(t *testing.T) {
	t.Parallel()
	const own, evil = "https://app.example.com", "https://evil.example"
	for name, tc := range map[string]struct {
		lines         []string
		origin        string
		listed        bool // by the word of a listed proxy
		always, never bool // listed or not
	}{
		"another Host":            {lines: []string{"X-Forwarded-Host: app.example.com"}, origin: own, listed: true},
		"with the usual port":     {lines: []string{"X-Forwarded-Host: app.example.com:443"}, origin: own, listed: true},
		"in other letters":        {lines: []string{"X-Forwarded-Host: APP.example.com"}, origin: own, listed: true},
		"port of its own":         {lines: []string{"X-Forwarded-Host: app.example.com:8443"}, origin: own + ":8443", listed: true},
		"list":                    {lines: []string{"X-Forwarded-Host: app.example.com, inner:8080"}, origin: own, listed: true},
		"Forwarded":               {lines: []string{`Forwarded: for=192.0.2.1;host="app.example.com:443";proto=https`}, origin: own, listed: true},
		"another origin":          {lines: []string{"X-Forwarded-Host: app.example.com"}, origin: evil, never: true},
		"subdomain":               {lines: []string{"X-Forwarded-Host: app.example.com"}, origin: "https://x.app.example.com", never: true},
		"another port":            {lines: []string{"X-Forwarded-Host: app.example.com"}, origin: own + ":8443", never: true},
		"inner name in the list":  {lines: []string{"X-Forwarded-Host: app.example.com, evil.example"}, origin: evil, never: true},
		"no origin, opaque":       {lines: []string{"X-Forwarded-Host: app.example.com"}, origin: "null", never: true},
		"no host":                 {lines: []string{"X-Forwarded-Host: evil.example/x?"}, origin: evil, never: true},
		"Host, and nothing said":  {origin: "http://127.0.0.1:8080", always: true},
		"empty":                   {lines: []string{"X-Forwarded-Host: "}, origin: "http://127.0.0.1:8080", always: true},
		"twice":                   {lines: []string{"X-Forwarded-Host: evil.example", "X-Forwarded-Host: evil.example"}, origin: evil, never: true},
		"Forwarded beside others": {lines: []string{"X-Forwarded-For: 192.0.2.1", "Forwarded: host=evil.example"}, origin: evil, never: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, isListed := range []bool{true, false} {
				c := mainApp()
				if isListed {
					c = behindProxy(c)
				}
				env := newEnvironment(t, c, nil)
				header := append([]string{"Host: 127.0.0.1:8080", "Origin: " + tc.origin, "Sec-Fetch-Site: same-origin"}, tc.lines...)
				in := env.browser().loginWith(header...)
				want := tc.always || tc.listed && isListed
				if ok := in.StatusCode == http.StatusSeeOther; ok != want || !ok && in.StatusCode != http.StatusForbidden {
					t.Errorf("listed %v: login %d, want success %v", isListed, in.StatusCode, want)
				}
				answer, conn, _ := env.raw("GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
					strings.Join(append(header, asBasic(user, pass)), "\r\n") + "\r\n\r\n")
				_ = conn.Close()
				if ok := answer.StatusCode == http.StatusSwitchingProtocols; ok != want || !ok && answer.StatusCode != http.StatusForbidden {
					t.Errorf("listed %v: WebSocket %d, want success %v", isListed, answer.StatusCode, want)
				}
				if n := strings.Count(env.logs.String(), `msg="another origin refused" origin=`+tc.origin+" expected="); want != (n == 0) || !want && n != 2 {
					t.Errorf("listed %v: %d lines about the origin in\n%s", isListed, n, env.logs)
				}
			}
		})
	}
}

// What another origin calls itself is in the log as far as it shows, and no more of it than an origin is long (security
// class 22).
func TestClass22RefusedOriginInTheLog(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ origin, want string }{
		"usual":       {"https://app.example.com", "origin=https://app.example.com expected="},
		"long":        {"https://" + strings.Repeat("a", 9000), "origin=https://" + strings.Repeat("a", 92) + " expected="},
		"escape":      {"https://\u009b31m.example", `origin="none that can be shown" expected=`},
		"white space": {"https://a.example level=ERROR", `origin="none that can be shown" expected=`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t, mainApp(), nil)
			wantCode(t, env.browser().loginWith("Origin: "+tc.origin), http.StatusForbidden)
			if !strings.Contains(env.logs.String(), tc.want) {
				t.Errorf("%s is missing in\n%s", tc.want, env.logs)
			}
		})
	}
}

// loginWith sends the login form with these headers, as the proxy in front of us passes them on.
func (b *browser) loginWith(header ...string) reply {
	b.env.t.Helper()
	page := b.get("/_auth/login", append([]string{asPage}, header...)...)
	token := tokenField.FindStringSubmatch(page.body)
	if token == nil {
		b.env.t.Fatalf("login page: %d\n%s", page.StatusCode, page.body)
	}
	for _, c := range page.Cookies() { // the jar keeps none that is for https alone
		header = append(header, "Cookie: "+c.Name+"="+c.Value)
	}
	form := url.Values{"token": {token[1]}, "next": {"/"}, "username": {user}, "password": {pass}}
	return b.do("POST", "/_auth/login", form.Encode(), append([]string{asForm}, header...)...)
}

// The app is told the protocol and the chain that are believed. The host is the one of the request, as in Host.
func TestForwardedToTheApp(t *testing.T) {
	t.Parallel()
	listed, unlisted := newEnvironment(t, behindProxy(mainApp()), nil), newEnvironment(t, mainApp(), nil)
	for name, tc := range map[string]struct {
		lines        []string
		chain, proto string
	}{
		"X-Forwarded-*": {[]string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: wss", "X-Forwarded-Host: app.example.com"},
			"192.0.2.1, 127.0.0.1", "https"},
		"Forwarded": {[]string{`Forwarded: for="[2001:db8::1]:99";proto=https;host=app.example.com;by=_x, for=127.0.0.7`},
			"2001:db8::1, 127.0.0.7, 127.0.0.1", "https"},
		"Forwarded of a hidden client": {[]string{"Forwarded: for=_hidden, for=192.0.2.1"}, "192.0.2.1, 127.0.0.1", "http"},
		"no host":                      {[]string{"X-Forwarded-Host: a b"}, "127.0.0.1", "http"},
	} {
		got := listed.browser().get("/", append(tc.lines, "Host: h", asBasic(user, pass))...)
		wantApp(t, got)
		h := listed.received()[0].Header
		if h.Get("X-Forwarded-For") != tc.chain || h.Get("X-Forwarded-Proto") != tc.proto || h.Get("X-Forwarded-Host") != "h" || h.Get("Forwarded") != "" {
			t.Errorf("%s: %v", name, h)
		}
		wantApp(t, unlisted.browser().get("/", append(tc.lines, "Host: h", asBasic(user, pass))...))
		h = unlisted.received()[0].Header
		if h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Forwarded-Proto") != "http" || h.Get("X-Forwarded-Host") != "h" {
			t.Errorf("%s, not listed: %v", name, h)
		}
	}
}
