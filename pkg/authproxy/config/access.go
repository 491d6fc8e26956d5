package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// access reads who may come in. A variable that is set to nothing is a list that lets nobody in.
func (r *reader) access() Access {
	a := Access{
		Emails:      r.allowed(EnvAllowedEmails),
		Domains:     r.allowed(EnvAllowedDomains),
		Groups:      r.allowed(EnvAllowedGroups),
		Claims:      r.claims(),
		GroupsClaim: r.text(EnvGroupsClaim),
	}
	if a.GroupsClaim != "" && a.Groups == nil {
		r.wrong.addf(EnvGroupsClaim, "has an effect only together with %s", EnvAllowedGroups)
	}
	return a
}

// allowed returns nil only where the variable is not set.
func (r *reader) allowed(name string) []string {
	if !r.isSet(name) {
		return nil
	}
	return append([]string{}, r.list(name)...)
}

// claims reads name=value pairs. Names are often URLs, which have no '='; values may have one.
func (r *reader) claims() map[string][]string {
	if !r.isSet(EnvAllowedClaims) {
		return nil
	}
	claims := map[string][]string{}
	for _, item := range r.list(EnvAllowedClaims) {
		name, value, _ := strings.Cut(item, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if name == "" || value == "" {
			r.wrong.addf(EnvAllowedClaims, "%q is not a pair such as role=admin", item)
			continue
		}
		claims[name] = append(claims[name], value)
	}
	return claims
}

func (c Config) checkAccess(m *mistakes) {
	a := c.Access
	if len(c.Providers) == 0 {
		for _, set := range []struct {
			name string
			is   bool
		}{
			{EnvAllowedEmails, a.Emails != nil}, {EnvAllowedDomains, a.Domains != nil}, {EnvAllowedGroups, a.Groups != nil},
			{EnvAllowedClaims, a.Claims != nil}, {EnvBearerAudience, c.BearerAudience != ""},
		} {
			if set.is {
				m.addf(set.name, "has an effect only with a provider, see %s and %s", EnvClientID, EnvProviders)
			}
		}
	}
	every := func(name string, values []string, check func(string) error) {
		for _, value := range values {
			if err := check(value); err != nil {
				m.addf(name, "%q %w", value, err)
			}
		}
	}
	every(EnvAllowedEmails, a.Emails, checkEmail)
	every(EnvAllowedDomains, a.Domains, checkDomain)
	every(EnvAllowedGroups, a.Groups, checkWord)
	every(EnvGroupsClaim, []string{a.GroupsClaim}, checkWord)
	for _, name := range slices.Sorted(maps.Keys(a.Claims)) {
		every(EnvAllowedClaims, append([]string{name}, a.Claims[name]...), checkWord)
	}
	if err := checkText(c.BearerAudience); err != nil {
		m.addf(EnvBearerAudience, "%w", err)
	}
}

func checkWord(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	return checkText(s)
}

// checkEmail accepts an address as providers write it: one @, something before it, a host name behind it.
func checkEmail(address string) error {
	name, domain, _ := strings.Cut(address, "@")
	switch {
	case !utf8.ValidString(address):
		return errors.New("is not UTF-8")
	case strings.ContainsFunc(address, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		return errors.New("has a space or a character that cannot be seen")
	case strings.Count(address, "@") != 1:
		return errors.New("is not an e-mail address, which has exactly one @; separate several with commas")
	case name == "" || name == "*":
		return fmt.Errorf("is not an e-mail address; to allow a whole domain set %s=%s", EnvAllowedDomains, domain)
	case len(address) > 254: // RFC 5321, 4.5.3.1.3, without the brackets
		return errors.New("is longer than 254 bytes")
	}
	if err := checkHostName(domain); err != nil {
		return fmt.Errorf("has a domain that %w", err)
	}
	return nil
}

// checkDomain accepts what stands behind the @ of an address.
func checkDomain(domain string) error {
	name, behind, hasAt := strings.Cut(domain, "@")
	below, isPattern := strings.CutPrefix(domain, "*.")
	switch {
	case hasAt && name == "":
		return fmt.Errorf("must be written without the @: %s", behind)
	case hasAt:
		return fmt.Errorf("is not a domain; an e-mail address belongs in %s", EnvAllowedEmails)
	case isPattern:
		return fmt.Errorf("is a pattern: write %s, and every domain below it that may come in, such as mail.%s", below, below)
	case strings.Contains(domain, "*"):
		return errors.New("is a pattern; list the domains themselves")
	}
	return checkHostName(domain)
}

// checkHostName accepts the names of RFC 1123, 2.1, in either case.
func checkHostName(host string) error {
	if len(host) > 253 {
		return errors.New("is longer than 253 characters")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("is not a host name such as example.com")
		}
		for _, r := range label {
			switch {
			case r >= utf8.RuneSelf:
				return errors.New("has a letter that is not ASCII; write an international one in its xn-- form")
			case !inDomain(r):
				return errors.New("is not a host name such as example.com")
			}
		}
	}
	return nil
}

// inDomain tells whether r may stand in a host name (RFC 1123, 2.1) with its dots.
func inDomain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.'
}
