package authproxy_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
)

// The tests named Class… prove the promises against one class of attacks each. The numbers are those of
// docs/security.md.

// spellings of a header name that some server takes for the same.
func spellings(name string) []string {
	upper, lower := strings.ToUpper(name), strings.ToLower(name)
	under := strings.ReplaceAll(name, "-", "_")
	return []string{name, upper, lower, under, strings.ToUpper(under), strings.ReplaceAll(name, "-", "."),
		strings.Replace(name, "-", "_", 1), strings.Replace(lower, "-", ".", 1), strings.ReplaceAll(name, "-", ""),
		strings.ReplaceAll(name, "-", "--")}
}

var identityHeaders = []string{"X-Auth-Name", "X-Auth-Sub", "X-Access-Token", "X-Id-Token", "X-Auth-Groups"}

// plain is a header name without case and separators.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(name))
}

// wantNoForgery fails if any header that the app got speaks of anybody but who has logged in.
func wantNoForgery(t *testing.T, got proxytest.Request, name string) {
	t.Helper()
	for key, values := range got.Header {
		for _, value := range values {
			if strings.Contains(value, "mallory") {
				t.Errorf("the app got %s: %s", key, value)
			}
		}
		if strings.HasPrefix(plain(key), "xauth") && !slices.Contains([]string{"X-Auth-Name", "X-Auth-Sub"}, key) {
			t.Errorf("the app got %s: %q", key, values)
		}
	}
	if got := strings.Join(got.Header["X-Auth-Name"], "|"); got != name {
		t.Errorf("X-Auth-Name is %q, want %q", got, name)
	}
}

func TestClass1HeaderSpoofing(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.PublicPaths = []string{"/public"}
	env := newEnvironment(t, c, nil)
	b := env.browser()
	b.login("/", user, pass)
	cookie := "Cookie: ploomber_session=" + b.session()
	for _, header := range identityHeaders {
		for _, name := range spellings(header) {
			for _, value := range []string{"mallory", "", " mallory ", "mallory\r\n" + name + ": mallory"} {
				for path, who := range map[string]string{"/": user, "/public": ""} {
					answer, _, _ := env.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n%s\r\n\r\n", path, env.host, name, value, cookie))
					got := env.received()
					if answer.StatusCode != http.StatusOK || len(got) != 1 {
						t.Fatalf("%s: %d, the app saw %d requests", name, answer.StatusCode, len(got))
					}
					wantNoForgery(t, got[0], who)
				}
			}
			answer, _, _ := env.raw(env.upgrade("/ws", cookie, name+": mallory"))
			if answer.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("upgrade with %s: %d", name, answer.StatusCode)
			}
			wantNoForgery(t, env.received()[0], user)
		}
		for kind, line := range map[string]string{"folded": header + ":\r\n mallory", "space before the colon": header + " : mallory"} {
			answer, _, _ := env.raw(fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n%s\r\n\r\n", env.host, cookie, line))
			got := env.received()
			if answer.StatusCode == http.StatusOK && len(got) == 1 {
				wantNoForgery(t, got[0], user)
			} else if answer.StatusCode != http.StatusBadRequest || len(got) != 0 {
				t.Errorf("%s: %d", kind, answer.StatusCode)
			}
		}
		// The name comes in a trailer.
		answer, _, _ := env.raw(fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\n%s\r\nTrailer: %s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n%[3]s: mallory\r\n\r\n",
			env.host, cookie, header))
		got := env.received()
		if answer.StatusCode != http.StatusOK || len(got) != 1 || len(got[0].Trailer) != 0 {
			t.Fatalf("trailer: %d, %v", answer.StatusCode, got)
		}
		wantNoForgery(t, got[0], user)
	}
}

func TestClass1HeaderSpoofingOverHTTP2(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	server := httptest.NewUnstartedServer(env.proxy)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for _, header := range identityHeaders {
		for _, name := range spellings(header) {
			r, _ := http.NewRequestWithContext(context.Background(), "GET", server.URL, nil)
			r.SetBasicAuth(user, pass)
			r.Header[name] = []string{"mallory", "mallory"}
			answer, err := server.Client().Do(r)
			if err != nil || answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
				t.Fatalf("%s: %v, %v", name, answer, err)
			}
			_ = answer.Body.Close()
			wantNoForgery(t, env.received()[0], user)
		}
	}
}

func TestClass2HopByHop(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	b.login("/", user, pass)
	for _, named := range append(identityHeaders, "X-Forwarded-For", "X-Forwarded-Proto", "Host", "Content-Length", "close", "keep-alive, X-Auth-Name") {
		for _, by := range []string{"Connection", "Proxy-Connection", "Keep-Alive"} {
			answer, _, _ := env.raw(fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\nCookie: ploomber_session=%s\r\n%s: %s\r\nTe: trailers\r\nProxy-Authorization: x\r\nUpgrade: h2c\r\nHttp2-Settings: x\r\n\r\n",
				env.host, b.session(), by, named))
			got := env.received()
			if answer.StatusCode != http.StatusOK || len(got) != 1 {
				t.Fatalf("%s: %s: %d", by, named, answer.StatusCode)
			}
			h := got[0].Header
			if h.Get("X-Auth-Name") != user || h.Get("X-Forwarded-For") != "127.0.0.1" || got[0].Host != env.host {
				t.Errorf("%s: %s: the app saw %v of %s", by, named, h, got[0].Host)
			}
			for _, name := range []string{"Te", "Proxy-Authorization", "Upgrade", "Http2-Settings", "Keep-Alive", "Proxy-Connection"} {
				if h.Get(name) != "" {
					t.Errorf("the app got %s: %s", name, h.Get(name))
				}
			}
		}
	}
}

var forwardedHeaders = []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
	"X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Server", "X-Forwarded-User", "X-Forwarded-Email", "Forwarded", "X-Real-Ip",
	"X-Original-Url", "X-Rewrite-Url", "X-Client-Ip", "True-Client-Ip", "Remote-User",
	"Script-Name", "X-Script-Name", "Path-Info", "X-Scheme", "Shiny-Server-Credentials", "X-Streamlit-User"}

func TestClass3ForwardedHeaders(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	for _, header := range forwardedHeaders {
		for _, name := range spellings(header) {
			answer, _, _ := env.raw(fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n%s: evil.example\r\n\r\n", env.host, asBasic(user, pass), name))
			got := env.received()
			if answer.StatusCode != http.StatusOK || len(got) != 1 {
				t.Fatalf("%s: %d", name, answer.StatusCode)
			}
			for key, values := range got[0].Header {
				if strings.Contains(strings.Join(values, ","), "evil") {
					t.Errorf("%s: the app got %s: %q", name, key, values)
				}
			}
			for key, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": env.host} {
				if got := strings.Join(got[0].Header.Values(key), "|"); got != want {
					t.Errorf("%s: %s is %q, want %q", name, key, got, want)
				}
			}
		}
	}
	// Nor does any of them open anything.
	for _, line := range []string{"X-Forwarded-Uri: /_auth/style.css", "X-Original-Url: /status", "X-Rewrite-Url: /status", "X-Forwarded-For: 127.0.0.1",
		"User-Agent: GoogleHC/1.0", "User-Agent: kube-probe/1.30", "Host: localhost"} {
		name, value, _ := strings.Cut(line, ": ")
		wantCode(t, env.browser().get("/", name+": "+value), http.StatusUnauthorized)
	}
}

func TestClass3TrustedProxies(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	env := newEnvironment(t, c, nil)
	for said, want := range map[string]string{
		"192.0.2.1":                    "192.0.2.1, 127.0.0.1",
		"192.0.2.1, 10.1.2.3":          "192.0.2.1, 10.1.2.3, 127.0.0.1",
		"203.0.113.9, 192.0.2.1":       "192.0.2.1, 127.0.0.1", // what the client claims in front of that is not passed on
		"evil, 192.0.2.1":              "192.0.2.1, 127.0.0.1",
		"192.0.2.1, evil":              "127.0.0.1",
		"192.0.2.1:5678":               "192.0.2.1, 127.0.0.1",
		"[2001:db8::1]:99, 10.1.2.3:8": "2001:db8::1, 10.1.2.3, 127.0.0.1",
		"[2001:db8::1]":                "2001:db8::1, 127.0.0.1",
		"2001:db8::1":                  "2001:db8::1, 127.0.0.1",
		"[192.0.2.1]":                  "127.0.0.1",
		"192.0.2.1:":                   "127.0.0.1",
		"[2001:db8::1":                 "127.0.0.1",
		"unknown:99":                   "127.0.0.1",
		"evil":                         "127.0.0.1",
		"":                             "127.0.0.1",
		"::ffff:192.0.2.1":             "192.0.2.1, 127.0.0.1",
		"127.0.0.1,10.0.0.1, 10.0.0.2": "127.0.0.1, 10.0.0.1, 10.0.0.2, 127.0.0.1",
	} {
		wantApp(t, env.browser().get("/", asBasic(user, pass), "X-Forwarded-For: "+said, "X-Forwarded-Proto: https"))
		got := env.received()[0].Header
		if got.Get("X-Forwarded-For") != want || got.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("%q: %q by %q, want %q", said, got.Get("X-Forwarded-For"), got.Get("X-Forwarded-Proto"), want)
		}
	}
	in := env.browser().get("/", asBasic(user, pass), "X-Forwarded-Proto: https")
	if in.cookie("__Host-ploomber_session") == nil {
		t.Errorf("cookies on https: %v", in.Cookies())
	}
}

// A browser on an encrypted connection gets cookies that only this host can set.
func TestClass10CookieAttributes(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	secure := httptest.NewTLSServer(env.proxy)
	t.Cleanup(secure.Close)
	r, _ := http.NewRequestWithContext(context.Background(), "GET", secure.URL, nil)
	r.SetBasicAuth(user, pass)
	encrypted, err := secure.Client().Do(r)
	if err != nil || encrypted.TLS == nil || encrypted.TLS.Version < tls.VersionTLS12 {
		t.Fatal(err)
	}
	_ = encrypted.Body.Close()
	for _, tc := range []struct {
		c      *http.Cookie
		name   string
		secure bool
	}{
		{reply{Response: encrypted}.cookie("__Host-"), "__Host-ploomber_session", true},
		{env.browser().get("/", asBasic(user, pass)).cookie("ploomber_session"), "ploomber_session", false},
		{env.browser().get("/_auth/login", asPage).cookie("ploomber_login"), "ploomber_login", false},
		{env.browser().login("/", user, pass).cookie("ploomber_session"), "ploomber_session", false},
	} {
		if c := tc.c; c == nil || c.Name != tc.name || c.Secure != tc.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
			c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
			t.Errorf("cookie %+v, want %s", c, tc.name)
		}
	}
}

// Cookies from elsewhere, garbage among them, lead to a clean login: no error, no loop.
func TestClass10CookieTossing(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	other := env.browser()
	other.login("/", user, pass) // an attacker's own session
	for name, injected := range map[string]string{
		"unknown id":       strings.Repeat("A", 43),
		"garbage":          "%%%\"<>=",
		"oversize":         strings.Repeat("x", 6000),
		"empty":            "",
		"another session":  other.session(),
		"unknown ids":      strings.Repeat(strings.Repeat("A", 43)+"; ploomber_session=", 20) + "x",
		"many":             strings.Repeat("x; ploomber_session=", 50),
		"host prefix":      "x; __Host-ploomber_session=" + other.session() + "; a=b",
		"other login page": "x; ploomber_login=garbage",
	} {
		t.Run(name, func(t *testing.T) {
			b := env.browser()
			if name != "another session" {
				wantCode(t, b.get("/", "Cookie: ploomber_session="+injected), http.StatusUnauthorized)
				wantCode(t, b.get("/", asPage, "Cookie: ploomber_session="+injected), http.StatusFound)
			}
			b.login("/", user, pass)
			both := "Cookie: ploomber_session=" + injected + "; ploomber_session=" + b.session()
			reversed := "Cookie: ploomber_session=" + b.session() + "; ploomber_session=" + injected
			want := http.StatusOK
			if name == "another session" {
				want = http.StatusUnauthorized // nobody can say which is the user's
			}
			bare := &browser{env, &http.Client{}}
			for _, cookies := range []string{both, reversed} {
				if got := bare.get("/", cookies); got.StatusCode != want {
					t.Errorf("%s: %d, want %d", name, got.StatusCode, want)
				}
			}
		})
	}
	if got := env.received(); slices.ContainsFunc(got, func(s proxytest.Request) bool {
		return strings.Contains(s.Header.Get("Cookie"), "ploomber_")
	}) {
		t.Error("the app got a cookie of ours")
	}
}

// Cookies of the login page's name that were injected do not make the right password fail.
func TestClass10LoginCookieTossing(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	page := b.get("/_auth/login", asPage)
	mine, token := page.cookie("ploomber_login"), tokenField.FindStringSubmatch(page.body)
	if mine == nil || token == nil {
		t.Fatalf("no login page: %d", page.StatusCode)
	}
	bare := &browser{env, &http.Client{CheckRedirect: b.client.CheckRedirect}}
	for _, injected := range []string{"zz", "a.b.c", ""} {
		cookies := "Cookie: " + strings.Repeat("ploomber_login="+injected+"; ", 40) + "ploomber_login=" + mine.Value
		form := url.Values{"token": {token[1]}, "next": {"/"}, "username": {user}, "password": {pass}}
		if got := bare.do("POST", "/_auth/login", form.Encode(), asForm, cookies); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%q: %d", injected, got.StatusCode)
		}
	}
}

// The app can neither read our session nor set one.
func TestClass10AppSetsOurCookie(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"ploomber_session", "__Host-ploomber_session", "ploomber_login", "own"} {
			http.SetCookie(rw, &http.Cookie{Name: name, Value: "injected"})
		}
	}))
	got := env.browser().get("/", asBasic(user, pass))
	for _, c := range got.Cookies() {
		if c.Value == "injected" && c.Name != "own" {
			t.Errorf("the app has set %s", c.Name)
		}
	}
	if got.cookie("own") == nil {
		t.Error("the app's own cookie is gone")
	}
}
