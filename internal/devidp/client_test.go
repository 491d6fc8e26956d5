package devidp_test

import (
	"slices"
	"testing"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A client that is not ours believes what the provider says too: go-oidc with golang.org/x/oauth2.
func TestLoginOfAnotherClient(t *testing.T) {
	t.Parallel()
	for name, audience := range map[string]string{"opaque access token": "", "access token for an API": "https://api.example.com"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, &clock{})
			b := newBrowser(t, p)
			ctx := coreos.ClientContext(t.Context(), b.http)
			announced, err := coreos.NewProvider(ctx, p.Issuer())
			if err != nil {
				t.Fatal(err)
			}
			c := oauth2.Config{
				ClientID: p.ClientID(), ClientSecret: p.ClientSecret(), Endpoint: announced.Endpoint(), RedirectURL: callbackURL,
				Scopes: []string{coreos.ScopeOpenID, "profile", "email", coreos.ScopeOfflineAccess},
			}
			verifier := oauth2.GenerateVerifier()
			address := c.AuthCodeURL("the state", coreos.Nonce("the nonce"), oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("audience", audience))
			back := b.pick(b.open(address), "ada@example.com").left
			if back == nil || back.Query().Get("state") != "the state" {
				t.Fatalf("came back with %v", back)
			}
			token, err := c.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := token.Extra("id_token").(string)
			id, err := announced.Verifier(&coreos.Config{ClientID: p.ClientID()}).Verify(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := id.VerifyAccessToken(token.AccessToken); err != nil {
				t.Error(err)
			}
			var says struct {
				Name, Email string
				Groups      []string
			}
			if err := id.Claims(&says); err != nil {
				t.Fatal(err)
			}
			if id.Nonce != "the nonce" || says.Name != "Ada" || says.Email != "ada@example.com" || !slices.Equal(says.Groups, []string{"admins", "staff"}) {
				t.Errorf("nonce %q, claims %+v", id.Nonce, says)
			}
			about, err := announced.UserInfo(ctx, oauth2.StaticTokenSource(token))
			if err != nil || about.Subject != id.Subject || about.Email != says.Email || !about.EmailVerified {
				t.Errorf("userinfo %+v, %v; want that of %s", about, err, id.Subject)
			}
			expired := &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Unix(1, 0)}
			if renewed, err := c.TokenSource(ctx, expired).Token(); err != nil || renewed.AccessToken == token.AccessToken {
				t.Errorf("refresh: %v", err)
			}
		})
	}
}
