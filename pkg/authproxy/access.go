package authproxy

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// admission decides who of those that a provider knows may come in: an Access made ready for use.
type admission struct {
	addresses, domains map[string]bool // in lower case; nil asks for nothing
	claims             []claimRule
	tenants            map[string][]string // of Entra ID, by the provider's id; one without them asks for none
	nobody             bool                // a list of claims was given, and is empty
	needed             []string            // claims that decide
}

// claimRule wants one of the values in a claim.
type claimRule struct {
	name      string
	values    []string
	groups    bool   // which are texts alone
	objection string // to whoever has none of them, made once
}

func newClaimRule(name string, values []string, groups bool) claimRule {
	return claimRule{name: name, values: values, groups: groups, objection: "none of the values wanted is in the claim " + name}
}

func newAdmission(a config.Access) admission {
	adm := admission{addresses: lowerSet(a.Emails), domains: lowerSet(a.Domains), nobody: a.Claims != nil && len(a.Claims) == 0}
	if a.Groups != nil {
		adm.claims = append(adm.claims, newClaimRule(a.GroupsClaim, a.Groups, true))
	}
	for name, values := range a.Claims {
		adm.claims = append(adm.claims, newClaimRule(name, values, false))
	}
	if adm.addresses != nil || adm.domains != nil {
		adm.needed = []string{"email", "email_verified"}
	}
	for _, rule := range adm.claims {
		adm.needed = append(adm.needed, rule.name)
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
func (adm *admission) admits(l *session.Login) bool { return adm.objection(l) == "" }

// objection is what keeps somebody out, in words for the log; empty for who may come in.
func (adm *admission) objection(l *session.Login) string {
	if adm.nobody {
		return "the list of claims is empty, so nobody may come in"
	}
	if allowed, asked := adm.tenants[l.Provider]; asked && !slices.ContainsFunc(l.Claims[claimTenant], func(id string) bool { return slices.Contains(allowed, id) }) {
		return "the tenant " + strings.Join(l.Claims[claimTenant], " ") + " is not among those of " + config.EnvTenants
	}
	if no := adm.objectionToEmail(l); no != "" {
		return no
	}
	for _, rule := range adm.claims {
		if !slices.ContainsFunc(l.Claims[rule.name], func(has string) bool { return slices.Contains(rule.values, has) }) {
			return rule.objection
		}
	}
	return ""
}

// missing is what to do about a claim of the rules that the provider only refers to, for the log; empty where there is
// none.
func (adm *admission) missing(person *oidc.Person) string {
	for _, rule := range adm.claims {
		if person.RefersTo(rule.name) {
			return "; the provider says only where the claim " + rule.name + " could be asked for, as Entra ID does for members of more than 200 groups:" +
				" let it put the groups assigned to the application into the token, or give out app roles and set " + config.EnvGroupsClaim + "=roles"
		}
	}
	return ""
}

// objectionToEmail wants an address that the provider has verified, with exactly one @: of several, who is to say which
// one counts (security class 11)?
func (adm *admission) objectionToEmail(l *session.Login) string {
	if adm.addresses == nil && adm.domains == nil {
		return ""
	}
	if l.Email == "" {
		return "the provider says no e-mail"
	}
	if !l.EmailVerified {
		return "the provider does not say that the e-mail is verified"
	}
	email := lowerASCII(l.Email)
	name, domain, _ := strings.Cut(email, "@")
	if name == "" || domain == "" || strings.Contains(domain, "@") {
		return "the e-mail is no address"
	}
	switch {
	case adm.addresses[email], adm.domains[domain] && isASCII(email):
		return ""
	case adm.domains[domain]:
		return "the e-mail is not ASCII, so it has to be listed itself"
	default:
		return "the e-mail is not among those that may come in"
	}
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
	if _, asked := adm.tenants[pr.id]; asked {
		if l.Claims == nil {
			l.Claims = map[string][]string{}
		}
		l.Claims[claimTenant] = person.Strings(claimTenant)
	}
	return l
}

// claimTenant is the tenant of Entra ID that an account is of.
const claimTenant = "tid"

// askForTenants adds the rules of providers that some tenants may log in at.
func (adm *admission) askForTenants(providers []*provider) {
	for _, pr := range providers {
		if list := pr.made.Tenants; list != "" && list != oidc.AnyTenant {
			if adm.tenants == nil {
				adm.tenants = map[string][]string{}
			}
			adm.tenants[pr.id] = strings.Split(list, ",")
		}
	}
}
