package oidc_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

func TestLogoutURL(t *testing.T) {
	t.Parallel()
	const back = "https://app.example.com/status"
	for name, tc := range map[string]struct {
		issuer   string
		document map[string]any
		unknown  bool // not found yet
		hint     string
		want     string // without what is in query
		query    url.Values
	}{
		"announced": {issuer: issuerURL, hint: "a.b.c", want: issuerURL + "/end",
			query: url.Values{"client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}, "id_token_hint": {"a.b.c"}}},
		"announced with a query": {issuer: issuerURL, document: map[string]any{"end_session_endpoint": issuerURL + "/end?p=1&client_id=x"}, want: issuerURL + "/end",
			query: url.Values{"client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}, "p": {"1"}}},
		"long ID token": {issuer: issuerURL, hint: strings.Repeat("a", 5000), want: issuerURL + "/end",
			query: url.Values{"client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}}},
		"not announced": {issuer: issuerURL, document: map[string]any{"end_session_endpoint": nil}},
		"not found yet": {issuer: issuerURL, unknown: true},
		"Auth0": {issuer: "https://acme.eu.auth0.com/", document: map[string]any{"end_session_endpoint": nil}, want: "https://acme.eu.auth0.com/v2/logout",
			query: url.Values{"client_id": {oidctest.ClientID}, "returnTo": {back}}},
		"Auth0 that announces": {issuer: "https://acme.eu.auth0.com", want: "https://acme.eu.auth0.com/end",
			query: url.Values{"client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}}},
		"Auth0, not found yet": {issuer: "https://acme.auth0.com", unknown: true, want: "https://acme.auth0.com/v2/logout",
			query: url.Values{"client_id": {oidctest.ClientID}, "returnTo": {back}}},
		"Auth0, custom domain": {issuer: issuerURL, document: map[string]any{"end_session_endpoint": nil, "token_endpoint": issuerURL + "/oauth/token"}, want: issuerURL + "/v2/logout",
			query: url.Values{"client_id": {oidctest.ClientID}, "returnTo": {back}}},
		"look-alike": {issuer: "https://evilauth0.com", unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *oidc.Options) { o.Issuer = tc.issuer })
			w.fake.Issuer = strings.TrimSuffix(tc.issuer, "/")
			w.fake.Document = tc.document
			w.net.Set(must(url.Parse(tc.issuer)).Host, w.fake)
			if !tc.unknown {
				wantErr(t, w.Ready(t.Context()), nil)
			}
			address, ok := w.LogoutURL(tc.hint, back)
			if !ok || tc.want == "" {
				if ok || tc.want != "" || address != "" {
					t.Errorf("%q, %v", address, ok)
				}
				return
			}
			place, query, _ := strings.Cut(address, "?")
			if place != tc.want || must(url.ParseQuery(query)).Encode() != tc.query.Encode() {
				t.Errorf("%s\nwant %s?%s", address, tc.want, tc.query.Encode())
			}
		})
	}
}

// Classes 9 and 11: which logout tokens end sessions.
func TestClass9LogoutTokens(t *testing.T) {
	t.Parallel()
	event := map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	later := func(d time.Duration) int64 { return newClock().now().Add(d).Unix() }
	for name, tc := range map[string]struct {
		header, claims map[string]any
		want           error
	}{
		"plain":                {},
		"typed":                {header: map[string]any{"typ": "logout+jwt"}},
		"subject alone":        {claims: map[string]any{"sid": nil}},
		"session alone":        {claims: map[string]any{"sub": nil}},
		"without expiry":       {claims: map[string]any{"exp": nil}},
		"neither":              {claims: map[string]any{"sub": nil, "sid": nil}, want: oidc.ErrToken},
		"sub a list":           {claims: map[string]any{"sub": []string{"a"}}, want: oidc.ErrToken},
		"nonce":                {claims: map[string]any{"nonce": "n"}, want: oidc.ErrToken},
		"nonce null":           {claims: map[string]any{"nonce": json.RawMessage("null")}, want: oidc.ErrToken},
		"no events":            {claims: map[string]any{"events": nil}, want: oidc.ErrToken},
		"other events":         {claims: map[string]any{"events": map[string]any{"x": map[string]any{}}}, want: oidc.ErrToken},
		"events a list":        {claims: map[string]any{"events": []string{"http://schemas.openid.net/event/backchannel-logout"}}, want: oidc.ErrToken},
		"event no object":      {claims: map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": "x"}}, want: oidc.ErrToken},
		"event null":           {claims: map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": nil}}, want: oidc.ErrToken},
		"other audience":       {claims: map[string]any{"aud": "client-2"}, want: oidc.ErrToken},
		"other issuer":         {claims: map[string]any{"iss": "https://evil.example.com"}, want: oidc.ErrToken},
		"no id":                {claims: map[string]any{"jti": nil}, want: oidc.ErrToken},
		"long id":              {claims: map[string]any{"jti": strings.Repeat("j", 257)}, want: oidc.ErrToken},
		"not issued":           {claims: map[string]any{"iat": nil}, want: oidc.ErrToken},
		"issued later":         {claims: map[string]any{"iat": later(time.Hour)}, want: oidc.ErrToken},
		"old, without expiry":  {claims: map[string]any{"iat": later(-time.Hour), "exp": nil}, want: oidc.ErrToken},
		"expired":              {claims: map[string]any{"exp": later(-time.Hour)}, want: oidc.ErrToken},
		"access token's type":  {header: map[string]any{"typ": "at+jwt"}, want: oidc.ErrToken},
		"control in a session": {claims: map[string]any{"sid": "a\n"}, want: oidc.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			now := w.clock.now().Unix()
			claims := oidctest.Merge(map[string]any{"iss": issuerURL, "aud": oidctest.ClientID, "sub": "auth0|7", "sid": "s1", "jti": "j1",
				"iat": now, "exp": now + 120, "events": event}, tc.claims)
			raw := oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", tc.header, claims)
			got, err := w.VerifyLogoutToken(t.Context(), raw)
			wantErr(t, err, tc.want)
			if err != nil {
				return
			}
			sub, _ := claims["sub"].(string)
			sid, _ := claims["sid"].(string)
			if got != (oidc.LogoutToken{Issuer: issuerURL, Subject: sub, SessionID: sid}) {
				t.Errorf("%+v", got)
			}
			_, err = w.VerifyLogoutToken(t.Context(), raw)
			wantErr(t, err, oidc.ErrReplayed)
		})
	}
	t.Run("ID token", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, nil)
		login, err := w.login(t)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.VerifyLogoutToken(t.Context(), login.Tokens.IDToken)
		wantErr(t, err, oidc.ErrToken)
	})
	t.Run("foreign key", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, nil)
		_, err := w.VerifyLogoutToken(t.Context(), oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "k1", nil, map[string]any{"events": event}))
		wantErr(t, err, oidc.ErrToken)
	})
}
