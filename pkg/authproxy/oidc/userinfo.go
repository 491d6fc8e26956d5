package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"slices"
	"strings"
)

// addUserinfo asks the provider for what the ID token does not hold: several keep it short. needed are claims that decide
// whether the person may come in. What nothing depends on need not be had: the e-mail that was asked for, and the name.
func (p *Provider) addUserinfo(ctx context.Context, m *metadata, accessToken string, person *Person, needed []string) error {
	var missing []string
	for _, name := range needed {
		if !person.Has(name) {
			missing = append(missing, name)
		}
	}
	wished := person.Email == "" && slices.Contains(strings.Fields(p.scope), "email") ||
		p.options.NameClaim != "" && !person.Has(p.options.NameClaim)
	if len(missing) == 0 && !wished || m.Userinfo == "" || accessToken == "" {
		return nil
	}
	c, err := p.userinfo(ctx, m, accessToken)
	if err != nil {
		if errors.Is(err, errRedirect) {
			return err // a provider that sends the access token elsewhere is not to be trusted (security class 18)
		}
		p.options.Log.LogAttrs(ctx, slog.LevelWarn, "no user information", slog.String("issuer", m.Issuer), slog.String("error", err.Error()))
		var refused *statusError
		if len(missing) == 0 || errors.As(err, &refused) && refused.code >= 400 && refused.code < 500 {
			return nil // rules do without it, and keep out whom they have to
		}
		return err
	}
	if sub, err := c.text("sub"); err != nil || sub != person.Subject {
		return fmt.Errorf("%w: the user information is about another user", ErrToken)
	}
	told, err := personOf(c, m.Issuer)
	if err != nil {
		return err
	}
	switch {
	case person.Email == "":
		person.Email, person.EmailVerified = told.Email, told.EmailVerified
	case person.Email == told.Email && !person.Has("email_verified"):
		person.EmailVerified = told.EmailVerified
	default: // it is about another address
		delete(told.claims, "email_verified")
	}
	person.complete(&told, missing)
	return p.addName(person)
}

// complete takes over the claims that person does not have. One in an object is taken over where it is missing.
func (person *Person) complete(told *Person, missing []string) {
	for _, name := range missing { // first: a whole name comes before the way into an object
		if object, inner := told.claims.inside(name); object.has(inner) {
			person.claims[name] = object[inner]
		}
	}
	for name, value := range told.claims {
		if !person.claims.has(name) {
			person.claims[name] = value
		}
	}
}

// userinfo returns the user information that an access token is good for (OpenID Connect Core, 5.3): an object, or a
// token with the provider's signature.
func (p *Provider) userinfo(ctx context.Context, m *metadata, accessToken string) (claims, error) {
	kind, body, err := p.call.read(ctx, m.Userinfo, accessToken, "application/json, application/jwt")
	if err != nil {
		return nil, err
	}
	if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/jwt" {
		var c claims
		return c, decode(m.Userinfo, body, &c)
	}
	c, _, err := p.signed(ctx, m, strings.TrimSpace(string(body)), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Userinfo, err)
	}
	// Both may be missing (5.3.2); what is there must be right.
	if c.has("iss") {
		if err := c.checkIssuer(m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Userinfo, err)
		}
	}
	if aud, err := c.list("aud"); err != nil || c.has("aud") && !slices.Contains(aud, p.options.ClientID) {
		return nil, fmt.Errorf("%s: %w: it is for another audience", m.Userinfo, ErrToken)
	}
	return c, nil
}
