package attack

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

const (
	email        = "ann@example.com" // of the user who logs in at the provider
	clientSecret = "canary-client-secret"
	authSecret   = "canary-n2J8vQ4xL0sT6wZ1cB5yK9dF3hG7mR"
	accessToken  = "canary-access-token"
)

// provider is an OpenID provider of this machine, which misbehaves as a test tells it.
type provider struct {
	*oidctest.Provider
	url string

	mu    sync.Mutex
	asked map[string]int // by path
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{url: "http://" + l.Addr().String(), asked: map[string]int{}}
	p.Provider = oidctest.New(p.url, time.Now)
	p.Secret = clientSecret
	p.Answer = map[string]any{"access_token": accessToken}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.URL.Path]++
		p.mu.Unlock()
		p.ServeHTTP(w, r)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return p
}

// count is how often a path has been asked for.
func (p *provider) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// environ are the variables of an application at this provider; name is "" for the only one.
func (p *provider) environ(name string) []string {
	if name != "" {
		name += "_"
	}
	return []string{"AUTH_" + name + "CLIENT_ID=" + oidctest.ClientID, "AUTH_" + name + "CLIENT_SECRET=" + clientSecret, "AUTH_" + name + "ISSUER_BASE_URL=" + p.url}
}

// startWith runs the proxy behind the login of a provider, which it finds: on a busy machine not at the first try.
func startWith(t *testing.T, upstream string, idp *provider, env []string, flags ...string) *proxy {
	t.Helper()
	p := startAt(t, upstream, append(idp.environ(""), env...), flags...)
	p.finds(idp)
	return p
}

// finds waits until people can log in at the provider.
func (p *proxy) finds(idp *provider) {
	p.t.Helper()
	p.logged("provider found.*" + regexp.QuoteMeta(idp.url))
}

// startAt runs the proxy at an address that the variables may name before it is known to be free.
func startAt(t *testing.T, upstream string, env []string, flags ...string) *proxy {
	t.Helper()
	address := freeport.Address(t)
	return start(t, upstream, append([]string{"AUTH_SECRET=" + authSecret, "AUTH_BASE_URL=http://" + address}, env...), append(flags, "--listen", address)...)
}

// begin opens a page, or the login at a named provider, and returns the address at the provider.
func (b *browser) begin(target string) string {
	b.p.t.Helper()
	r := b.get(target, asPage)
	if r.StatusCode != http.StatusFound {
		b.p.t.Fatalf("%s: %d\n%s", target, r.StatusCode, r.body)
	}
	return r.location()
}

// authorize is what happens at the provider: it returns the query of the callback.
func (b *browser) authorize(idp *provider, address string) url.Values {
	b.p.t.Helper()
	query := idp.Authorize(b.p.t, address)
	b.p.secret(query.Get("code"))
	b.p.secret(query.Get("state"))
	return query
}

// through logs in at the provider.
func (b *browser) through(idp *provider, target string) reply {
	b.p.t.Helper()
	return b.get("/callback?"+b.authorize(idp, b.begin(target)).Encode(), asPage)
}

// loggedInThrough is a browser of someone who has.
func (p *proxy) loggedInThrough(idp *provider) *browser {
	p.t.Helper()
	b := p.browser()
	if r := b.through(idp, "/"); r.StatusCode != http.StatusFound || b.session() == "" {
		p.t.Fatalf("login at the provider: %d to %q\n%s", r.StatusCode, r.location(), r.body)
	}
	return b
}

// refusals counts the lines about logins that were not.
func (p *proxy) refusals() int {
	n := 0
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "login refused") || strings.Contains(line, "login not possible") {
			n++
		}
	}
	return n
}

// wantRefusedLogin fails unless a login was refused as it should be: a page of our own with a clear status, no session, no
// redirect that could become a loop, and one line in the log.
func wantRefusedLogin(t *testing.T, name string, b *browser, r reply, linesBefore int) {
	t.Helper()
	if r.StatusCode < 400 || r.location() != "" || b.session() != "" || r.cookie("ploomber_session") != nil {
		t.Errorf("%s: %d to %q, session %v", name, r.StatusCode, r.location(), b.session() != "")
	}
	if !strings.Contains(r.body, "<h1>") || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || r.Header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s: no page of ours: %v\n%s", name, r.Header, r.body)
	}
	for _, secret := range []string{accessToken, clientSecret, "eyJ", authSecret} {
		if strings.Contains(r.body, secret) {
			t.Errorf("%s: the page shows %q", name, secret)
		}
	}
	for deadline := time.Now().Add(startLimit); b.p.refusals() == linesBefore && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // the log comes through a pipe
	}
	if n := b.p.refusals() - linesBefore; n != 1 {
		t.Errorf("%s: %d lines in the log, want one", name, n)
	}
	if after := b.get("/"); after.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s: afterwards the app answers %d", name, after.StatusCode)
	}
}

// reset makes the provider honest again.
func (p *provider) reset() {
	fresh := oidctest.New(p.url, time.Now)
	p.Lock()
	defer p.Unlock()
	p.Document, p.Claims, p.Userinfo, p.Header, p.Sign = nil, nil, nil, nil, nil
	p.Answer = map[string]any{"access_token": accessToken}
	p.Key, p.KeyID, p.Alg, p.Public = fresh.Key, fresh.KeyID, fresh.Alg, fresh.Public
	p.Handle = map[string]http.HandlerFunc{}
}
