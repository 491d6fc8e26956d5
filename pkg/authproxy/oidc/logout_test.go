package oidc_test

import (
	"encoding/json"
	"net/http"
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
	const (
		back    = "https://app.example.com/status"
		cognito = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"
		domain  = "https://acme.auth.eu-west-1.amazoncognito.com"
	)
	for name, tc := range map[string]struct {
		issuer   string
		document map[string]any
		set      string // by the operator
		unknown  bool   // not found yet
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

		"Cognito": {issuer: cognito, document: map[string]any{"end_session_endpoint": domain + "/logout", "authorization_endpoint": domain + "/oauth2/authorize"}, hint: "a.b.c", want: domain + "/logout",
			query: url.Values{"client_id": {oidctest.ClientID}, "logout_uri": {back}}},
		"Cognito that announces nothing": {issuer: cognito, document: map[string]any{"end_session_endpoint": nil, "authorization_endpoint": domain + "/oauth2/authorize"}, want: domain + "/logout",
			query: url.Values{"client_id": {oidctest.ClientID}, "logout_uri": {back}}},
		"Cognito, not found yet":             {issuer: cognito, unknown: true},
		"Cognito, not found yet, set":        {issuer: cognito, unknown: true, set: domain + "/logout", want: domain + "/logout", query: url.Values{"client_id": {oidctest.ClientID}, "logout_uri": {back}}},
		"Cognito without a login of its own": {issuer: cognito, document: map[string]any{"end_session_endpoint": nil}},
		"Cognito by its endpoints": {issuer: issuerURL, document: map[string]any{"end_session_endpoint": nil, "authorization_endpoint": issuerURL + "/oauth2/authorize", "userinfo_endpoint": issuerURL + "/oauth2/userInfo"}, want: issuerURL + "/logout",
			query: url.Values{"client_id": {oidctest.ClientID}, "logout_uri": {back}}},
		"another with like endpoints": {issuer: issuerURL, document: map[string]any{"authorization_endpoint": issuerURL + "/oauth2/authorize", "userinfo_endpoint": issuerURL + "/oauth2/userinfo"}, want: issuerURL + "/end",
			query: url.Values{"client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}}},
		"Cognito's look-alike": {issuer: "https://cognito-idp.evil.example", want: "https://cognito-idp.evil.example/end",
			query: url.Values{"client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}}},

		"set": {issuer: issuerURL, set: "https://out.example.com/bye?p=1", hint: "a.b.c", want: "https://out.example.com/bye",
			query: url.Values{"p": {"1"}, "client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}, "id_token_hint": {"a.b.c"}}},
		"set, not found yet": {issuer: issuerURL, unknown: true, set: "https://out.example.com/bye", want: "https://out.example.com/bye",
			query: url.Values{"client_id": {oidctest.ClientID}, "post_logout_redirect_uri": {back}}},
		"set, with marks": {issuer: issuerURL, set: "https://out.example.com/logout?client_id={client_id}&redirect_uri={return_to}&response_type=code&t={id_token}&x=", hint: "a.b.c", want: "https://out.example.com/logout",
			query: url.Values{"client_id": {oidctest.ClientID}, "redirect_uri": {back}, "response_type": {"code"}, "t": {"a.b.c"}, "x": {""}}},
		"set, with marks, no ID token": {issuer: issuerURL, unknown: true, set: "https://out.example.com/logout?to={return_to}&t={id_token}", want: "https://out.example.com/logout",
			query: url.Values{"to": {back}}},
		"set, mark within": {issuer: issuerURL, set: "https://out.example.com/logout?state=a-{client_id}-b", want: "https://out.example.com/logout",
			query: url.Values{"state": {"a-" + oidctest.ClientID + "-b"}}},
		"set at Auth0": {issuer: "https://acme.auth0.com", set: "https://acme.auth0.com/v2/logout?federated&client_id={client_id}&returnTo={return_to}", want: "https://acme.auth0.com/v2/logout",
			query: url.Values{"federated": {""}, "client_id": {oidctest.ClientID}, "returnTo": {back}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, func(o *oidc.Options) { o.Issuer, o.LogoutURL = tc.issuer, tc.set })
			e.fake.Issuer = strings.TrimSuffix(tc.issuer, "/")
			e.fake.Document = tc.document
			at := must(url.Parse(e.fake.Issuer))
			e.net.Set(at.Host, http.StripPrefix(at.Path, e.fake))
			if !tc.unknown {
				wantErr(t, e.Ready(t.Context()), nil)
			}
			address, ok := e.LogoutURL(tc.hint, back)
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

func TestCheckLogoutURL(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"": true, "https://t.example.com/logout": true, "https://t.example.com/logout?a={client_id}&b=x{return_to}&c={id_token}": true,
		"http://127.0.0.1:9000/logout": true, "http://t.example.com/logout": false, "https://t.example.com/#x": false, "/logout": false,
		"https://u:p@t.example.com/": false, "https://t.example.com/?a={secret}": false, "https://t.example.com/{client_id}": false,
		"https://{return_to}/": false, "https://t.example.com/?a={client_id": false, "https://t.example.com/?a=%zz": false,
		"javascript:alert(1)": false, "https://t.example.com/a b\n": false, "logout": false,
	} {
		if err := oidc.CheckLogoutURL(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Classes 9 and 11: which logout tokens end sessions.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func TestClass9LogoutTokens(t *testing.T) {
	t.Parallel()
	event := map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	later := func(d time.Duration) int64 { return newClock().now().Add(d).Unix() }
	for name, tc := range map[string]struct {
		header, claims map[string]any
		want           error
	}{
		"plain":                 {},
		"typed":                 {header: map[string]any{"typ": "logout+jwt"}},
		"subject alone":         {claims: map[string]any{"sid": nil}},
		"session alone":         {claims: map[string]any{"sub": nil}},
		"without expiry":        {claims: map[string]any{"exp": nil}},
		"neither":               {claims: map[string]any{"sub": nil, "sid": nil}, want: oidc.ErrToken},
		"sub a list":            {claims: map[string]any{"sub": []string{"a"}}, want: oidc.ErrToken},
		"nonce":                 {claims: map[string]any{"nonce": "n"}, want: oidc.ErrToken},
		"nonce null":            {claims: map[string]any{"nonce": json.RawMessage("null")}, want: oidc.ErrToken},
		"no events":             {claims: map[string]any{"events": nil}, want: oidc.ErrToken},
		"other events":          {claims: map[string]any{"events": map[string]any{"x": map[string]any{}}}, want: oidc.ErrToken},
		"and more events":       {claims: map[string]any{"events": map[string]any{logoutEvent: map[string]any{}, "revoke_offline_access": true, "a": nil, "b": []int{1}, "c": "x"}}},
		"event with jsonObject": {claims: map[string]any{"events": map[string]any{logoutEvent: map[string]any{"a": 1, "b": nil}}}},
		"event true":            {claims: map[string]any{"events": map[string]any{logoutEvent: true, "revoke_offline_access": map[string]any{}}}, want: oidc.ErrToken},
		"event a list":          {claims: map[string]any{"events": map[string]any{logoutEvent: []any{map[string]any{}}}}, want: oidc.ErrToken},
		"event in other case":   {claims: map[string]any{"events": map[string]any{strings.ToUpper(logoutEvent): map[string]any{}}}, want: oidc.ErrToken},
		"event twice":           {claims: map[string]any{"events": json.RawMessage(`{"` + logoutEvent + `":{},"` + logoutEvent + `":true}`)}, want: oidc.ErrToken},
		"events text":           {claims: map[string]any{"events": logoutEvent}, want: oidc.ErrToken},
		"events a list":         {claims: map[string]any{"events": []string{"http://schemas.openid.net/event/backchannel-logout"}}, want: oidc.ErrToken},
		"event no object":       {claims: map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": "x"}}, want: oidc.ErrToken},
		"event null":            {claims: map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": nil}}, want: oidc.ErrToken},
		"other audience":        {claims: map[string]any{"aud": "client-2"}, want: oidc.ErrToken},
		"other issuer":          {claims: map[string]any{"iss": "https://evil.example.com"}, want: oidc.ErrToken},
		"no id":                 {claims: map[string]any{"jti": nil}, want: oidc.ErrToken},
		"long id":               {claims: map[string]any{"jti": strings.Repeat("j", 257)}, want: oidc.ErrToken},
		"not issued":            {claims: map[string]any{"iat": nil}, want: oidc.ErrToken},
		"issued later":          {claims: map[string]any{"iat": later(time.Hour)}, want: oidc.ErrToken},
		"old, without expiry":   {claims: map[string]any{"iat": later(-time.Hour), "exp": nil}, want: oidc.ErrToken},
		"expired":               {claims: map[string]any{"exp": later(-time.Hour)}, want: oidc.ErrToken},
		"access token's type":   {header: map[string]any{"typ": "at+jwt"}, want: oidc.ErrToken},
		"control in a session":  {claims: map[string]any{"sid": "a\n"}, want: oidc.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			now := e.clock.now().Unix()
			claims := oidctest.Merge(map[string]any{"iss": issuerURL, "aud": oidctest.ClientID, "sub": "auth0|7", "sid": "s1", "jti": "j1",
				"iat": now, "exp": now + 120, "events": event}, tc.claims)
			raw := oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", tc.header, claims)
			got, err := e.VerifyLogoutToken(t.Context(), raw)
			wantErr(t, err, tc.want)
			if err != nil {
				return
			}
			sub, _ := claims["sub"].(string)
			sid, _ := claims["sid"].(string)
			if got != (oidc.LogoutToken{Issuer: issuerURL, Subject: sub, SessionID: sid}) {
				t.Errorf("%+v", got)
			}
			_, err = e.VerifyLogoutToken(t.Context(), raw)
			wantErr(t, err, oidc.ErrReplayed)
		})
	}
	t.Run("ID token", func(t *testing.T) {
		t.Parallel()
		e := newEnv(t, nil)
		login, err := e.login(t)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.VerifyLogoutToken(t.Context(), login.Tokens.IDToken)
		wantErr(t, err, oidc.ErrToken)
	})
	t.Run("foreign key", func(t *testing.T) {
		t.Parallel()
		e := newEnv(t, nil)
		_, err := e.VerifyLogoutToken(t.Context(), oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "k1", nil, map[string]any{"events": event}))
		wantErr(t, err, oidc.ErrToken)
	})
}
