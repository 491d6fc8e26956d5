package attack

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// confusions are what two servers read differently in the middle of a path.
func confusions() []string {
	return []string{
		"", "/", "//", "///", "/./", "/../", "/../../", "/.../", "/.", "/..", "/%2e/", "/%2e%2e/", "/.%2e/", "/%2E./", "/%252e%252e/", "/%25%32%65/",
		"%2f", "%2F", "%2f%2f", "/%2f", "/..%2f", "/%2e%2e%2f", "/..%252f", "%252f", "%5c", "%5C", "\\", "/..\\", "/..%5c", "/%2e%2e%5c", "%255c", "/\\..\\", "\\..\\",
		";", ";/", "/;/", "/..;/", "/.;/", "/;x=y/../", ";x=y", ";jsessionid=1", "%3b", "/..%3b/", "/%3b/../",
		"%00", "/%00/", "%00/../", "%0a", "%0d%0a", "%09", "%20", "/%20/../", "/..%20/", "/..%00/", "%7f", "%1f",
		"?", "?/../", "%3f", "%3f/../", "#", "/#/../", "%23", "%23/../", "/?x=/../", "?x=%2e%2e/", "?#", "/&/../",
		"%c0%af", "/%c0%ae%c0%ae/", "%e0%80%af", "%f0%80%80%af", "/..%c0%af", "/%c0%2e%c0%2e/", "%c1%9c", "/..%c1%9c", "%ff", "%80", "%ef%bc%8f", "/..%ef%bc%8f",
		"%e2%81%84", "%u002f", "/%u002e%u002e/", "%", "%2", "%zz", "%%32%66", "%2%66", "%+2f", "%-2f", "% 2f", "/*/", "/~/", "/:/", "/@/", "/,/../", "/=/", "/'/",
		"%2e", ".", "..", "/.%00./", "/%2e%00%2e/", "/..%0a/", "/..%09/", "/.\t./", "/ /", "/\x7f/", "/\x80/", "/é/", "／", "/．．/", "%26%26", "/_auth/../", "/_auth/login/../../",
	}
}

// confusingTargets are request targets that try to be one path to the rules and another to the app.
func confusingTargets() []string {
	targets := []string{"", "*", "?", "#", ".", "..", "open/", "./open/", "../secret", "//", "//open/", "///open/", "/\\open/", "\\open/", "\\\\open\\", "http:", "http:/open/",
		"http://open/", "http://127.0.0.1/open/", "HTTP://x/open/", "https://x:1/open/../secret", "ftp://x/open/", "file:///open/", "javascript:/open/", "127.0.0.1:80",
		"x@y:80", ":80/open/", "@/open/", "/open/ /secret", "/open/\t/secret", " /open/", "/open/\x0b/secret", "/open/\x0c", "/ open/", "/open /",
		"/open", "/open/", "/Open/", "/OPEN/x", "/opeN/", "/open%2", "/%6fpen/", "/%6Fpen/x", "/o%70en/..", "/open//", "/open/.", "/open/..", "/open/a/../../secret",
		"/open/a/b/../../../secret", "/open/./././../secret", "/openx/", "/open-/", "/open.", "/open./", "/open%20/", "/open%09/", "/api", "/api/", "/API", "/Api/x", "/aPi/../secret",
		"/%61pi", "/%61%70%69/x", "/api%2fx", "/api;x/", "/api./x", "/api%00/x", "/api%20/x", "/api%09/", "/apı/x", "/ap%c4%b1/x", "/ａpi/x", "/api//x", "//api/x", "/./api/x",
		"/x/../api/x", "/api/..", "/api/../secret", "/api/../open/", "/api/%2e%2e/secret", "/api/..%2fsecret", "/secret/..%2fopen/", "/secret/%2e%2e/open/", "/secret/../open/x",
		"/_auth", "/_auth/", "/_auth/../secret", "/_AUTH/login", "/_auth%2flogin", "/%5fauth/login", "/_auth/./login", "/_auth//login", "/_auth/login/../../secret", "/_auth/style.css/..",
		"/status", "/status/", "/status/../secret", "/STATUS", "/%73tatus", "/status;x", "/logout/../secret", "/callback/../secret", "/callback%2f..%2fsecret", "/healthz", "/metrics", "/readyz"}
	for _, before := range []string{"/open", "/api", "/secret", "/%6fpen"} {
		for _, middle := range confusions() {
			for _, after := range []string{"secret", "open/x", "api/x"} {
				targets = append(targets, before+middle+after)
			}
		}
	}
	slices.Sort(targets)
	return slices.Compact(targets)
}

// readings are all paths that an app could take a target for: decoded once to three times, cut where some cut, with
// backslashes for slashes, parameters dropped, and dot segments resolved.
func readings(target string) []string {
	raw, _, _ := strings.Cut(target, "?")
	var all []string
	for range 3 {
		decoded, err := url.PathUnescape(raw)
		if err != nil {
			break
		}
		all, raw = append(all, decoded), decoded
	}
	for _, path := range slices.Clone(all) {
		for _, stop := range []string{"#", "?", "\x00"} {
			cut, _, _ := strings.Cut(path, stop)
			all = append(all, cut)
		}
		all = append(all, strings.ReplaceAll(path, "\\", "/"))
	}
	for _, path := range slices.Clone(all) {
		var kept []string
		for segment := range strings.SplitSeq(path, "/") {
			segment, _, _ = strings.Cut(segment, ";")
			switch strings.TrimRight(segment, " \t\x00") {
			case "", ".":
			case "..":
				kept = kept[:max(0, len(kept)-1)]
			default:
				kept = append(kept, segment)
			}
		}
		resolved := "/" + strings.Join(kept, "/")
		if strings.HasSuffix(path, "/") && resolved != "/" {
			resolved += "/"
		}
		all = append(all, resolved)
	}
	return all
}

// isOpen and isAPI are the rules of the proxy under attack, in other words.
func isOpen(path string) bool {
	return strings.HasPrefix(path, "/open/") && len(path) > len("/open/")-1
}

func isAPI(path string) bool {
	head, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return strings.HasPrefix(path, "/") && strings.EqualFold(head, "api")
}

// Security class 4: a target is refused, or reaches the app byte for byte and means the same to both.
func TestClass04PathConfusion(t *testing.T) {
	t.Parallel()
	targets := confusingTargets()
	if len(targets) < 300 {
		t.Fatalf("only %d targets", len(targets))
	}
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/", "username_api=bot", "password_api="+pass+" 2"))
	passed := map[string]int{}
	bot := p.browser()
	bot.login("/api/x", "bot", pass+" 2")
	for who, credentials := range map[string][]string{"nobody": nil, user: {p.loggedIn().cookie()}, "bot": {bot.cookie()}} {
		for _, target := range targets {
			r := p.raw(p.head("GET", target, append(credentials, "Connection: close")...) + "\r\n")
			got := a.taken()
			if len(got) == 0 {
				if r.StatusCode < 300 && !strings.HasPrefix(target, "/_auth/login") && target != "/status" && target != "/%73tatus" && target != "/%5fauth/login" {
					t.Errorf("%s, %q: %d, but not by the app", who, target, r.StatusCode)
				}
				continue
			}
			passed[who]++
			wantSameTarget(t, who, target, got)
		}
		if passed[who] == 0 {
			t.Errorf("nothing of %s reached the app: the test shows nothing", who)
		}
	}
	t.Logf("%d targets, of which reached the app: %v", len(targets), passed)
}

// wantSameTarget fails unless the app got one request with that target, and every reading of it is allowed to who.
func wantSameTarget(t *testing.T, who, target string, got []seen) {
	t.Helper()
	if len(got) != 1 || !strings.HasPrefix(got[0].Wire, "GET "+target+" HTTP/1.1\r\n") {
		t.Errorf("%s, %q arrived as %q", who, target, got)
		return
	}
	for _, path := range readings(target) {
		open, api := isOpen(path), isAPI(path)
		if allowed := open || who == "bot" && api || who == user && !api; !allowed {
			t.Errorf("%s got %q past us, which an app may read as %q", who, target, path)
		}
	}
}

// A public path is public as it is written: Express and Tornado route by the target as it was sent, and show another
// page where others decode it first.
func TestClass04PublicAsWritten(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/, /robots.txt, /@a+b/", "username_api=bob", "password_api=canary plum orchard"))
	for target, want := range map[string]int{
		"/open/x": 200, "/open/%78": 200, "/open/?a=%6f": 200, "/robots.txt": 200, "/robots.txt?%72": 200, "/@a+b/%40": 200, "/open/caf%c3%a9": 200,
		"/%6fpen/x": 400, "/%6Fpen/": 400, "/ope%6e/x": 400, "/%6f%70%65%6e/x": 400, "/robots%2etxt": 400, "/robots.tx%74?x": 400, "/%40a+b/x": 400, "/@a%2Bb/": 400,
		"/%4fpen/x": 401, "/robots.tx%54": 401, "/%61pi/x": 401, "/secre%74": 401, "/secret?/open/%6f": 401,
	} {
		answer := p.raw(p.head("GET", target) + "\r\n")
		if got := a.taken(); answer.StatusCode != want || (len(got) > 0) != (want == 200) {
			t.Errorf("%s: %d, want %d; the app got %d requests", target, answer.StatusCode, want, len(got))
		}
	}
}

// The same over HTTP/2, where a path may hold any byte.
func TestClass04PathConfusionHTTP2(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	cert, key := certificate(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"), "--tls-cert", cert, "--tls-key", key)
	f := p.frames()
	for _, target := range confusingTargets() {
		status, _, body, err := f.ask(p.get(target))
		if err != nil && !errors.Is(err, errReset) {
			f = p.frames()
		}
		switch got := a.taken(); {
		case len(got) > 0:
			wantSameTarget(t, "nobody", target, got)
		case err == nil && (status < 300 || status >= 500) && !strings.Contains(target, "auth/login") && !strings.HasSuffix(target, "tatus"):
			t.Errorf("%q: %d %s", target, status, body)
		}
	}
}

// Security class 5: no method is an exception, and none is what a header says it is.
func TestClass05MethodTricks(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"))
	for request, want := range map[string]int{
		"OPTIONS / HTTP/1.1": 401, "options / HTTP/1.1": 401, "Options /x HTTP/1.1\r\nOrigin: http://x\r\nAccess-Control-Request-Method: GET": 401,
		"HEAD / HTTP/1.1": 401, "PROPFIND / HTTP/1.1": 401, "M-SEARCH / HTTP/1.1": 401, "PURGE / HTTP/1.1": 401, "DEBUG / HTTP/1.1": 401,
		"TRACE / HTTP/1.1": 405, "trace / HTTP/1.1": 401, "TRACE /open/ HTTP/1.1": 405, "CONNECT / HTTP/1.1": 400, "CONNECT /open/ HTTP/1.1": 400,
		"CONNECT 127.0.0.1:22 HTTP/1.1": 400, "connect 127.0.0.1:22 HTTP/1.1": 400, "OPTIONS * HTTP/1.1": 400, "GET * HTTP/1.1": 400, "PRI * HTTP/2.0": 400,
		"POST /logout HTTP/1.1": 401, "get /logout HTTP/1.1": 401, "HEAD /status HTTP/1.1": 401, "POST /callback HTTP/1.1": 401, "PUT /exit HTTP/1.1": 401,
		"PUT /_auth/login HTTP/1.1": 405, "get /_auth/login HTTP/1.1": 405, "DELETE /_auth/style.css HTTP/1.1": 405, "OPTIONS /_auth/login HTTP/1.1": 405,
		"GET / HTTP/1.0": 401, "GET /\r\n": 400, "GET / HTTP/0.9": 400, "GET / HTTP/1.1.1": 400, "GET / HTTP/3": 400, "GET / http/1.1": 400, "G\x00T / HTTP/1.1": 400, "(GET) / HTTP/1.1": 400,
		"POST / HTTP/1.1\r\nX-HTTP-Method-Override: OPTIONS\r\nContent-Length: 0": 401, "GET / HTTP/1.1\r\nX-Method-Override: GET": 401,
		"POST / HTTP/1.1\r\nX-HTTP-Method: HEAD\r\nContent-Length: 0": 401, "POST /?_method=OPTIONS HTTP/1.1\r\nContent-Length: 0": 401,
		"POST /_auth/login HTTP/1.1\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0": 415,
	} {
		s := p.dial()
		s.say(request + "\r\nHost: " + p.host + "\r\nConnection: close\r\n\r\n")
		method, _, _ := strings.Cut(request, " ")
		r, err := s.answer(strings.ToUpper(method))
		if err != nil || r.StatusCode != want && (want != 400 || r.StatusCode != 405 && r.StatusCode != 505) {
			t.Errorf("%q: %d, %v, want %d", request, status(r), err, want)
		}
		if got := a.taken(); len(got) > 0 {
			t.Errorf("%q reached the app as %+v", request, got)
		}
		_ = s.Close()
	}
	// What the app is asked is what was asked of us: case and all.
	for _, method := range []string{"get", "Get", "PROPFIND", "X-Y", "OPTIONS", "DELETE", "PATCH"} {
		r := p.raw(p.head(method, "/x", asBasic(user, pass), "X-HTTP-Method-Override: DELETE", "Content-Length: 0") + "\r\n")
		if got := a.taken(); r.StatusCode != http.StatusOK || len(got) != 1 || got[0].Method != method {
			t.Errorf("%s: %d, the app got %+v", method, r.StatusCode, got)
		}
	}
}

func status(r reply) int {
	if r.Response == nil {
		return 0
	}
	return r.StatusCode
}
