package devidp_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	callbackURL = "http://127.0.0.1:8080/callback"
	statusURL   = "http://127.0.0.1:8080/status"
)

// clock is a time that tests move. It starts at the system's, by which clients check tokens.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func users(t *testing.T, texts ...string) []devidp.User {
	t.Helper()
	var all []devidp.User
	for _, text := range texts {
		u, err := devidp.ParseUser(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}

func start(t *testing.T, c *clock) *devidp.Provider {
	t.Helper()
	p, err := devidp.Start(t.Context(), devidp.Options{
		Users: users(t, "ada@example.com,admins,staff", "grace.hopper@example.com"), Now: c.now, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.Register([]string{callbackURL}, []string{statusURL})
	return p
}

// client is the proxy's own, as a deployed app would use it.
func client(t *testing.T, p *devidp.Provider, change func(*oidc.Options)) *oidc.Provider {
	t.Helper()
	o := oidc.Options{
		Issuer: p.Issuer(), ClientID: p.ClientID(), ClientSecret: p.ClientSecret(), RedirectURL: callbackURL,
		Now: time.Now, Random: rand.Reader,
	}
	if change != nil {
		change(&o)
	}
	c, err := oidc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// browser follows redirects within the provider and stops where it leaves.
type browser struct {
	t      *testing.T
	issuer string
	http   *http.Client
}

func newBrowser(t *testing.T, p *devidp.Provider) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t, p.Issuer(), &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), p.Issuer()) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is what came back: left is the address outside of the provider to which it leads.
type page struct {
	status int
	body   string
	left   *url.URL
	header http.Header
}

func (b *browser) do(r *http.Request, err error) page {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	reply, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	got := page{status: reply.StatusCode, body: string(body), header: reply.Header}
	if place := reply.Header.Get("Location"); place != "" {
		if got.left, err = url.Parse(place); err != nil {
			b.t.Fatal(err)
		}
	}
	return got
}

func (b *browser) open(address string) page {
	b.t.Helper()
	return b.do(http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, http.NoBody))
}

func (b *browser) post(address string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.issuer)
	}
	return b.do(r, err)
}

// pick sends the page's form.
func (b *browser) pick(p page, email string) page {
	b.t.Helper()
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(p.body)
	if p.status != http.StatusOK || id == nil {
		b.t.Fatalf("no page to log in: %d %s", p.status, p.body)
	}
	return b.post(b.issuer+"/dev-login/choose", url.Values{"id": {html.UnescapeString(id[1])}, "email": {email}})
}

// logIn goes the whole way and returns what the client makes of it.
func logIn(t *testing.T, c *oidc.Provider, b *browser, email string) *oidc.Login {
	t.Helper()
	address, transaction, err := c.Begin(t.Context(), "/after")
	if err != nil {
		t.Fatal(err)
	}
	done := b.open(address)
	if email != "" { // else the browser is logged in
		done = b.pick(done, email)
	}
	if done.left == nil || !strings.HasPrefix(done.left.String(), callbackURL+"?") {
		t.Fatalf("does not come back: %d %v %s", done.status, done.left, done.body)
	}
	login, err := c.Finish(t.Context(), done.left.Query(), transaction)
	if err != nil {
		t.Fatal(err)
	}
	return login
}

// payload reads a JWT without checking it.
func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
