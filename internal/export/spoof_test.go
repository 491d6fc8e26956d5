package export_test

import (
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/testkit/nginx"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
)

// spellings of a name that some server takes for the same.
func spellings(name string) []string {
	under := strings.ReplaceAll(name, "-", "_")
	return []string{name, strings.ToUpper(name), strings.ToLower(name), under, strings.ToUpper(under), strings.ReplaceAll(name, "-", "."),
		strings.Replace(name, "-", "_", 1), strings.Replace(strings.ToLower(name), "-", ".", 1), strings.ReplaceAll(name, "-", "")}
}

var identityHeaders = []string{identity.HeaderName, identity.HeaderSubject, identity.HeaderAccessToken, identity.HeaderIDToken}

// TestNginxHeaderSpoofing speaks as another user, in every spelling, with a password and without one.
func TestNginxHeaderSpoofing(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, config.Config{Passwords: three(), PublicPaths: []string{"/static/"}}, export.SaltedSHA)
	var names []string
	for _, name := range identityHeaders {
		names = append(names, spellings(name)...)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri",
		"X-Forwarded-Method", "X-Forwarded-Server", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "Forwarded", "X-Real-Ip", "X-Original-Url",
		"X-Rewrite-Url", "X-Client-Ip", "True-Client-Ip", "Remote-User", "Remote-Groups", "X-Auth-Email", "X-Auth-Groups", "X-Auth-Request-User", "Script-Name", "X-Script-Name",
		"Path-Info", "X-Scheme", "Client-Ip", "Shiny-Server-Credentials", "X-Streamlit-User", "Plotly-User-Data"} {
		names = append(names, name, strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "."))
	}
	ann := basic("ann", annPass)
	for _, name := range names {
		line := name + ": mallory"
		for what, request := range map[string]string{
			"closed": get("/", ann, line), "open": get("/static/a", line), "a WebSocket": upgrade("/ws", line, ann),
			"twice": get("/", line, ann, line), "empty": get("/", name+":", ann), "named by Connection": get("/", ann, line, "Connection: "+name),
		} {
			for door, address := range map[string]string{"the proxy": w.proxy, "nginx": w.nginx} {
				o := w.ask(t, address, request)
				if len(o.Seen) != 1 {
					t.Errorf("%s, %s: %s answers %d, %d requests arrive", name, what, door, o.Code, len(o.Seen))
					continue
				}
				who := "ann"
				if what == "open" {
					who = ""
				}
				h := o.Seen[0].Header
				if got := strings.Join(h.Values("X-Auth-Name"), "|"); got != who {
					t.Errorf("%s, %s: through %s the app hears of %q", name, what, door, got)
				}
				for key, values := range h {
					if identity.Reserved(key) && strings.Contains(strings.Join(values, ""), "mallory") {
						t.Errorf("%s, %s: through %s the app gets %s: %s", name, what, door, key, values)
					}
				}
			}
		}
	}
}

// Whatever is in the list is something that our proxy removes too.
func TestClearedHeaders(t *testing.T) {
	t.Parallel()
	for _, name := range export.ClearedHeaders() {
		switch name {
		case "Proxy", // which no app is to take for the address of a proxy (httpoxy)
			"Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Trailer", "Http2-Settings": // of one connection only
			continue
		}
		if !identity.Reserved(name) {
			t.Errorf("%s is the app's", name)
		}
	}
}

// Another server on the same port decides what a header may look like until nginx has read the Host header.
func TestNginxBesideACarelessServer(t *testing.T) {
	t.Parallel()
	w := &environment{}
	port, dir := nginx.Listen(t), t.TempDir()
	o := options(dir)
	o.Listen, o.ServerNames, o.Upstream = []string{port.Addr()}, []string{"app.example"}, proxytest.Start(t, http.HandlerFunc(w.app))
	files, err := export.Nginx(export.Project{Name: "my-app", Login: config.Config{Passwords: logins(config.MainApp), PublicPaths: []string{"/open"}}}, o)
	if err != nil {
		t.Fatal(err)
	}
	s := nginx.Start(t, port, "satisfy any; allow all; auth_basic other; auth_basic_user_file "+filepath.Join(dir, files[1].Name)+"; merge_slashes on;\n"+
		"server { listen "+port.Addr()+" default_server; underscores_in_headers on; return 404; }\n"+write(t, dir, files))
	for _, header := range identityHeaders {
		for _, name := range spellings(header) {
			if strings.Contains(name, ".") {
				continue // needs a server that says ignore_invalid_headers off; the guide warns of it
			}
			for path, who := range map[string]string{"/x": user, "/open": ""} {
				got := w.ask(t, s.Addr, "GET "+path+" HTTP/1.1\r\n"+name+": mallory\r\nHost: app.example\r\n"+basic(user, pass)+"\r\n\r\n").Seen
				if len(got) != 1 || got[0].Header.Get("X-Auth-Name") != who {
					t.Fatalf("%s: %+v", name, got)
				}
				for key, values := range got[0].Header {
					if strings.Contains(strings.Join(values, ""), "mallory") {
						t.Errorf("%s: the app gets %s: %s", name, key, values)
					}
				}
			}
		}
	}
	for path, want := range map[string]int{"/x": http.StatusUnauthorized, "/open": http.StatusOK} {
		if o := w.ask(t, s.Addr, "GET "+path+" HTTP/1.1\r\nHost: app.example\r\n\r\n"); o.Code != want {
			t.Errorf("%s without a password: %d", path, o.Code)
		}
	}
}

// TestNginxForwarding compares what the app hears about the client where there are proxies in front, or an address
// that is known.
func TestNginxForwarding(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]config.Config{
		"nothing is known": {},
		"trusted":          {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}},
		"not trusted":      {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		"a base URL":       {BaseURL: baseURL(t, "https://app.example")},
		"both":             {BaseURL: baseURL(t, "http://app.example:8443"), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Passwords = three()
			w := newEnvironment(t, c, export.SaltedSHA)
			for _, lines := range [][]string{
				nil, {"X-Forwarded-For: 192.0.2.1"}, {"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"}, {"X-Forwarded-Proto: HTTPS"}, {"X-Forwarded-Proto: x"},
				{"X-Forwarded-For: 192.0.2.1, 192.0.2.2"}, {"X-Forwarded-For: nonsense"}, {"X-Forwarded-Host: evil.example", "Forwarded: for=192.0.2.9"}, {"X-Real-Ip: 192.0.2.9"},
				{"X-Forwarded-Proto: wss"}, {"X-Forwarded-Proto: ws"}, {"X-Forwarded-Proto: https,http"}, {"X-Forwarded-Proto: http, https"}, {"X-Forwarded-Proto: httpss"},
				{"X-Forwarded-Host: app.example:8443, inner"}, {"X-Forwarded-Host: [2001:db8::1]:80"}, {"X-Forwarded-Host: evil.example/x?"}, {"X-Forwarded-Host: a b"},
			} {
				w.same(t, get("/", append(lines, basic("ann", annPass))...), difference{})
			}
			for _, lines := range [][]string{{"Origin: https://app.example"}, {"Origin: http://app.example:8443"}, {"Origin: https://evil.example"}} {
				for _, host := range []string{"app.example", "app.example:443", "app.example, evil.example", "evil.example", "", "app.example/"} {
					w.same(t, upgrade("/ws", append(lines, "X-Forwarded-Host: "+host, basic("ann", annPass))...), difference{})
				}
			}
			// Behind several proxies the client's address is the same; of the proxies nginx names the nearest only.
			chain := get("/", basic("ann", annPass), "X-Forwarded-For: 192.0.2.1, 192.0.2.2, 10.0.0.1, 10.0.0.2")
			ours, theirs := w.ask(t, w.proxy, chain).Seen[0].Header, w.ask(t, w.nginx, chain).Seen[0].Header
			first := func(h http.Header) string {
				client, _, _ := strings.Cut(h.Get("X-Forwarded-For"), ",")
				return client
			}
			if first(ours) != first(theirs) {
				t.Errorf("the client is %s, to nginx %s", first(ours), first(theirs))
			}
			for _, origin := range []string{"http://app.example:8443", "https://app.example", "https://app.example:443", "https://app.example:8443", "http://app.example",
				"https://app.example.evil", "https://evil.app.example", "https://appxexample"} {
				w.same(t, upgrade("/ws", basic("ann", annPass), "Origin: "+origin), difference{})
			}
		})
	}
}

// TestNginxPathConfusion asks for what two servers may read differently: it is refused, or the app gets it byte for byte.
func TestNginxPathConfusion(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, config.Config{Passwords: three(), PublicPaths: []string{"/health", "/static/"}}, export.SaltedSHA)
	for _, target := range []string{
		"//", "//api", "/static//api", "/static/..", "/static/../api/x", "/static/./x", "/static/.", "/.", "/..", "/../api", "/static/..%2fapi", "/static/%2e%2e/api", "/static/%2E./api",
		"/static/.%2e", "/static%2f..%2fapi", "/static/%5c..%5capi", "/static\\..\\api", "/api%2fx", "/api%00", "/health%00", "/health%0a", "/health%0d%0a", "/health;x=y", "/static/;/api",
		"/static/..;/api", "/health%3b", "/health#", "/health%23", "/health#/../api", "/health?#", "/health%3f", "/static/%252e%252e/api", "/%25%32%65", "/static/%25", "/static/%2", "/static/%zz", "/static/%",
		"/%c0%af", "/static/%c0%ae%c0%ae/api", "/%ff", "/\xc3\xa9", "/%e2%80%ae", "/%c3%a9", "http://app.example:8443/health", "http://evil.example/health", "http://app.example:8443", "*", "health",
		"app.example:443", "/static/http://x", "/health/.", "/health/..", "/health/", "/health%20", "/health%09", "/api./x", "/api%20/x", "/static/.%20/x", "/static/..%20/x", "/static/...", "/static/.a", "/static/a.",
		"/?a=//../%2e", "/health?/../api", "/health?a#b", "/API%2f", "/%61pi", "/%41PI/x", "/a?x=\x80", "/a?x=%00", "/a?x=\x7f", "/a\x01", "/a\tb", "/static/\x7f", "/_auth/../api",
	} {
		for _, authorization := range []string{"", basic("ann", annPass), basic("bob", bobPass)} {
			w.same(t, get(target, authorization), difference{})
		}
	}
	for line, allowed := range map[string]difference{
		"GET / HTTP/1.1 HTTP/1.1": {}, "GET /a b HTTP/1.1": {}, "GET  / HTTP/1.1": {}, "GET / HTTP/2.0": {}, "GET / HTTP/9.9": {}, "GE@T / HTTP/1.1": {},
		"GET / http/1.1": {}, "\tGET / HTTP/1.1": {},
		"get / HTTP/1.1": {200, 400, "nginx knows methods in capitals only"},
		"GET /health":    {400, 0, "nginx answers HTTP/0.9 in kind, which has no status"},
	} {
		_, rest, _ := strings.Cut(get("/", basic("ann", annPass)), "\r\n")
		w.same(t, line+"\r\n"+rest, allowed)
	}
}

// TestNginxOverHTTP2 adds what an administrator adds to the server block: another protocol, with the same rules.
func TestNginxOverHTTP2(t *testing.T) {
	t.Parallel()
	w := &environment{}
	port, dir := nginx.Listen(t), t.TempDir()
	o := options(dir)
	o.Listen, o.Upstream = []string{port.Addr()}, proxytest.Start(t, http.HandlerFunc(w.app))
	files, err := export.Nginx(export.Project{Name: "my-app", Login: config.Config{Passwords: logins(config.MainApp), PublicPaths: []string{"/open"}}}, o)
	if err != nil {
		t.Fatal(err)
	}
	s := nginx.Start(t, port, strings.Replace(write(t, dir, files), port.Addr()+";", port.Addr()+" http2;", 1))
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	ask := func(path, password string, header http.Header) (int, []proxytest.Request) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = path
		for name, values := range header {
			r.Header[name] = values
		}
		if password != "" {
			r.SetBasicAuth(user, password)
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(path, err)
		}
		_ = answer.Body.Close()
		if answer.ProtoMajor != 2 {
			t.Fatalf("%s: answered by %s", path, answer.Proto)
		}
		return answer.StatusCode, w.behind.Taken()
	}
	for path, want := range map[string]int{"/x": 200, "/x?a=b": 200, "/a//x": 400, "/a/%2e%2e/x": 400, "/x%2fy": 400, "/x;y": 400, "/%c3%a9": 200, "/%ff": 400} {
		if code, got := ask(path, pass, nil); code != want || want == 200 && (len(got) != 1 || got[0].Target != path || got[0].Host != s.Addr) {
			t.Errorf("%s: %d, %+v", path, code, got)
		}
	}
	for path, want := range map[string]int{"/x": 401, "/open": 200, "/OPEN": 401} {
		if code, _ := ask(path, "", nil); code != want {
			t.Errorf("%s without a password: %d", path, code)
		}
	}
	for _, header := range identityHeaders {
		for _, name := range spellings(header) {
			_, got := ask("/x", pass, http.Header{name: {"mallory", "mallory"}})
			if len(got) != 1 || got[0].Header.Get("X-Auth-Name") != user || got[0].Header.Get("Authorization") != "" {
				t.Fatalf("%s: %+v", name, got)
			}
			for key, values := range got[0].Header {
				if strings.Contains(strings.Join(values, ""), "mallory") {
					t.Errorf("%s: the app gets %s: %s", name, key, values)
				}
			}
		}
	}
}
