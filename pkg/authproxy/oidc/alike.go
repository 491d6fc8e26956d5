package oidc

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// checkAlike refuses text that is the same as another's for somebody who reads it in another form, as an app does that
// trims it, compares it without case or normalises it: two people would be one (security class 11). Letters of all
// alphabets may stand in it.
func checkAlike(s string) error {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	if unicode.IsSpace(first) || unicode.IsSpace(last) {
		return errors.New("begins or ends with white space")
	}
	for _, r := range s {
		switch {
		case r == utf8.RuneError: // what half a surrogate becomes, whichever it was
			return errors.New("has a character that is none")
		case !unicode.IsPrint(r):
			return fmt.Errorf("has the character %U, which does not show", r)
		case r >= utf8.RuneSelf && (unicode.ToLower(r) < utf8.RuneSelf || unicode.ToUpper(r) < utf8.RuneSelf): // the Kelvin sign
			return fmt.Errorf("has the character %U, which is an ASCII letter in another case", r)
		}
	}
	if !norm.NFKC.IsNormalString(s) {
		return errors.New("has a character that is another one's look-alike: it is not in the normal form NFKC")
	}
	return nil
}
