package oidc

import (
	"encoding/json"
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
	Name          string // for the app and the log: the e-mail, or what Options.NameClaim says; may be empty

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

// RefersTo reports whether the provider does not say a claim itself, but where it may be asked for (OpenID Connect Core,
// 5.6.2): Entra ID does that with more than 200 groups. Nobody is asked, since a token would name whom to call (security
// class 18).
func (p *Person) RefersTo(claim string) bool {
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
	Person   Person
	Tokens   Tokens
	ReturnTo string // as given to Begin
}

// Identity is what the app is told. Its name is the e-mail unless Options.NameClaim says otherwise, and empty where there
// is none: an app that takes the name for an e-mail must never get one that somebody has chosen.
func (l *Login) Identity() identity.Identity {
	return identity.Identity{Name: l.Person.Name, Subject: l.Person.Subject,
		AccessToken: l.Tokens.AccessToken, IDToken: l.Tokens.IDToken}
}

// Format keeps tokens and claims out of whatever prints a Login.
func (l Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.Person.Subject) }

// LogValue keeps them out of logs.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.Person.Subject) }

// person is personOf, with the name that people of this provider go by.
func (p *Provider) person(c claims, issuer string) (Person, error) {
	person, err := personOf(c, issuer)
	if err == nil {
		err = p.addName(&person)
	}
	if err != nil {
		return Person{}, err
	}
	return person, nil
}

// addName fills in the name. One that somebody else could be known by is refused like such an e-mail.
func (p *Provider) addName(person *Person) error {
	if p.options.NameClaim == "" {
		person.Name = person.Email
		return nil
	}
	const longest = 254 // bytes, as of an e-mail
	object, claim := person.claims.inside(p.options.NameClaim)
	name, err := object.text(claim)
	if err != nil || hasControl(name) || len(name) > longest {
		return fmt.Errorf("%w: %s is not a string, too long or has a control character", ErrIdentity, p.options.NameClaim)
	}
	if err := checkAlike(name); name != "" && err != nil {
		return fmt.Errorf("%w: %s %w", ErrIdentity, p.options.NameClaim, err)
	}
	person.Name = name
	return nil
}

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
