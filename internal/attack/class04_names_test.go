package attack

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// fileNames are targets with names of files, projects and queues in which separators are escaped.
func fileNames() []string {
	return []string{
		"/files/what%3F.txt", "/files/what%3f.txt?download=1", "/files/%23tag", "/projects/group%2Fproject", "/projects/group%2fsub%2Fproject/files/a%2Fb.R", "/api/queues/%2F/q",
		"/api/queues/%2f", "/api/queues/%2F%2F/x", "/%2Fetc", "/files/c%5Cd", "/files/a%3Bb", "/files/a;b.csv", "/x;v=1/y", "/files/100%25.txt", "/files/100%2541", "/files/%252F", "/files/%252e%252e",
		"/files/caf%E9.txt", "/files/%FF%FE", "/files/%c3%a9%2F%23%3F", "/files/a..b%2Fc", "/files/.hidden%2F.x", "/files/...%2F", "/logout%3Fx", "/logout%2Fx", "/_authors%2Fx",
		"/callback%23", "/status%2F", "/a%20b%2Fc", "/files/%2E%2E%2E", "/files/x%2F",
	}
}

// neverNames are targets that no guard lets pass.
func neverNames() []string {
	return []string{
		"/a%2F..%2Fb", "/..%2fsecret", "/a%2F%2e%2e/b", "/a/%2e%2e%2fb", "/a%5C..%5Cb", "/a/..;/b", "/a/..%3b/b", "/a/.%2F", "/%2e%2e", "/a/..%20/b", "/a/..%20;x/b", "//a%2Fb", "/a//b%2Fc",
		"/a%2F\x00b", "/a%00%2Fb", "/a%0a%2Fb", "/a%0d%0A%2Fb", "/a%09%2Fb", "/a%1F", "/a%7f%2F", "/a\t%2Fb", "/a b%2Fc", "/a%2Fb#c", "/a\\b%2Fc", "/a%2", "/a%2Fb%zz", "/a%2Fb\x80", "/files/é%2F", "*", "a%2Fb", "http://x/a%2Fb",
	}
}

// Security class 4: where one password, or one provider, covers everything, no rule can be misled by names of files,
// and they reach the app byte for byte, also after a login. With a second part they stay refused.
func TestClass04FileNames(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	one := start(t, a.url, password())
	session := one.loggedIn().cookie()
	for _, target := range fileNames() {
		r := one.raw(one.head("GET", target) + "\r\n")
		if got := a.taken(); r.StatusCode != http.StatusUnauthorized || len(got) > 0 {
			t.Errorf("%s without a login: %d, the app got %+v", target, r.StatusCode, got)
		}
		r = one.raw(one.head("GET", target, session) + "\r\n")
		if got := a.taken(); r.StatusCode != http.StatusOK || len(got) != 1 || !strings.HasPrefix(got[0].Wire, "GET "+target+" HTTP/1.1\r\n") {
			t.Errorf("%s: %d, the app got %+v", target, r.StatusCode, got)
		}
		if back := one.browser().login(target, user, pass).Header.Get("Location"); back != target {
			t.Errorf("a login for %s leads to %s", target, back)
		}
	}
	for _, target := range neverNames() {
		r := one.raw(one.head("GET", target, session) + "\r\n")
		if got := a.taken(); r.StatusCode != http.StatusBadRequest || len(got) > 0 {
			t.Errorf("%q: %d, the app got %+v", target, r.StatusCode, got)
		}
	}
	// Escapes are no way around what is ours, and none to it without a login.
	for target, want := range map[string]int{"/_auth%2Flogin": 401, "/_auth%2fx": 404, "/_auth/x%2Fy": 404, "/%6cogout%3f": 401, "/_auth%3Fx": 401} {
		if r := one.raw(one.head("POST", target, "Content-Length: 0") + "\r\n"); r.StatusCode != want && r.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d, want %d", target, r.StatusCode, want)
		}
		if got := a.taken(); len(got) > 0 {
			t.Errorf("%s without a login: the app got %+v", target, got)
		}
	}
	for name, second := range map[string]string{"public": "AUTH_PUBLIC_PATHS=/robots.txt", "public below": "AUTH_PUBLIC_PATHS=/open/", "api": "username_api=bot\npassword_api=" + pass + " 2", "analytics": "username_analytics=bot\npassword_analytics=" + pass + " 2"} {
		two := start(t, a.url, password(strings.Split(second, "\n")...))
		session := two.loggedIn().cookie()
		for _, target := range append(fileNames(), neverNames()...) {
			if slices.Contains([]string{"/files/100%25.txt", "/files/%2E%2E%2E"}, target) {
				continue // two servers read the same from them
			}
			r := two.raw(two.head("GET", target, session) + "\r\n")
			if got := a.taken(); r.StatusCode != http.StatusBadRequest || len(got) > 0 {
				t.Errorf("with %s, %q: %d, the app got %+v", name, target, r.StatusCode, got)
			}
		}
	}
}

// The same over HTTP/2.
func TestClass04FileNamesHTTP2(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	cert, key := certificate(t)
	p := start(t, a.url, password(), "--tls-cert", cert, "--tls-key", key)
	session := field{"cookie", p.loggedIn().cookie()[len("Cookie: "):]}
	f := p.frames()
	for _, target := range fileNames() {
		status, _, body, err := f.ask(append(p.get(target), session))
		if got := a.taken(); err != nil || status != http.StatusOK || len(got) != 1 || !strings.HasPrefix(got[0].Wire, "GET "+target+" HTTP/1.1\r\n") {
			t.Errorf("%s: %d %s, %v, the app got %+v", target, status, body, err, got)
		}
	}
}
