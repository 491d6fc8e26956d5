package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// claims are the payload of a token, or of an object in it.
type claims jsonObject

// UnmarshalJSON is like that of jsonObject.
func (c *claims) UnmarshalJSON(text []byte) error { return (*jsonObject)(c).UnmarshalJSON(text) }

func parseClaims(payload []byte) (claims, error) {
	var c claims
	switch err := json.Unmarshal(payload, &c); {
	case errors.Is(err, errDuplicate):
		return nil, fmt.Errorf("%w: duplicate claim", ErrToken)
	case err != nil || c == nil:
		return nil, fmt.Errorf("%w: its content is not a JSON object", ErrToken)
	}
	return c, nil
}

func (c claims) has(name string) bool {
	raw, ok := c[name]
	return ok && !bytes.Equal(raw, []byte("null"))
}

// text returns a claim that must be one string, "" where there is none.
func (c claims) text(name string) (string, error) {
	if !c.has(name) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(c[name], &s); err != nil {
		return "", fmt.Errorf("%w: %s is not a string", ErrToken, name)
	}
	return s, nil
}

// list returns a claim that may be a string or a list of strings.
func (c claims) list(name string) ([]string, error) {
	if !c.has(name) {
		return nil, nil
	}
	if s, err := c.text(name); err == nil {
		return []string{s}, nil
	}
	var list []*string
	if err := json.Unmarshal(c[name], &list); err != nil {
		return nil, fmt.Errorf("%w: %s is not a list of strings", ErrToken, name)
	}
	all := make([]string, 0, len(list))
	for _, s := range list {
		if s == nil {
			return nil, fmt.Errorf("%w: %s is not a list of strings", ErrToken, name)
		}
		all = append(all, *s)
	}
	return all, nil
}

// inside finds a claim that may be nested: "a.b" is b in the object a. It returns the innermost object and the name in
// it. A claim with the whole name takes precedence, since namespaced claims such as https://example.com/roles have dots
// too.
func (c claims) inside(name string) (claims, string) {
	outer, rest, nested := strings.Cut(name, ".")
	if c.has(name) || !nested {
		return c, name
	}
	object, err := parseClaims(c[outer])
	if err != nil {
		return nil, name
	}
	return object.inside(rest)
}

// literal returns a claim that is a boolean or an integer as JSON has it, "" for every other.
func (c claims) literal(name string) string {
	raw := string(c[name])
	digits := strings.TrimPrefix(raw, "-")
	switch {
	case raw == "true" || raw == "false" || raw == "0":
		return raw
	case digits == "" || digits[0] == '0' || strings.Trim(digits, "0123456789") != "": // 1.0 and 1e0 are not 1
		return ""
	default:
		return raw
	}
}

// time returns a claim in seconds since the Unix epoch.
func (c claims) time(name string) (time.Time, bool, error) {
	if !c.has(name) {
		return time.Time{}, false, nil
	}
	const latest = 253402300799 // the end of the year 9999
	var seconds float64
	if err := json.Unmarshal(c[name], &seconds); err != nil || seconds < 0 || seconds > latest {
		return time.Time{}, true, fmt.Errorf("%w: %s is not a time", ErrToken, name)
	}
	return time.Unix(int64(seconds), 0), true, nil
}

// isTrue accepts the string "true" too, which some providers send.
func (c claims) isTrue(name string) bool {
	raw := string(c[name])
	return raw == "true" || raw == `"true"`
}

// subject returns sub, which every token about a user has.
func (c claims) subject() (string, error) {
	const maxSubject = 255 // OpenID Connect Core, 2
	sub, err := c.text("sub")
	if err != nil || sub == "" || len(sub) > maxSubject || hasControl(sub) {
		return "", fmt.Errorf("%w: sub is missing, too long or has a control character", ErrIdentity)
	}
	if err := rejectConfusables(sub); err != nil {
		return "", fmt.Errorf("%w: sub %w", ErrIdentity, err)
	}
	if len(sub) >= len(identity.PasswordSubject) && strings.EqualFold(sub[:len(identity.PasswordSubject)], identity.PasswordSubject) {
		return "", fmt.Errorf("%w: sub begins with %s, which is reserved for users with a password", ErrIdentity, identity.PasswordSubject)
	}
	return sub, nil
}

// email returns the e-mail, "" where there is none.
func (c claims) email() (string, error) {
	email, err := c.text("email")
	if err != nil {
		return "", fmt.Errorf("%w: email is not one string", ErrIdentity)
	}
	if email == "" {
		return "", nil
	}
	if err := checkEmail(email); err != nil {
		return "", fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return email, nil
}

// checkEmail accepts addresses that all readers understand alike: a@evil.example@corp.example passes a careless check of
// the domain, quotes, which are allowed before the @, end a string in an app (security class 11), and U+3002 is a dot in
// a host name (RFC 3490, 3.1).
func checkEmail(email string) error {
	const maxEmail = 254 // RFC 5321
	odd := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(" \"\\<>()[],;:\u3002", r) }
	local, domain, _ := strings.Cut(email, "@")
	switch {
	case len(email) > maxEmail || !utf8.ValidString(email) || strings.ContainsFunc(email, odd):
		return errors.New("email is too long or has a character that is not accepted in an address")
	case strings.Count(email, "@") != 1 || local == "" || domain == "":
		return errors.New("email must have decodeExact one @, with something on both sides")
	}
	if err := rejectConfusables(email); err != nil {
		return fmt.Errorf("email %w", err)
	}
	return nil
}

// checkShown refuses control characters in the claims that apps and users get to see (security class 22).
func (c claims) checkShown() error {
	for _, name := range []string{"sub", "email", "name", "given_name", "family_name", "middle_name", "nickname",
		"preferred_username", "sid"} {
		if s, err := c.text(name); err != nil || hasControl(s) {
			return fmt.Errorf("%w: %s is not a string, or has a control character", ErrIdentity, name)
		}
	}
	return nil
}

func hasControl(s string) bool { return !utf8.ValidString(s) || !identity.Clean(s) }
