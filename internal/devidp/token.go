package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
)

// tokens are the answer to a code or a refresh token.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token"`
	Scope        string `json:"scope"`
}

// token exchanges a code or a refresh token for tokens.
func (e *endpoints) token(w http.ResponseWriter, r *http.Request) {
	issued, err := e.exchange(r)
	var refused *refusal
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, issued)
	case errors.As(err, &refused):
		e.log.Warn("dev login: token request refused", "reason", refused.code, "detail", refused.description)
		status := http.StatusBadRequest
		if refused.code == "invalid_client" {
			status = http.StatusUnauthorized
			w.Header().Set("WWW-Authenticate", "Basic")
		}
		writeJSON(w, status, map[string]string{"error": refused.code, "error_description": refused.description})
	default:
		e.failed(w, err)
	}
}

func (e *endpoints) exchange(r *http.Request) (*tokens, error) {
	kind := r.PostFormValue("grant_type")
	switch {
	case kind != grantCode && kind != grantRefresh:
		return nil, &refusal{"unsupported_grant_type", "grant_type is neither " + grantCode + " nor " + grantRefresh}
	case !e.isClient(r):
		return nil, &refusal{"invalid_client", "the client id or secret is wrong"}
	case kind == grantRefresh:
		return e.refresh(r.PostFormValue("refresh_token"))
	}
	return e.redeem(r.PostFormValue("code"), r.PostFormValue("redirect_uri"), r.PostFormValue("code_verifier"))
}

// isClient reports whether the request comes from the application: RFC 6749, section 2.3.1.
func (e *endpoints) isClient(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if basic {
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		if errID != nil || errSecret != nil {
			return false
		}
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	return id == clientID && subtle.ConstantTimeCompare([]byte(secret), []byte(e.secret)) == 1
}

// redeem exchanges a code. It is gone whatever comes of it, so that nobody tries one verifier after the other.
func (e *endpoints) redeem(name, redirectURI, verifier string) (*tokens, error) {
	if verifier == "" {
		return nil, &refusal{"invalid_request", "the code_verifier is missing"}
	}
	c, ok := take(e.store, e.store.codes, name)
	sum := sha256.Sum256([]byte(verifier))
	if !ok || !e.store.isLive(c.session) || c.redirectURI != redirectURI || c.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return nil, &refusal{"invalid_grant", "the code is unknown, used or expired, or the code_verifier or redirect_uri is not that of its request"}
	}
	return e.issue(&c.grant, c.nonce)
}

// refresh exchanges a refresh token: each is good once.
func (e *endpoints) refresh(token string) (*tokens, error) {
	if token == "" {
		return nil, &refusal{"invalid_request", "the refresh_token is missing"}
	}
	g, ok := take(e.store, e.store.refresh, token)
	if !ok || !e.store.isLive(g.session) {
		return nil, &refusal{"invalid_grant", "the refresh_token is unknown, used or expired"}
	}
	return e.issue(&g, "")
}

// issue makes the tokens of a grant. As with Auth0 the access token is a JWT only where it has an audience.
func (e *endpoints) issue(g *grant, nonce string) (*tokens, error) {
	t := &tokens{TokenType: "Bearer", ExpiresIn: int(tokenLife.Seconds()), Scope: strings.Join(g.scopes, " ")}
	var err error
	if g.audience == "" {
		t.AccessToken, err = newToken(e.store.random)
	} else {
		t.AccessToken, err = e.accessToken(g)
	}
	if err != nil {
		return nil, err
	}
	if t.IDToken, err = e.idToken(g, nonce, t.AccessToken); err != nil {
		return nil, err
	}
	e.store.access.Put(t.AccessToken, *g, e.now(), tokenLife)
	if slices.Contains(g.scopes, scopeOffline) {
		t.RefreshToken, err = putNew(e.store, e.store.refresh, *g, sessionLife)
	}
	return t, err
}

// userinfo tells about the user of an access token.
func (e *endpoints) userinfo(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g, ok := e.store.access.Get(token, e.now())
	if !ok || !e.store.isLive(g.session) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	about := g.about()
	about["sub"] = g.session.user.subject()
	writeJSON(w, http.StatusOK, about)
}
