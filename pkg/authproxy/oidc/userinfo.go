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

// addUserinfo asks the userinfo endpoint for claims that the ID token lacks: several providers keep it short. needed are
// claims that decide about access. Others, the e-mail that was asked for and the name, are optional.
func (p *Provider) addUserinfo(ctx context.Context, m *metadata, accessToken string, user *User, needed []string) error {
	var missing []string
	for _, name := range needed {
		if !user.Has(name) {
			missing = append(missing, name)
		}
	}
	wished := user.Email == "" && slices.Contains(strings.Fields(p.scope), "email") ||
		p.options.NameClaim != "" && !user.Has(p.options.NameClaim)
	if len(missing) == 0 && !wished || m.Userinfo == "" || accessToken == "" {
		return nil
	}
	c, err := p.userinfo(ctx, m, accessToken)
	if err != nil {
		if errors.Is(err, errRedirect) {
			return err // a redirect must not take the access token elsewhere (security class 18)
		}
		p.options.Log.LogAttrs(ctx, slog.LevelWarn, "no user information", slog.String("issuer", m.Issuer), slog.String("error", err.Error()))
		var refused *statusError
		if len(missing) == 0 || errors.As(err, &refused) && refused.code >= 400 && refused.code < 500 {
			return nil // the access rules decide without it
		}
		return err
	}
	if sub, err := c.text("sub"); err != nil || sub != user.Subject {
		return fmt.Errorf("%w: the user information is about another user", ErrToken)
	}
	told, err := userOf(c, m.Issuer)
	if err != nil {
		return err
	}
	switch {
	case user.Email == "":
		user.Email, user.EmailVerified = told.Email, told.EmailVerified
	case user.Email == told.Email && !user.Has("email_verified"):
		user.EmailVerified = told.EmailVerified
	default: // it is about another address
		delete(told.claims, "email_verified")
	}
	user.complete(&told, missing)
	return p.addName(user)
}

// complete copies the claims that u does not have from told, and missing ones that are in an object.
func (u *User) complete(told *User, missing []string) {
	for _, name := range missing { // first, since a whole name precedes the path into an object
		if object, inner := told.claims.inside(name); object.has(inner) {
			u.claims[name] = object[inner]
		}
	}
	for name, value := range told.claims {
		if !u.claims.has(name) {
			u.claims[name] = value
		}
	}
}

// userinfo returns the claims of the userinfo endpoint (OpenID Connect Core, 5.3): an object, or a token with the
// provider's signature.
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
	// iss and aud are optional (5.3.2), and checked where they are present.
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
