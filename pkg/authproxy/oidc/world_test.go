package oidc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

const (
	issuerURL   = "https://tenant.example.com"
	clientID    = "client-1"
	testSecret  = "s&cret: of the client"
	callbackURL = "https://app.example.com/callback"
	cookieKey   = "0123456789abcdefghijklmnopqrstuvwxyz"
)

// Keys are made once: it takes long.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	weakRSA  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey    = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_900_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// net answers requests by host, without a network.
type network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler
	asked []string // host and path of every request
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.asked = append(n.asked, r.URL.Host+r.URL.Path)
	h := n.hosts[r.URL.Host]
	n.mu.Unlock()
	if h == nil {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func (n *network) set(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = h
}

func (n *network) count(place string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, a := range n.asked {
		if a == place {
			count++
		}
	}
	return count
}

// grant is what a code stands for.
type grant struct{ challenge, nonce, redirect string }

// fake is a provider that misbehaves where a test says so.
type fake struct {
	issuer string
	clock  *clock

	mu       sync.Mutex
	document map[string]any // changes to the discovery document; nil removes
	claims   map[string]any // changes to the ID token; nil removes
	answer   map[string]any // changes to the token answer; nil removes
	userinfo map[string]any
	header   map[string]any // changes to the ID token's header
	key      crypto.PrivateKey
	kid      string
	alg      jose.SignatureAlgorithm
	public   []jose.JSONWebKey
	sign     func(claims map[string]any) string // in place of a signature with key
	handle   map[string]http.HandlerFunc        // in place of ours, by path
	onlyPost bool                               // the secret is taken from the form alone
	codes    map[string]grant
	refresh  map[string]int // refresh token -> times used
	forms    []url.Values   // that the token endpoint got
}

func newFake(issuer string, c *clock) *fake {
	return &fake{issuer: issuer, clock: c, key: rsaKey(), kid: "k1", alg: jose.RS256,
		public: []jose.JSONWebKey{{Key: rsaKey().Public(), KeyID: "k1", Use: "sig", Algorithm: "RS256"}},
		codes:  map[string]grant{}, refresh: map[string]int{}, handle: map[string]http.HandlerFunc{}}
}

func merge(base, changes map[string]any) map[string]any {
	for name, v := range changes {
		if base[name] = v; v == nil {
			delete(base, name)
		}
	}
	return base
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	h := f.handle[r.URL.Path]
	f.mu.Unlock()
	if h != nil {
		h(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		writeJSON(w, 200, merge(map[string]any{
			"issuer": f.issuer, "authorization_endpoint": f.issuer + "/authorize", "token_endpoint": f.issuer + "/token",
			"jwks_uri": f.issuer + "/keys", "end_session_endpoint": f.issuer + "/end", "userinfo_endpoint": f.issuer + "/userinfo",
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "EdDSA", "HS256", "none"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		}, f.document))
	case "/keys":
		writeJSON(w, 200, map[string]any{"keys": f.public})
	case "/userinfo":
		if f.userinfo == nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		writeJSON(w, 200, f.userinfo)
	case "/token":
		f.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, text string) {
		writeJSON(w, code, map[string]any{"error": text, "error_description": "no\r\nway"})
	}
	_ = r.ParseForm()
	f.forms = append(f.forms, r.PostForm)
	id, secret, basic := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != clientID || secret != testSecret || f.onlyPost && basic {
		refuse(401, "invalid_client")
		return
	}
	nonce := ""
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		g, ok := f.codes[r.PostForm.Get("code")]
		delete(f.codes, r.PostForm.Get("code"))
		sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge || g.redirect != r.PostForm.Get("redirect_uri") {
			refuse(400, "invalid_grant")
			return
		}
		nonce = g.nonce
	case "refresh_token":
		token := r.PostForm.Get("refresh_token")
		if f.refresh[token]++; f.refresh[token] > 1 || !strings.HasPrefix(token, "refresh-") {
			refuse(400, "invalid_grant")
			return
		}
	}
	now := f.clock.now().Unix()
	claims := map[string]any{"iss": f.issuer, "aud": clientID, "sub": "auth0|7", "iat": now, "exp": now + 3600,
		"email": "ann@example.com", "email_verified": true}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	merge(claims, f.claims)
	var raw string
	if f.sign != nil {
		raw = f.sign(claims)
	} else {
		raw = signJWT(f.key, f.alg, f.kid, f.header, claims)
	}
	writeJSON(w, 200, merge(map[string]any{"access_token": "opaque-token", "token_type": "Bearer", "id_token": raw,
		"expires_in": 3600}, f.answer))
}

// authorize does what a browser and a person do at the provider: it returns the query of the callback.
func (f *fake) authorize(t *testing.T, address string) url.Values {
	t.Helper()
	u := must(url.Parse(address))
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("state")) != 43 || len(q.Get("nonce")) != 43 ||
		q.Get("response_type") != "code" || q.Get("client_id") != clientID {
		t.Errorf("authorization request %s", address)
	}
	code := "code-" + rand.Text()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.codes[code] = grant{q.Get("code_challenge"), q.Get("nonce"), q.Get("redirect_uri")}
	return url.Values{"state": {q.Get("state")}, "code": {code}}
}

// signJWT signs claims; header may add to what the signature needs.
func signJWT(key any, alg jose.SignatureAlgorithm, kid string, header map[string]any, claims map[string]any) string {
	o := &jose.SignerOptions{}
	for name, v := range header {
		o.WithHeader(jose.HeaderKey(name), v)
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, o))
	return must(must(signer.Sign(must(json.Marshal(claims)))).CompactSerialize())
}

// part encodes a part of a token by hand.
func part(v any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v))) }

// world is a provider, its counterpart, and what joins them.
type world struct {
	*oidc.Provider
	fake   *fake
	clock  *clock
	net    *network
	log    *bytes.Buffer
	logger *slog.Logger
	sealer *oidc.Sealer
}

func newWorld(t *testing.T, change func(*oidc.Options)) *world {
	t.Helper()
	w := &world{clock: newClock(), net: &network{hosts: map[string]http.Handler{}}, log: &bytes.Buffer{}}
	w.logger = slog.New(slog.NewTextHandler(&locked{w: w.log}, nil))
	w.fake = newFake(issuerURL, w.clock)
	w.net.set("tenant.example.com", w.fake)
	w.Provider = w.provider(t, change)
	w.sealer = must(oidc.NewSealer([]string{cookieKey}, w.clock.now))
	return w
}

// provider makes another Provider on the same network.
func (w *world) provider(t *testing.T, change func(*oidc.Options)) *oidc.Provider {
	t.Helper()
	o := oidc.Options{Issuer: issuerURL, ClientID: clientID, ClientSecret: testSecret, RedirectURL: callbackURL,
		Now: w.clock.now, Random: rand.Reader, Transport: w.net,
		Log: w.logger}
	if change != nil {
		change(&o)
	}
	p, err := oidc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// begin starts a login and lets the transaction go through a cookie.
func (w *world) begin(t *testing.T, p *oidc.Provider) (string, oidc.Transaction) {
	t.Helper()
	address, tx, err := p.Begin(t.Context(), "/deep?x=1")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := w.sealer.Open(w.sealer.Seal(tx))
	if err != nil {
		t.Fatal(err)
	}
	return address, opened
}

// login does a whole login.
func (w *world) login(t *testing.T) (*oidc.Login, error) {
	t.Helper()
	address, tx := w.begin(t, w.Provider)
	return w.Finish(t.Context(), w.fake.authorize(t, address), tx)
}

// wantErr compares an error with a sentinel, nil among them.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	for _, secret := range []string{testSecret, "opaque-token", "code-", "refresh-1"} {
		if err != nil && strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("error shows %q: %v", secret, err)
		}
	}
}

func asRefusal(t *testing.T, err error) *oidc.Refusal {
	t.Helper()
	var refusal *oidc.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%v is no refusal", err)
	}
	return refusal
}
