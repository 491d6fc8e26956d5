package access

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Policy decides which of the accounts that a provider knows may use the app: a config.Access made ready for use.
type Policy struct {
	addresses, domains map[string]bool // in lower case; nil requires nothing
	claims             []claimRule
	tenants            map[string][]string // of Entra ID, by the provider's id; a provider without them accepts any
	nobody             bool                // a list of claims was given, and is empty
	needed             []string            // claims that decide
}

// claimRule requires one of the values in a claim.
type claimRule struct {
	name   string
	values []string
	groups bool   // which are strings only
	reason string // for denying those who have none of them, made once
}

func newClaimRule(name string, values []string, groups bool) claimRule {
	return claimRule{name: name, values: values, groups: groups, reason: "none of the values wanted is in the claim " + name}
}

// NewPolicy makes the policy of a. tenants has the ids of the Entra ID tenants whose accounts are accepted, by the id of
// a provider, for those providers that accept only some.
func NewPolicy(a config.Access, tenants map[string][]string) *Policy {
	p := &Policy{addresses: lowerSet(a.Emails), domains: lowerSet(a.Domains), tenants: tenants, nobody: a.Claims != nil && len(a.Claims) == 0}
	if a.Groups != nil {
		p.claims = append(p.claims, newClaimRule(a.GroupsClaim, a.Groups, true))
	}
	for name, values := range a.Claims {
		p.claims = append(p.claims, newClaimRule(name, values, false))
	}
	if p.addresses != nil || p.domains != nil {
		p.needed = []string{"email", "email_verified"}
	}
	for _, rule := range p.claims {
		p.needed = append(p.needed, rule.name)
	}
	return p
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

// lowerASCII changes only ASCII letters: some others would become equal to one, such as the Kelvin sign to k.
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

// Needed lists the claims that decide.
func (p *Policy) Needed() []string { return p.needed }

// Allows reports whether an account may use the app.
func (p *Policy) Allows(l *session.Login) bool { return p.DenialReason(l) == "" }

// DenialReason is why an account may not use the app, in words for the log; empty where it may.
func (p *Policy) DenialReason(l *session.Login) string {
	if p.nobody {
		return "the list of claims is empty, so nobody may log in"
	}
	if allowed, asked := p.tenants[l.Provider]; asked && !slices.ContainsFunc(l.Claims[claimTenant], func(id string) bool { return slices.Contains(allowed, id) }) {
		return "the tenant " + strings.Join(l.Claims[claimTenant], " ") + " is not among those of " + config.EnvTenants
	}
	if reason := p.emailDenial(l); reason != "" {
		return reason
	}
	for _, rule := range p.claims {
		if !slices.ContainsFunc(l.Claims[rule.name], func(has string) bool { return slices.Contains(rule.values, has) }) {
			return rule.reason
		}
	}
	return ""
}

// MissingClaim is what to do about a claim of the policy that the provider only refers to, for the log; empty where there
// is none.
func (p *Policy) MissingClaim(person *oidc.User) string {
	for _, rule := range p.claims {
		if person.RefersTo(rule.name) {
			return "; the provider only says where to ask for the claim " + rule.name + ", as Entra ID does for members of more than 200 groups:" +
				" let it put the groups assigned to the application into the token, or give out app roles and set " + config.EnvGroupsClaim + "=roles"
		}
	}
	return ""
}

// emailDenial requires an address that the provider has verified, with exactly one @: with several, servers disagree
// about which one counts (security class 11).
func (p *Policy) emailDenial(l *session.Login) string {
	if p.addresses == nil && p.domains == nil {
		return ""
	}
	if l.Email == "" {
		return "the provider sends no e-mail address"
	}
	if !l.EmailVerified {
		return "the provider does not say that the e-mail address is verified"
	}
	email := lowerASCII(l.Email)
	name, domain, _ := strings.Cut(email, "@")
	if name == "" || domain == "" || strings.Contains(domain, "@") {
		return "the e-mail address is malformed"
	}
	switch {
	case p.addresses[email], p.domains[domain] && isASCII(email):
		return ""
	case p.domains[domain]:
		return "the e-mail address is not ASCII, so it has to be listed itself"
	default:
		return "the e-mail address is not allowed"
	}
}

// isASCII is for addresses that are allowed by their domain alone: letters of other alphabets look like ASCII ones, and
// nobody has checked them one by one.
func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// Update takes over what a renewed ID token says. Providers may leave claims out of it, for which what the login said
// stays.
func (p *Policy) Update(l *session.Login, person *oidc.User) {
	said := p.Login(l.Provider, person)
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

// Login is what a session keeps of an account for this policy. provider is the id that sessions have for its provider.
func (p *Policy) Login(provider string, person *oidc.User) *session.Login {
	l := &session.Login{Provider: provider, Email: person.Email, EmailVerified: person.EmailVerified}
	for _, rule := range p.claims {
		if l.Claims == nil {
			l.Claims = map[string][]string{}
		}
		if rule.groups {
			l.Claims[rule.name] = person.Strings(rule.name)
		} else {
			l.Claims[rule.name] = person.Values(rule.name)
		}
	}
	if _, asked := p.tenants[provider]; asked {
		if l.Claims == nil {
			l.Claims = map[string][]string{}
		}
		l.Claims[claimTenant] = person.Strings(claimTenant)
	}
	return l
}

// claimTenant has the id of the Entra ID tenant that an account belongs to.
const claimTenant = "tid"
