// Package oidctest is a provider that misbehaves where a test says so, and a network to reach it. It must not know the
// code under test.
package oidctest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Of every application that a Provider knows, unless a test says otherwise.
const (
	ClientID     = "client-1"
	ClientSecret = "s&cret: of the client"
)

// Grant is what a code stands for.
type Grant struct{ Challenge, Nonce, Redirect string }

// Provider is the provider. Its fields may be changed before it is used, and under Lock afterwards.
type Provider struct {
	Issuer           string
	Now              func() time.Time
	ClientID, Secret string

	sync.Mutex
	Document map[string]any // changes to the discovery document; nil removes
	Claims   map[string]any // changes to the ID token; nil removes
	Answer   map[string]any // changes to the token response; nil removes
	Userinfo map[string]any
	Header   map[string]any // changes to the ID token's header
	Key      crypto.PrivateKey
	KeyID    string
	Alg      jose.SignatureAlgorithm
	Public   []jose.JSONWebKey
	Sign     func(claims map[string]any) string // in place of a signature with Key
	Handle   map[string]http.HandlerFunc        // in place of ours, by path
	OnlyPost bool                               // the secret is taken from the form alone
	Codes    map[string]Grant
	Refresh  map[string]int // refresh token -> times used
	Forms    []url.Values   // that the token endpoint got
}

// New returns a provider that does everything right.
func New(issuer string, now func() time.Time) *Provider {
	return &Provider{Issuer: issuer, Now: now, ClientID: ClientID, Secret: ClientSecret, Key: RSAKey(), KeyID: "k1", Alg: jose.RS256,
		Public: []jose.JSONWebKey{{Key: RSAKey().Public(), KeyID: "k1", Use: "sig", Algorithm: "RS256"}},
		Codes:  map[string]Grant{}, Refresh: map[string]int{}, Handle: map[string]http.HandlerFunc{}}
}

// Merge changes base; nil removes.
func Merge(base, changes map[string]any) map[string]any {
	for name, v := range changes {
		if base[name] = v; v == nil {
			delete(base, name)
		}
	}
	return base
}

func (f *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Lock()
	h := f.Handle[r.URL.Path]
	f.Unlock()
	if h != nil {
		h(w, r)
		return
	}
	f.Lock()
	defer f.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		WriteJSON(w, 200, Merge(map[string]any{
			"issuer": f.Issuer, "authorization_endpoint": f.Issuer + "/authorize", "token_endpoint": f.Issuer + "/token",
			"jwks_uri": f.Issuer + "/keys", "end_session_endpoint": f.Issuer + "/end", "userinfo_endpoint": f.Issuer + "/userinfo",
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "EdDSA", "HS256", "none"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		}, f.Document))
	case "/keys":
		WriteJSON(w, 200, map[string]any{"keys": f.Public})
	case "/userinfo":
		if f.Userinfo == nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		WriteJSON(w, 200, f.Userinfo)
	case "/token":
		f.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *Provider) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, text string) {
		WriteJSON(w, code, map[string]any{"error": text, "error_description": "no\r\nway"})
	}
	_ = r.ParseForm()
	f.Forms = append(f.Forms, r.PostForm)
	id, secret, basic := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != f.ClientID || secret != f.Secret || f.OnlyPost && basic {
		refuse(401, "invalid_client")
		return
	}
	nonce := ""
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		g, ok := f.Codes[r.PostForm.Get("code")]
		delete(f.Codes, r.PostForm.Get("code"))
		sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != g.Challenge || g.Redirect != r.PostForm.Get("redirect_uri") {
			refuse(400, "invalid_grant")
			return
		}
		nonce = g.Nonce
	case "refresh_token":
		token := r.PostForm.Get("refresh_token")
		if f.Refresh[token]++; f.Refresh[token] > 1 || !strings.HasPrefix(token, "refresh-") {
			refuse(400, "invalid_grant")
			return
		}
	}
	now := f.Now().Unix()
	claims := map[string]any{"iss": f.Issuer, "aud": f.ClientID, "sub": "auth0|7", "iat": now, "exp": now + 3600,
		"email": "ann@example.com", "email_verified": true}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	Merge(claims, f.Claims)
	var raw string
	if f.Sign != nil {
		raw = f.Sign(claims)
	} else {
		raw = SignJWT(f.Key, f.Alg, f.KeyID, f.Header, claims)
	}
	WriteJSON(w, 200, Merge(map[string]any{"access_token": "opaque-token", "token_type": "Bearer", "id_token": raw,
		"expires_in": 3600}, f.Answer))
}

// Authorize does what a browser and a person do at the provider: it returns the query of the callback.
func (f *Provider) Authorize(t testing.TB, address string) url.Values {
	t.Helper()
	u := must(url.Parse(address))
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("state")) != 43 || len(q.Get("nonce")) != 43 ||
		q.Get("response_type") != "code" || q.Get("client_id") != f.ClientID {
		t.Errorf("authorization request %s", address)
	}
	code := "code-" + rand.Text()
	f.Lock()
	defer f.Unlock()
	f.Codes[code] = Grant{q.Get("code_challenge"), q.Get("nonce"), q.Get("redirect_uri")}
	return url.Values{"state": {q.Get("state")}, "code": {code}}
}

// LogoutToken is a logout token of this provider, with changes to its claims; nil removes.
func (f *Provider) LogoutToken(changes map[string]any) string {
	now := f.Now().Unix()
	return SignJWT(f.Key, f.Alg, f.KeyID, map[string]any{"typ": "logout+jwt"}, Merge(map[string]any{
		"iss": f.Issuer, "aud": f.ClientID, "iat": now, "exp": now + 120, "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}, changes))
}

// AccessToken is a JWT access token of this provider for an audience, with changes to its claims; nil removes.
func (f *Provider) AccessToken(audience string, changes map[string]any) string {
	now := f.Now().Unix()
	return SignJWT(f.Key, f.Alg, f.KeyID, map[string]any{"typ": "at+jwt"}, Merge(map[string]any{
		"iss": f.Issuer, "aud": audience, "sub": "machine|1", "iat": now, "exp": now + 3600, "scope": "read"}, changes))
}
