package authproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/redirecttest"
)

func TestClass4PathConfusion(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.PublicPaths = []string{"/public/"}
	env := newEnvironment(t, c, nil)
	for _, target := range []string{
		"//", "//secret", "/public//secret", "/public/../secret", "/public/..", "/public/./../secret", "/public/%2e%2e/secret",
		"/public/.%2e/secret", "/public/%2E%2E/secret", "/public/..%20/secret", "/public/.%20%20", "/public%2f..%2fsecret", "/public/..%2fsecret", "/public/%2e%2e%2fsecret",
		"/public/..%5csecret", "/public/..\\secret", "/public\\..\\secret", "/public/..;/secret", "/public/;x=y/../secret", "/public;/secret",
		"/public/%3b/secret", "/secret%00/public/", "/public/%00", "/public/%0d%0aX-Auth-Name:%20root", "/public/%23", "/secret%23/public/",
		"/secret%3f/public/", "/public/%3f", "/public/%c0%af../secret", "/public/%c0%ae%c0%ae/secret", "/public/%ff", "/public/%e0%80%af",
		"/public/%252e%252e/secret", "/public/%25%32%65", "/public/%", "/public/%2", "/public/%zz", "/public/%u002e", "/public/#/../secret",
		"/secret?x#/public/", "/secret#/public/", "http://127.0.0.1/public/", "https://evil.example/public/", "public/", "*", "",
		"?/public/", "/.", "/..", "/public/.", "/%2e", "/a/%2e/b", "/é", "http:/public/", "ftp://x/public/", "/public/%7f",
		"/_auth/../secret", "/_auth/style.css/../../secret", "/_auth%2flogin", "/%5fauth/..",
	} {
		answer, _, _ := env.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, env.host))
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d, want 400", target, answer.StatusCode)
		}
		if got := env.received(); len(got) > 0 {
			t.Errorf("%q reached the app", target)
		}
	}
	// What is clear reaches the app byte for byte.
	for _, target := range []string{"/", "/public/", "/public/a%20b", "/public/%41", "/public/100%25", "/public/caf%C3%A9", "/public/...", "/public/a..b",
		"/public/.hidden", "/public/x?a=%2e%2e%2f&b=//&c=%00;d", "/public/x?", "/public/?/../secret", "/public/a:b@c,d=e&f'(g)*!~$+"} {
		request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", target, env.host, asBasic(user, pass))
		if answer, _, _ := env.raw(request); answer.StatusCode != http.StatusOK {
			t.Errorf("%q: %d", target, answer.StatusCode)
		}
		if got := env.received(); len(got) != 1 || got[0].Target != target {
			t.Errorf("%q arrived as %+v", target, got)
		}
	}
}

// Whatever target a client makes up of the pieces that confuse servers: if it gets past us without a login, then
// the app reads a public path, however often it decodes and however it joins segments.
func TestClass4PathConfusionProperty(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.PublicPaths = []string{"/public/"}
	env := newEnvironment(t, c, nil)
	piece := rapid.SampledFrom([]string{"/", "public", "secret", ".", "..", "%2e", "%2f", "%5c", "\\", ";", "%3b", "%25", "2e", "2f", "%00", "%23", "#", "?",
		"%c0%af", "a", "_auth", "%61", "%70ublic", ":", "@", "//", "http://x", "%", "PUBLIC"})
	rapid.Check(t, func(t *rapid.T) {
		target := "/" + strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "")
		answer, conn, _ := env.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, env.host))
		_ = conn.Close()
		got := env.received()
		switch {
		case len(got) == 0 && (answer.StatusCode == 400 || answer.StatusCode == 401 || answer.StatusCode == 404 || answer.StatusCode == 200 && strings.HasPrefix(target, "/_auth")):
		case len(got) == 1 && got[0].Target == target:
			raw, _, _ := strings.Cut(target, "?")
			raw, err := url.PathUnescape(raw) // every app decodes once, some twice
			if err != nil {
				t.Fatalf("%q got past us: %v", target, err)
			}
			for range 3 {
				if !strings.HasPrefix(raw, "/public/") || strings.Contains(raw, "..") && slices.Contains(strings.FieldsFunc(raw, func(r rune) bool {
					return r == '/' || r == '\\' || r == ';'
				}), "..") {
					t.Fatalf("%q is public to us and %q to an app", target, raw)
				}
				again, err := url.PathUnescape(raw)
				if err != nil {
					break
				}
				raw = again
			}
		default:
			t.Fatalf("%q: %d, %d requests", target, answer.StatusCode, len(got))
		}
	})
}

func TestClass5Methods(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	for line, want := range map[string]int{
		"OPTIONS / HTTP/1.1":                       401, // and so does a CORS preflight
		"options / HTTP/1.1":                       401,
		"get /_auth/style.css HTTP/1.1":            405,
		"POST /_auth/style.css HTTP/1.1":           405,
		"PUT /_auth/login HTTP/1.1":                405,
		"GET /_auth/anything HTTP/1.1":             404,
		"GET /_auth HTTP/1.1":                      404,
		"TRACE / HTTP/1.1":                         405,
		"CONNECT 127.0.0.1:22 HTTP/1.1":            400,
		"CONNECT / HTTP/1.1":                       400,
		"OPTIONS * HTTP/1.1":                       400,
		"POST /logout HTTP/1.1":                    401, // the app's, as every other method there
		"get /logout HTTP/1.1":                     401,
		"HEAD /status HTTP/1.1":                    401,
		"PROPFIND / HTTP/1.1":                      401,
		"GET / HTTP/1.1\r\nX-HTTP-Method: OPTIONS": 401,
		"POST / HTTP/1.1\r\nX-HTTP-Method-Override: OPTIONS\r\nContent-Length: 0": 401,
	} {
		answer, _, _ := env.raw(fmt.Sprintf("%s\r\nHost: %s\r\nConnection: close\r\n\r\n", line, env.host))
		if answer.StatusCode != want && (want != 400 || answer.StatusCode != 405) {
			t.Errorf("%s: %d, want %d", line, answer.StatusCode, want)
		}
	}
	// POST /logout with a session is the app's (Chainlit has one) and ends no session.
	b := env.browser()
	b.login("/", user, pass)
	wantApp(t, b.do("POST", "/logout", ""))
	wantApp(t, b.get("/"))
	if got := env.received(); len(got) != 2 {
		t.Errorf("the app saw %v", got)
	}
}

func TestClass6OpenRedirect(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	targets := redirecttest.Hostile()
	if len(targets) < 600 {
		t.Fatalf("only %d targets", len(targets))
	}
	b := env.browser()
	page := b.get("/_auth/login", asPage)
	token := tokenField.FindStringSubmatch(page.body)[1]
	for _, target := range targets {
		form := url.Values{"token": {token}, "next": {target}, "username": {user}, "password": {pass}}
		in := b.do("POST", "/_auth/login", form.Encode(), asForm)
		if in.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q: %d", target, in.StatusCode)
		}
		if host := redirecttest.Host(env.url, in.location()); host != env.host {
			t.Errorf("%q leads to %q by %q", target, host, in.location())
		}
		if strings.HasPrefix(in.location(), "/_auth") || in.location() == "/logout" || in.location() == "/exit" {
			t.Errorf("%q leads to %q", target, in.location())
		}
		if in.Header.Get("Set-Cookie") == "x=y" {
			t.Errorf("%q splits the answer", target)
		}
	}
	for _, target := range []string{"/", "/a/b", "/a?b=c&d=//e", "/a?next=https://x.example/", "/caf%C3%A9", "/a%20b"} {
		form := url.Values{"token": {token}, "next": {target}, "username": {user}, "password": {pass}}
		if in := b.do("POST", "/_auth/login", form.Encode(), asForm); in.location() != target {
			t.Errorf("%q leads to %q", target, in.location())
		}
	}
}

// Security class 7: only the users themselves log in: no other page can do it for them.
func TestClass7LoginCSRF(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	attacker := env.browser()
	foreign := tokenField.FindStringSubmatch(attacker.get("/_auth/login", asPage).body)[1]
	post := func(b *browser, token string, header ...string) reply {
		form := url.Values{"token": {token}, "next": {"/"}, "username": {user}, "password": {pass}}
		return b.do("POST", "/_auth/login", form.Encode(), append([]string{asForm}, header...)...)
	}
	own := func(b *browser) string {
		return tokenField.FindStringSubmatch(b.get("/_auth/login", asPage).body)[1]
	}
	refused := func(name string, b *browser, got reply) {
		t.Helper()
		if got.StatusCode == http.StatusSeeOther || b.session() != "" {
			t.Errorf("%s: logged in (%d)", name, got.StatusCode)
		}
	}
	b := env.browser()
	refused("no token, no cookie", b, post(b, ""))
	b = env.browser()
	refused("another browser's token", b, post(b, foreign))
	b = env.browser()
	own(b)
	refused("another browser's token, own cookie", b, post(b, foreign))
	b = env.browser()
	refused("foreign origin", b, post(b, own(b), "Origin: https://evil.example"))
	b = env.browser()
	refused("no origin", b, post(b, own(b), "Origin: null"))
	b = env.browser()
	refused("cross-site", b, post(b, own(b), "Sec-Fetch-Site: cross-site"))
	b = env.browser()
	refused("sibling domain", b, post(b, own(b), "Sec-Fetch-Site: same-site"))
	b = env.browser()
	refused("forged token", b, post(b, own(b)[:20]+"x"))
	b = env.browser()
	refused("password in the address", b, b.get("/_auth/login?"+url.Values{"token": {own(b)}, "username": {user}, "password": {pass}}.Encode()))
	b = env.browser()
	refused("another type of body", b, b.do("POST", "/_auth/login", "x", "Content-Type: text/plain"))
	b = env.browser()
	refused("large body", b, b.do("POST", "/_auth/login", "token="+own(b)+"&username="+user+"&password="+strings.Repeat("x", 1<<20), asForm))
	b = env.browser()
	late := own(b)
	env.advance(13 * time.Hour)
	refused("expired", b, post(b, late))

	// Ten tabs, any order.
	b = env.browser()
	var tokens []string
	for range 10 {
		tokens = append(tokens, own(b))
	}
	slices.Reverse(tokens)
	for i, token := range tokens {
		if got := post(b, token); got.StatusCode != http.StatusSeeOther {
			t.Errorf("tab %d: %d", i, got.StatusCode)
		}
	}
}

// Security class 8: an id from before the login opens nothing after it.
func TestClass8SessionFixation(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	injected := strings.Repeat("B", 43)
	b := env.browser()
	u, _ := url.Parse(env.url)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "ploomber_session", Value: injected}})
	b.login("/", user, pass)
	first := b.session()
	if first == injected || first == "" {
		t.Fatal("the injected id was adopted")
	}
	wantCode(t, (&browser{env, &http.Client{}}).get("/", "Cookie: ploomber_session="+injected), http.StatusUnauthorized)
	b.login("/", user, pass)
	if b.session() == first {
		t.Error("the id did not change at a second login")
	}
	wantCode(t, (&browser{env, &http.Client{}}).get("/", "Cookie: ploomber_session="+first), http.StatusUnauthorized)
	wantCode(t, (&browser{env, &http.Client{}}).get("/", asBasic(user, "wrong"), "Cookie: ploomber_session="+injected), http.StatusUnauthorized)
}

// Security class 9: a session that has ended is not replayed.
func TestClass9Replay(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	b.login("/", user, pass)
	cookie := "Cookie: ploomber_session=" + b.session()
	b.get("/logout")
	bare := &browser{env, &http.Client{}}
	wantCode(t, bare.get("/", cookie), http.StatusUnauthorized)
	if answer, _, _ := env.raw(env.upgrade("/ws", cookie)); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("upgrade: %d", answer.StatusCode)
	}
	if got := bare.get("/status", cookie); got.body != "logged out" {
		t.Errorf("status %q", got.body)
	}
}

func TestClass13WebSocket(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.SessionIdle, c.SessionLifetime = time.Hour, 2*time.Hour
	env := newEnvironment(t, c, nil)
	b := env.browser()
	b.login("/", user, pass)
	cookie := "Cookie: ploomber_session=" + b.session()
	for name, tc := range map[string]struct {
		header []string
		code   int
	}{
		"no session":              {nil, 401},
		"no session, wants HTML":  {[]string{asPage}, 401},
		"wrong credentials":       {[]string{asBasic(user, "x")}, 401},
		"subprotocol as token":    {[]string{"Sec-WebSocket-Protocol: bearer, ploomber_session=" + b.session()}, 401},
		"foreign origin":          {[]string{cookie, "Origin: https://evil.example"}, 403},
		"origin null":             {[]string{cookie, "Origin: null"}, 403},
		"other port":              {[]string{cookie, "Origin: http://127.0.0.1:1"}, 403},
		"suffix":                  {[]string{cookie, "Origin: " + env.url + ".evil.example"}, 403},
		"user in origin":          {[]string{cookie, "Origin: http://evil.example@" + env.host}, 101}, // the host is ours
		"host in user":            {[]string{cookie, "Origin: http://" + env.host + "@evil.example"}, 403},
		"two origins":             {[]string{cookie, "Origin: " + env.url, "Origin: https://evil.example"}, 400},
		"extension as origin":     {[]string{cookie, "Origin: chrome-extension://" + env.host}, 403},
		"own origin":              {[]string{cookie, "Origin: " + env.url}, 101},
		"own origin, subprotocol": {[]string{cookie, "Origin: " + env.url, "Sec-WebSocket-Protocol: bokeh, token"}, 101},
	} {
		answer, _, _ := env.raw(env.upgrade("/ws", tc.header...))
		if answer.StatusCode != tc.code {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, tc.code)
		}
		got := env.received()
		if (len(got) == 1) != (tc.code == 101) {
			t.Errorf("%s: the app saw %d requests", name, len(got))
		}
		if name == "own origin, subprotocol" && got[0].Header.Get("Sec-WebSocket-Protocol") != "bokeh, token" {
			t.Errorf("subprotocol %q", got[0].Header.Get("Sec-WebSocket-Protocol"))
		}
	}
	// With a base URL, that is the one origin, whatever Host says.
	c = mainApp()
	c.BaseURL = &url.URL{Scheme: "https", Host: "app.example.com"}
	env = newEnvironment(t, c, nil)
	for origin, want := range map[string]int{"https://app.example.com": 101, "https://app.example.com:443": 101, "https://APP.example.com": 101,
		"http://app.example.com": 403, env.url: 403, "https://app.example.com.evil.example": 403} {
		if answer, _, _ := env.raw(env.upgrade("/ws", asBasic(user, pass), "Origin: "+origin)); answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", origin, answer.StatusCode, want)
		}
	}
}

// A session that ends while its WebSocket is open takes it along.
func TestClass13SessionEndsMidStream(t *testing.T) {
	t.Parallel()
	for name, lifetime := range map[string]time.Duration{"idle": 1000 * time.Hour, "lifetime": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mainApp()
			c.SessionIdle, c.SessionLifetime = time.Hour, lifetime
			env := newEnvironment(t, c, nil)
			answer, conn, br := env.raw(env.upgrade("/ws", asBasic(user, pass)))
			if answer.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(answer.StatusCode)
			}
			_, _ = io.WriteString(conn, "x")
			if _, err := br.ReadByte(); err != nil {
				t.Fatal(err)
			}
			env.advance(61 * time.Minute)
			if name == "idle" { // there was traffic, so the first look keeps it
				env.advance(61 * time.Minute)
			}
			if _, err := br.ReadByte(); err == nil || strings.Contains(err.Error(), "timeout") {
				t.Errorf("err = %v, want the end", err)
			}
		})
	}
}

// Security class 14: the server's own strictness, pinned.
func TestClass14Smuggling(t *testing.T) {
	t.Parallel()
	auth := asBasic(user, pass)
	for name, tc := range map[string]struct {
		request string
		refused bool // with 400 or the like; else the app sees exactly one request
	}{
		"two lengths":          {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", true},
		"list of lengths":      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello!", true},
		"plus":                 {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", true},
		"unknown encoding":     {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", true},
		"chunked twice":        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
		"vertical tab":         {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", true},
		"space before colon":   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello", true},
		"two hosts":            {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", true},
		"no host":              {"GET / HTTP/1.1\r\n\r\n", true},
		"host with a path":     {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", true},
		"header without colon": {"GET / HTTP/1.1\r\nHost: x\r\nfoo\r\n\r\n", true},
		"CR in a value":        {"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", true},
		"NUL in a value":       {"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", true},
		"HTTP/1.2":             {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", true},
		"bad chunk":            {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", true},
		"huge chunk":           {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", true},
		"huge head":            {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", true},
		"many headers":         {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 20_000) + "\r\n", true},
		"length and chunks":    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", false},
		"chunk extension":      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n", false},
		"body of a GET":        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t, mainApp(), nil) // an app may learn late of a body that breaks off
			request := strings.Replace(tc.request, "\r\nHost: x", "\r\n"+auth+"\r\nHost: x", 1)
			answer, conn, _ := env.raw(request)
			_ = conn.Close()
			got := env.received()
			if refused := answer.StatusCode >= 400; refused != tc.refused || answer.StatusCode == http.StatusBadGateway { // the app is not to blame
				t.Errorf("%d", answer.StatusCode)
			}
			for _, s := range got {
				if s.Target != "/" {
					t.Errorf("smuggled %+v", s)
				}
			}
			if !tc.refused && (len(got) != 1 || got[0].Header.Get("Content-Length") != "" && got[0].Header.Get("Transfer-Encoding") != "") {
				t.Errorf("the app saw %+v", got)
			}
		})
	}
}
