package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule says in words how one part of the app is guarded.
type Rule struct {
	Where string // "everything", "/api and below"
	How   string // "password (user ann)", "login at https://t.example.com (only @example.com)", "open to everybody"
	Open  bool
}

func (r Rule) String() string { return r.Where + ": " + r.How }

// Rules lists what is protected, the most specific part first, for people to read. No secret is in it.
func (c Config) Rules() []Rule {
	c = c.WithDefaults()
	const open = "open to everybody"
	var rules []Rule
	for _, path := range c.PublicPaths {
		where := path
		if strings.HasSuffix(path, "/") {
			where += " and below"
		}
		rules = append(rules, Rule{Where: where, How: open, Open: true})
	}
	for _, part := range []struct {
		feature Feature
		path    string
	}{{API, c.APIPath}, {Analytics, c.AnalyticsPath}} {
		if c.HasPassword(part.feature) {
			rules = append(rules, Rule{Where: part.path + " and below", How: c.passwordInWords(part.feature)})
		}
	}
	rest := Rule{Where: "everything else", How: open, Open: true}
	if c.HasPassword(MainApp) {
		rest = Rule{Where: rest.Where, How: c.passwordInWords(MainApp)}
	}
	if len(c.Providers) > 0 {
		rest = Rule{Where: rest.Where, How: c.loginInWords()}
	}
	if len(rules) == 0 {
		rest.Where = "everything"
	}
	return slices.Concat(rules, []Rule{rest})
}

func (c Config) loginInWords() string {
	var issuers []string
	for _, p := range c.Providers {
		if !slices.Contains(issuers, p.Issuer) {
			issuers = append(issuers, p.Issuer)
		}
	}
	how := "login at " + strings.Join(issuers, " or ")
	if who := c.Access.inWords(); who != "" {
		how += " (" + who + ")"
	}
	if c.BearerAudience != "" {
		how += ", or an access token for " + c.BearerAudience
	}
	return how
}

// inWords says who of those that a provider knows may come in; "" where all may.
func (a Access) inWords() string {
	for _, list := range []struct {
		name  string
		empty bool
	}{
		{EnvAllowedEmails, a.Emails != nil && len(a.Emails) == 0 && len(a.Domains) == 0},
		{EnvAllowedDomains, a.Domains != nil && len(a.Domains) == 0 && len(a.Emails) == 0},
		{EnvAllowedGroups, a.Groups != nil && len(a.Groups) == 0},
		{EnvAllowedClaims, a.Claims != nil && len(a.Claims) == 0},
	} {
		if list.empty {
			return "nobody: " + list.name + " is empty"
		}
	}
	var all []string
	people := slices.Clone(a.Emails)
	for _, domain := range a.Domains {
		people = append(people, "@"+domain)
	}
	if len(people) > 0 {
		all = append(all, "only "+someOf(people))
	}
	if len(a.Groups) > 0 {
		all = append(all, "only in the group "+someOf(a.Groups))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Claims)) {
		if len(a.Claims[name]) == 0 {
			return "nobody: " + EnvAllowedClaims + " has no value of " + name
		}
		all = append(all, "only with "+name+"="+someOf(a.Claims[name]))
	}
	return strings.Join(all, " and ")
}

// someOf names the first few of a list that may be long.
func someOf(list []string) string {
	const few = 5
	if len(list) > few {
		return fmt.Sprintf("%s or %d others", strings.Join(list[:few-1], ", "), len(list)-few+1)
	}
	if len(list) == 1 {
		return list[0]
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}
