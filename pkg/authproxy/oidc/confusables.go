package oidc

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// rejectConfusables refuses a name that another name equals once it is trimmed, compared without case or normalised, as
// some apps do: they would take two users for one (security class 11). Letters of all alphabets are allowed.
func rejectConfusables(s string) error {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	if unicode.IsSpace(first) || unicode.IsSpace(last) {
		return errors.New("begins or ends with white space")
	}
	for _, r := range s {
		switch {
		case r == utf8.RuneError: // which every unpaired surrogate becomes
			return errors.New("has an invalid character")
		case !unicode.IsPrint(r):
			return fmt.Errorf("has the invisible character %U", r)
		case r >= utf8.RuneSelf && (unicode.ToLower(r) < utf8.RuneSelf || unicode.ToUpper(r) < utf8.RuneSelf): // the Kelvin sign
			return fmt.Errorf("has the character %U, which is an ASCII letter in another case", r)
		}
	}
	if !norm.NFKC.IsNormalString(s) {
		return errors.New("has a character that looks like another: it is not in the normal form NFKC")
	}
	return nil
}
