// Package strictjson reads JSON objects with exact member names and without duplicates. encoding/json accepts
// "Email" in place of "email", and takes the last of two members with the same name, while other parsers take the
// first.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// Member is a member of an object.
type Member struct {
	Name  string
	Value json.RawMessage
	End   int64 // offset of what follows the value
}

// ErrNoObject means that the text is a different JSON value.
var ErrNoObject = errors.New("it is not an object")

// Object returns the members of the object that text begins with, in order, those with the name of another one too. An error
// comes with the members before it; the last one has no Value where that is what is broken.
func Object(text []byte) ([]Member, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	switch begin, err := d.Token(); {
	case err != nil:
		return nil, err
	case begin != json.Delim('{'):
		return nil, ErrNoObject
	}
	var members []Member
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return members, err
		}
		m := Member{Name: token.(string)} // the decoder allows nothing else here
		err = d.Decode(&m.Value)
		m.End = d.InputOffset()
		members = append(members, m)
		if err != nil {
			return members, err
		}
	}
	_, err := d.Token() // the end of the object
	return members, err
}

// Repeated lists the member names that occur more than once in one object of the document, at any depth.
func Repeated(document []byte) []string {
	type level struct {
		object, value bool // value: the next text is a value, not a key
		seen          map[string]bool
	}
	var stack []level
	var found []string
	done := func() { // a value is complete
		if n := len(stack); n > 0 {
			stack[n-1].value = false
		}
	}
	for d := json.NewDecoder(bytes.NewReader(document)); ; {
		t, err := d.Token()
		if err != nil { // the end of the document
			return found
		}
		top := len(stack) - 1
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				stack = append(stack, level{object: t == '{', seen: map[string]bool{}})
			default:
				stack = stack[:top]
				done()
			}
		case string:
			if top >= 0 && stack[top].object && !stack[top].value {
				if stack[top].seen[t] && !slices.Contains(found, t) {
					found = append(found, t)
				}
				stack[top].seen[t], stack[top].value = true, true
				continue
			}
			done()
		default:
			done()
		}
	}
}
