package authproxy

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// admission decides who of those that a provider knows may come in: an Access made ready for use.
type admission struct {
	addresses, domains map[string]bool // in lower case; nil asks for nothing
	claims             []claimRule
	nobody             bool // a list of claims was given, and is empty
}

// claimRule wants one of the values in a claim.
type claimRule struct {
	name   string
	values []string
	groups bool // which are texts alone
}

func newAdmission(a Access) admission {
	adm := admission{addresses: lowerSet(a.Emails), domains: lowerSet(a.Domains), nobody: a.Claims != nil && len(a.Claims) == 0}
	if a.Groups != nil {
		adm.claims = append(adm.claims, claimRule{name: a.GroupsClaim, values: a.Groups, groups: true})
	}
	for name, values := range a.Claims {
		adm.claims = append(adm.claims, claimRule{name: name, values: values})
	}
	return adm
}

func lowerSet(list []string) map[string]bool {
	if list == nil {
		return nil
	}
	set := map[string]bool{}
	for _, s := range list {
		set[lowerASCII(s)] = true
	}
	return set
}

// lowerASCII changes no letter outside of ASCII, some of which would become another one's like (the Kelvin sign a k).
func lowerASCII(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' }) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// admits reports whether somebody may come in.
func (adm *admission) admits(l *session.Login) bool {
	if adm.nobody || !adm.admitsEmail(l) {
		return false
	}
	for _, rule := range adm.claims {
		if !slices.ContainsFunc(l.Claims[rule.name], func(has string) bool { return slices.Contains(rule.values, has) }) {
			return false
		}
	}
	return true
}

// admitsEmail wants an address that the provider has verified, with exactly one @: of several, who is to say which
// one counts (security class 11)?
func (adm *admission) admitsEmail(l *session.Login) bool {
	if adm.addresses == nil && adm.domains == nil {
		return true
	}
	if !l.EmailVerified {
		return false
	}
	email := lowerASCII(l.Email)
	name, domain, _ := strings.Cut(email, "@")
	if name == "" || domain == "" || strings.Contains(domain, "@") {
		return false
	}
	return adm.addresses[email] || adm.domains[domain] && isASCII(email)
}

// isASCII is asked of an address of which the list has only the domain: letters of other alphabets look like these, and
// nobody has looked at them.
func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// update takes over what a renewed ID token says. Providers leave out of it what they like; of that the login's word
// goes on.
func (adm *admission) update(l *session.Login, pr *provider, person *oidc.Person) {
	said := adm.about(pr, person)
	if person.Email != "" && (person.Email != l.Email || person.Has("email_verified")) {
		l.Email, l.EmailVerified = said.Email, said.EmailVerified
	}
	l.Claims = maps.Clone(l.Claims)
	for name, values := range said.Claims {
		if l.Claims != nil && person.Has(name) {
			l.Claims[name] = values
		}
	}
}

// about is what is kept of a person for these rules.
func (adm *admission) about(pr *provider, person *oidc.Person) *session.Login {
	l := &session.Login{Provider: pr.id, Email: person.Email, EmailVerified: person.EmailVerified}
	for _, rule := range adm.claims {
		if l.Claims == nil {
			l.Claims = map[string][]string{}
		}
		if rule.groups {
			l.Claims[rule.name] = person.Strings(rule.name)
		} else {
			l.Claims[rule.name] = person.Values(rule.name)
		}
	}
	return l
}
