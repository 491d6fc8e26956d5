package attack

import (
	"net/http"
	"strings"
	"testing"
)

// Security class 15: health, metrics and the like are on a listener of their own, and nothing else is there.
func TestClass15HealthAndMetrics(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password(), "--private-listen", "127.0.0.1:0")
	in := p.loggedIn()
	paths := []string{"/healthz", "/readyz", "/metrics", "/health", "/ready", "/ping", "/status/", "/debug/pprof/", "/debug/vars", "/.well-known/ploomber", "/robots.txt", "/favicon.ico",
		"/_auth/healthz", "/_auth/metrics", "/oauth2/auth", "/server-status", "/actuator/health", "/-/healthy"}
	for _, path := range paths {
		for name, header := range map[string]string{
			"nobody": "X: y", "Google": "User-Agent: GoogleHC/1.0", "Kubernetes": "User-Agent: kube-probe/1.31", "Amazon": "User-Agent: ELB-HealthChecker/2.0", "localhost": "Host: localhost",
			"loopback": "X-Forwarded-For: 127.0.0.1", "Envoy": "X-Envoy-Internal: true", "Prometheus": "User-Agent: Prometheus/3.0", "Fetch": "Sec-Fetch-Mode: no-cors", "purpose": "Purpose: prefetch",
			"preview": "User-Agent: Slackbot-LinkExpanding 1.0", "no Host": "Host: ", "private Host": "Host: " + privateHost(p),
		} {
			r := p.raw(strings.Replace(p.head("GET", path, header, "Connection: close"), "Host: "+p.host+"\r\nHost:", "Host:", 1) + "\r\n")
			if r.StatusCode != http.StatusUnauthorized && (r.StatusCode != http.StatusNotFound || !strings.HasPrefix(path, "/_auth")) {
				t.Errorf("%s for %s: %d", path, name, r.StatusCode)
			}
		}
		if strings.HasPrefix(path, "/_auth") {
			continue
		}
		wantApp(t, path+" belongs to the app", in.get(path))
	}
	a.taken()
	private := &browser{p, p.bare().client}
	base := "http://" + privateHost(p)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 404, "/_auth/login": 404, "/status": 404, "/logout": 404, "/debug/pprof/": 404, "/debug/pprof/heap": 404,
		"/debug/vars": 404, "/x": 404, "/healthz/../x": 404} {
		r := private.get(base+path, asBasic(user, pass), in.cookie())
		if r.StatusCode != want && (path != "/healthz/../x" || r.StatusCode != http.StatusMovedPermanently && r.StatusCode != http.StatusTemporaryRedirect) {
			t.Errorf("private %s: %d, want %d", path, r.StatusCode, want)
		}
		if len(leaks(r.body, p.handedOut())) > 0 || strings.Contains(r.body, user) && path == "/metrics" {
			t.Errorf("private %s says\n%s", path, r.body)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		if r := private.do(method, base+"/healthz", ""); r.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("private %s: %d", method, r.StatusCode)
		}
	}
	if got := a.taken(); len(got) > 0 {
		t.Errorf("the private listener leads to the app: %+v", got)
	}
}

func privateHost(p *proxy) string { return p.logged(`private-listen=([0-9.:]+)`)[1] }

// Security class 19: no address of our own is made from what a client says the host is.
func TestClass19HostHeader(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	withPassword, withProvider := start(t, a.url, password()), startWith(t, a.url, idp, nil)
	for _, p := range []*proxy{withPassword, withProvider} {
		for _, said := range []string{"evil.example", "evil.example:80", p.host + ".evil.example", "evil.example@" + p.host, "[::1]", "EVIL.example"} {
			for _, target := range []string{"/x", "/logout", "/exit", "/_auth/login?next=/x", "/status", "/callback?state=x&code=y", "/_auth/nothing"} {
				request := strings.Replace(p.head("GET", target, asPage, "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", "X-Host: evil.example", "Connection: close"), "Host: "+p.host, "Host: "+said, 1)
				r := p.raw(request + "\r\n")
				for name, values := range r.Header {
					if strings.Contains(strings.ToLower(strings.Join(values, " ")), "evil") {
						t.Errorf("%s of %s: %s: %q", target, said, name, values)
					}
				}
				if strings.Contains(strings.ToLower(r.body), "evil.example") {
					t.Errorf("%s of %s: %s", target, said, r.body)
				}
				if r.StatusCode == http.StatusOK && r.Header.Get("X-App") != "" {
					t.Errorf("%s of %s opens the app", target, said)
				}
			}
		}
	}
	for _, lines := range []string{"Host: a\r\nHost: b", "Host: a b", "Host: a/b", "Host: a\x00", "Host:", "Host: a,b", "X: y"} {
		r := withPassword.raw("GET / HTTP/1.1\r\n" + lines + "\r\nConnection: close\r\n\r\n")
		if r.StatusCode != http.StatusBadRequest && r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: %d", lines, r.StatusCode)
		}
	}
	// The app gets the Host as it came, from those who have logged in: frameworks compare it with Origin.
	cookie := withPassword.loggedIn().cookie()
	withPassword.raw(strings.Replace(withPassword.head("GET", "/", cookie), "Host: "+withPassword.host, "Host: app.example", 1) + "\r\n")
	if got := a.taken(); len(got) != 1 || got[0].Host != "app.example" || got[0].Header.Get("X-Forwarded-Host") != "app.example" {
		t.Errorf("the app got %+v", got)
	}
}
