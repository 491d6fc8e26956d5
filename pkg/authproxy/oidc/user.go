package oidc

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// User is what a token says about the user who logged in, for access rules. The zero value names no user.
type User struct {
	Issuer        string // as announced; with Subject the only permanent name
	Subject       string
	Email         string // empty where the provider gave none; else one address with one @
	EmailVerified bool   // if false, Email may be anything the user typed
	SessionID     string // of the provider's session, for back-channel logout; may be empty
	Name          string // for the app and the log: the e-mail, or what Options.NameClaim says; may be empty

	claims claims
}

// Strings returns a claim that is a string or a list of strings, such as groups or roles. A claim in an object is named
// by its path, such as realm_access.roles of Keycloak, unless there is a claim of just that name. The result is nil
// where there is no such claim, where it has another type, and where any part of it has a control character.
func (p *User) Strings(claim string) []string {
	object, name := p.claims.inside(claim)
	list, err := object.list(name)
	if err != nil {
		return nil
	}
	for _, s := range list {
		if hasControl(s) {
			return nil
		}
	}
	return list
}

// Values is Strings for a claim that may be a boolean or an integer too, as "true", "false" or the number in decimals.
// Nothing else is converted to text: neither 1.0 nor a number in a list.
func (p *User) Values(claim string) []string {
	object, name := p.claims.inside(claim)
	if literal := object.literal(name); literal != "" {
		return []string{literal}
	}
	return p.Strings(claim)
}

// Has reports whether there is such a claim, named as for Strings, of any type.
func (p *User) Has(claim string) bool {
	object, name := p.claims.inside(claim)
	return object.has(name)
}

// RefersTo reports whether the token has a reference in place of a claim (distributed claims: OpenID Connect Core,
// 5.6.2). Entra ID does that for users with more than 200 groups. References are not followed, since the token would
// decide which host is called (security class 18).
func (p *User) RefersTo(claim string) bool {
	if p.Has(claim) {
		return false
	}
	names := p.claims["_claim_names"]
	if text, err := p.claims.text("_claim_names"); err == nil && text != "" { // some write the object as text
		names = json.RawMessage(text)
	}
	elsewhere, err := parseClaims(names)
	return err == nil && elsewhere.has(claim) || claim == "groups" && p.claims.isTrue("hasgroups")
}

// Login is a login that has succeeded. Printed or logged it shows the subject and nothing else.
type Login struct {
	User     User
	Tokens   Tokens
	ReturnTo string // as given to Begin
}

// Identity is what the app is told. Its name is the e-mail unless Options.NameClaim says otherwise, and empty where there
// is none: an app that takes the name for an e-mail must never get one that the user has chosen.
func (l *Login) Identity() identity.Identity {
	return identity.Identity{Name: l.User.Name, Subject: l.User.Subject,
		AccessToken: l.Tokens.AccessToken, IDToken: l.Tokens.IDToken}
}

// Format keeps tokens and claims out of whatever prints a Login.
func (l Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.User.Subject) }

// LogValue keeps them out of logs.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.User.Subject) }

// user is userOf, with the name that Options.NameClaim asks for.
func (p *Provider) user(c claims, issuer string) (User, error) {
	user, err := userOf(c, issuer)
	if err == nil {
		err = p.addName(&user)
	}
	if err != nil {
		return User{}, err
	}
	return user, nil
}

// addName fills in the name. A confusable one is refused, as an e-mail is.
func (p *Provider) addName(user *User) error {
	if p.options.NameClaim == "" {
		user.Name = user.Email
		return nil
	}
	const longest = 254 // bytes, as of an e-mail
	object, claim := user.claims.inside(p.options.NameClaim)
	name, err := object.text(claim)
	if err != nil || hasControl(name) || len(name) > longest {
		return fmt.Errorf("%w: %s is not a string, too long or has a control character", ErrIdentity, p.options.NameClaim)
	}
	if err := rejectConfusables(name); name != "" && err != nil {
		return fmt.Errorf("%w: %s %w", ErrIdentity, p.options.NameClaim, err)
	}
	user.Name = name
	return nil
}

// userOf reads and checks the claims of a verified token.
func userOf(c claims, issuer string) (User, error) {
	if err := c.checkShown(); err != nil {
		return User{}, err
	}
	sub, err := c.subject()
	if err != nil {
		return User{}, err
	}
	email, err := c.email()
	if err != nil {
		return User{}, err
	}
	sid, _ := c.text("sid") // checkShown has seen that it is text
	return User{Issuer: issuer, Subject: sub, Email: email, EmailVerified: email != "" && c.isTrue("email_verified"),
		SessionID: sid, claims: c}, nil
}
