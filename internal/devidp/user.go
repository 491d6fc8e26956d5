package devidp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// User is a user who can log in.
type User struct {
	Email  string
	Name   string // display name; if empty it is derived from the e-mail address
	Groups []string
}

// maxEmail is the length in bytes of the longest address: RFC 5321.
const maxEmail = 254

// ParseUser reads EMAIL[,group...]. Spaces around each part are dropped, empty groups too.
func ParseUser(text string) (User, error) {
	email, groups, _ := strings.Cut(text, ",")
	u := User{Email: strings.TrimSpace(email)}
	if err := checkEmail(u.Email); err != nil {
		return User{}, err
	}
	for group := range strings.SplitSeq(groups, ",") {
		switch group = strings.TrimSpace(group); {
		case !utf8.ValidString(group) || strings.ContainsFunc(group, unicode.IsControl):
			return User{}, fmt.Errorf("a group of %s has a control character", u.Email)
		case group != "" && !slices.Contains(u.Groups, group):
			u.Groups = append(u.Groups, group)
		}
	}
	return u, nil
}

// checkEmail accepts what every part of a login treats as one address.
func checkEmail(email string) error {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(` "\<>()[],;:`, r) }
	local, domain, _ := strings.Cut(email, "@")
	switch {
	case len(email) > maxEmail || !utf8.ValidString(email):
		return fmt.Errorf("an e-mail address must not exceed %d bytes of UTF-8", maxEmail)
	case strings.ContainsFunc(email, odd) || strings.Count(email, "@") != 1 || local == "" || domain == "":
		return fmt.Errorf("%q is not an e-mail address such as ada@example.com", email)
	}
	return nil
}

// subject is the user's permanent id: the same at every start, so that data an app stores for a user stays theirs.
func (u User) subject() string {
	sum := sha256.Sum256([]byte(strings.ToLower(u.Email)))
	return "dev|" + hex.EncodeToString(sum[:12])
}

// shown is the user's display name.
func (u User) shown() string {
	if u.Name != "" {
		return u.Name
	}
	local, _, _ := strings.Cut(u.Email, "@")
	words := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '+' })
	for i, w := range words {
		first, size := utf8.DecodeRuneInString(w)
		words[i] = string(unicode.ToUpper(first)) + w[size:]
	}
	return strings.Join(words, " ")
}
