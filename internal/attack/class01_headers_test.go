package attack

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// identityHeaders are those in which apps look for who asks.
func identityHeaders() []string {
	return []string{"X-Auth-Name", "X-Auth-Sub", "X-Access-Token", "X-Id-Token"}
}

// spellings are the ways to write a header that some server takes for the same, each as the lines of one request.
func spellings(name string) [][]string {
	under := strings.ReplaceAll(name, "-", "_")
	names := []string{
		name, strings.ToUpper(name), strings.ToLower(name), under, strings.ToUpper(under), strings.ToLower(under),
		strings.ReplaceAll(name, "-", "."), strings.Replace(name, "-", "_", 1), strings.Replace(name, "-", ".", 1),
		strings.ReplaceAll(name, "-", ""), strings.ReplaceAll(name, "-", "--"), strings.ReplaceAll(name, "-", "~"),
		strings.ReplaceAll(name, "-", "!"), strings.ReplaceAll(name, "-", "|"), strings.ReplaceAll(name, "-", "-_"),
		name + "-", name + "_", name + ".", "_" + name, strings.ReplaceAll(name, "-", "+"),
	}
	var all [][]string
	for _, n := range names {
		all = append(all, []string{n + ": mallory"})
	}
	return append(all,
		[]string{name + ": mallory", name + ": mallory"},                          // twice
		[]string{name + ": mallory", under + ": mallory", name + ":"},             // mixed
		[]string{name + ":", under + ":mallory"},                                  // an empty one first
		[]string{name + ":mallory   "},                                            // spaces behind
		[]string{name + ":\tmallory"},                                             // a tab in front
		[]string{name + ":", " mallory"},                                          // folded
		[]string{name + " : mallory"},                                             // space in front of the colon
		[]string{"Connection: " + name, under + ": mallory"},                      // ours named as hop-by-hop
		[]string{"Connection: close, " + under, under + ": mallory"},              // an alias named so
		[]string{"Trailer: " + name, name + ": mallory"},                          // announced as a trailer
		[]string{"Content-Length: 0\x0b", name + ": mallory"},                     // a line that may not parse
		[]string{name + "\x00: mallory"},                                          // NUL in the name
		[]string{"X-Other: a\r" + name + ": mallory"},                             // a bare CR as line end
		[]string{"X-Other: a\n" + name + ": mallory"},                             // a bare LF as line end
		[]string{"X-Other: a\r\r\n" + name + ": mallory"},                         // one CR too many
		[]string{"X-Other: a", ": mallory", name + ": mallory"},                   // no name
		[]string{name + ": mallory", "Connection: keep-alive, " + name},           // named behind
		[]string{"Keep-Alive: " + name, "Proxy-Connection: " + name},              // other connection headers
		[]string{"X-Other:" + strings.Repeat(" ", 900) + "x", under + ":mallory"}, // a long line in front
	)
}

// wantNoMallory fails if the app got anything that an attacker wrote, or is not told who really asks.
func wantNoMallory(t *testing.T, attack []string, got seen, name string) {
	t.Helper()
	if strings.Contains(got.Wire, "mallory") {
		t.Errorf("%q: the app got\n%s", attack, got.Wire)
	}
	if said := got.Header["X-Auth-Name"]; name == "" && len(said) > 0 || name != "" && !slices.Equal(said, []string{name}) {
		t.Errorf("%q: X-Auth-Name is %q, want %q", attack, said, name)
	}
}

// Security class 1: no client speaks about who it is, on any path, by any spelling.
func TestClass01HeaderSpoofing(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/public/"))
	cookie := p.loggedIn().cookie()
	requests := map[string]struct{ request, name string }{
		"page":    {p.head("GET", "/x", cookie), user},
		"public":  {p.head("GET", "/public/x"), ""},
		"form":    {p.head("POST", "/x", cookie, "Content-Length: 0"), user},
		"upgrade": {strings.TrimSuffix(p.upgrade("/ws", cookie), "\r\n"), user},
	}
	for _, header := range append(identityHeaders(), "X-Auth-Groups", "X-Auth", "Remote-User", "Shiny-Server-Credentials", "X-Streamlit-User") {
		for _, attack := range spellings(header) {
			for kind, r := range requests {
				answer := p.raw(r.request + lines(attack) + "\r\n")
				got := a.taken()
				if len(got) == 0 && answer.StatusCode == http.StatusBadRequest {
					continue
				}
				if len(got) != 1 || answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusSwitchingProtocols {
					t.Fatalf("%s, %q: %d, the app saw %d requests", kind, attack, answer.StatusCode, len(got))
				}
				wantNoMallory(t, attack, got[0], r.name)
			}
		}
		// A trailer is a header that comes late.
		answer := p.raw(p.head("POST", "/x", cookie, "Trailer: "+header, "Transfer-Encoding: chunked") + "\r\n1\r\nx\r\n0\r\n" + header + ": mallory\r\n\r\n")
		got := a.taken()
		if answer.StatusCode != http.StatusOK || len(got) != 1 || len(got[0].Trailer) > 0 {
			t.Fatalf("trailer %s: %d, %v", header, answer.StatusCode, got)
		}
		wantNoMallory(t, []string{"trailer " + header}, got[0], user)
	}
}

// Security class 2: what a client names as belonging to the connection takes nothing of our own away.
func TestClass02HopByHop(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	cookie := p.loggedIn().cookie()
	for _, named := range append(identityHeaders(), "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host", "Cookie", "Content-Length",
		"x-auth-name", "X_Auth_Name", "close", "keep-alive, X-Auth-Name", ",,X-Auth-Name,", "\"X-Auth-Name\"", "X-Auth-Name;q=1", "Connection", "Upgrade, X-Auth-Name") {
		for _, by := range []string{"Connection", "connection", "Proxy-Connection", "Keep-Alive", "Connection: close\r\nConnection"} {
			// A client that names Cookie takes its own session away, and is asked to log in.
			answer := p.raw(p.head("POST", "/x", cookie, by+": "+named, "Te: trailers", "Proxy-Authorization: x", "Proxy: http://evil.example", "Upgrade: h2c", "Http2-Settings: x",
				"Content-Length: 4") + "\r\nbody")
			got := a.taken()
			if len(got) != 1 || answer.StatusCode != http.StatusOK {
				if named == "Cookie" && answer.StatusCode == http.StatusUnauthorized && len(got) == 0 {
					continue
				}
				t.Fatalf("%s: %s: %d", by, named, answer.StatusCode)
			}
			h := got[0].Header
			if h.Get("X-Auth-Name") != user || h.Get("X-Forwarded-For") != "127.0.0.1" || got[0].Host != p.host || got[0].Body != "body" {
				t.Errorf("%s: %s: the app got\n%s", by, named, got[0].Wire)
			}
			for _, name := range []string{"Te", "Proxy-Authorization", "Proxy", "Upgrade", "Http2-Settings", "Keep-Alive", "Proxy-Connection"} {
				if h.Get(name) != "" {
					t.Errorf("the app got %s: %s", name, h.Get(name))
				}
			}
		}
	}
}

// forwardedHeaders say where a request came from, and are believed of nobody who is not listed.
func forwardedHeaders() []string {
	return []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri",
		"X-Forwarded-Method", "X-Forwarded-Server", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Scheme", "Forwarded",
		"X-Real-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Client-Ip", "True-Client-Ip", "Client-Ip", "X-Scheme", "X-Url-Scheme",
		"Front-End-Https", "Script-Name", "X-Script-Name", "Path-Info"}
}

// Security class 3: forwarding headers are ours, and open nothing.
func TestClass03ForwardedTrust(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/public/"))
	cookie := p.loggedIn().cookie()
	want := map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": p.host}
	for _, header := range forwardedHeaders() {
		for _, attack := range spellings(header) {
			if strings.Contains(attack[0], "Connection: close") {
				continue
			}
			answer := p.raw(p.head("GET", "/x", append(attack, cookie)...) + "\r\n")
			got := a.taken()
			if len(got) == 0 && answer.StatusCode == http.StatusBadRequest {
				continue
			}
			if answer.StatusCode != http.StatusOK || len(got) != 1 {
				t.Fatalf("%q: %d", attack, answer.StatusCode)
			}
			wantNoMallory(t, attack, got[0], user)
			for name, value := range want {
				if said := strings.Join(got[0].Header.Values(name), "|"); said != value {
					t.Errorf("%q: %s is %q, want %q", attack, name, said, value)
				}
			}
		}
	}
	for _, said := range []string{"X-Forwarded-Uri: /public/", "X-Original-Url: /public/", "X-Rewrite-Url: /public/", "X-Forwarded-Path: /public/", "X-Forwarded-For: 127.0.0.1",
		"X-Forwarded-Host: localhost", "X-Forwarded-Method: OPTIONS", "Forwarded: for=127.0.0.1;host=localhost;proto=https", "X-Forwarded-Prefix: /public",
		"X-Original-Uri: /_auth/login", "X-Envoy-Original-Path: /public/", "X-Accel-Redirect: /public/", "X-Middleware-Subrequest: middleware"} {
		wantStatus(t, said, p.raw(p.head("GET", "/x", said)+"\r\n"), http.StatusUnauthorized)
	}
	// Encrypted is what the connection is, not what a client says: the cookies' names depend on it.
	in := p.raw(p.head("GET", "/x", asBasic(user, pass), "X-Forwarded-Proto: https") + "\r\n")
	for _, c := range in.Cookies() {
		if c.Secure {
			t.Errorf("a request header made the cookie %s secure", c.Name)
		}
	}
	a.taken()
}

// A listed proxy is believed, as far as its list of addresses goes.
func TestClass03ForwardedTrustListed(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_TRUSTED_PROXIES=127.0.0.1, 10.0.0.0/8"))
	cookie := strings.Replace(p.loggedIn().cookie(), "Cookie: ", "Cookie: __Host-", 1)
	for said, want := range map[string]string{
		"192.0.2.1": "192.0.2.1, 127.0.0.1", "203.0.113.9, 192.0.2.1": "192.0.2.1, 127.0.0.1", "192.0.2.1, 10.1.2.3": "192.0.2.1, 10.1.2.3, 127.0.0.1",
		"mallory, 192.0.2.1": "192.0.2.1, 127.0.0.1", "192.0.2.1, mallory": "127.0.0.1", "192.0.2.1:80": "192.0.2.1, 127.0.0.1", "[2001:db8::1]:80": "2001:db8::1, 127.0.0.1", "192.0.2.1:mallory": "127.0.0.1", "mallory:80": "127.0.0.1", "[192.0.2.1]": "127.0.0.1", "fe80::1%eth0": "fe80::1, 127.0.0.1",
	} {
		r := p.raw(p.head("GET", "/x", cookie, "X-Forwarded-For: "+said, "X-Forwarded-Proto: https", "X-Forwarded-Host: mallory", "X-Forwarded-Prefix: /mallory") + "\r\n")
		wantApp(t, said, r)
		for _, got := range a.taken() {
			wantNoMallory(t, []string{said}, got, user)
			if for_, proto := got.Header.Get("X-Forwarded-For"), got.Header.Get("X-Forwarded-Proto"); for_ != want || proto != "https" {
				t.Errorf("%q: %q by %q, want %q", said, for_, proto, want)
			}
		}
	}
}
