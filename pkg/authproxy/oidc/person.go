package oidc

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// Person is what a token says about who logged in, for access rules. The zero value is nobody.
type Person struct {
	Issuer        string // as announced; with Subject the only lasting name
	Subject       string
	Email         string // empty where the provider gave none; else one address with one @
	EmailVerified bool   // without it, Email is what somebody typed
	SessionID     string // of the provider's session, for back-channel logout; may be empty

	claims claims
}

// Strings returns a claim that is a string or a list of strings, such as groups or roles. One inside of an object is
// named by the way to it, as realm_access.roles of Keycloak, unless there is a claim of just that name. It is nil
// where there is no such claim, where it is of another kind, and where any part of it has a control character.
func (p *Person) Strings(claim string) []string {
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
// Nothing else is turned into text: neither 1.0 nor a number in a list.
func (p *Person) Values(claim string) []string {
	object, name := p.claims.inside(claim)
	if literal := object.literal(name); literal != "" {
		return []string{literal}
	}
	return p.Strings(claim)
}

// Has reports whether there is such a claim, named as for Strings, of whatever kind.
func (p *Person) Has(claim string) bool {
	object, name := p.claims.inside(claim)
	return object.has(name)
}

// Login is a login that has succeeded. Printed or logged it shows the subject and nothing else.
type Login struct {
	Person   Person
	Tokens   Tokens
	ReturnTo string // as given to Begin
}

// Identity is what the app is told. Its name is the e-mail, and empty where there is none: an app that takes the
// name for an e-mail must never get one that somebody has chosen.
func (l *Login) Identity() identity.Identity {
	return identity.Identity{Name: l.Person.Email, Subject: l.Person.Subject,
		AccessToken: l.Tokens.AccessToken, IDToken: l.Tokens.IDToken}
}

// Format keeps tokens and claims out of whatever prints a Login.
func (l Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.Person.Subject) }

// LogValue keeps them out of logs.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.Person.Subject) }

// personOf reads and checks what a genuine token says.
func personOf(c claims, issuer string) (Person, error) {
	if err := c.checkShown(); err != nil {
		return Person{}, err
	}
	sub, err := c.subject()
	if err != nil {
		return Person{}, err
	}
	email, err := c.email()
	if err != nil {
		return Person{}, err
	}
	sid, _ := c.text("sid") // checkShown has seen that it is text
	return Person{Issuer: issuer, Subject: sub, Email: email, EmailVerified: email != "" && c.isTrue("email_verified"),
		SessionID: sid, claims: c}, nil
}
