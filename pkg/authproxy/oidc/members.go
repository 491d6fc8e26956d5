package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
)

// members are those of a JSON object by exact name: encoding/json would let "Email" stand in for "email", and take the
// last of two, where somebody else takes the first.
type members map[string]json.RawMessage

var errTwice = errors.New("duplicate member")

// UnmarshalJSON refuses names that are there twice. It leaves null as nil.
func (m *members) UnmarshalJSON(text []byte) error {
	*m = nil
	d := json.NewDecoder(bytes.NewReader(text))
	switch begin, err := d.Token(); {
	case err != nil:
		return err
	case begin == nil:
		return nil
	case begin != json.Delim('{'):
		return errors.New("it is not an object")
	}
	read := members{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // no other token stands here
		if _, twice := read[name]; twice {
			return errTwice
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		read[name] = value
	}
	*m = read
	return nil
}

// exactly decodes text into v, a struct without values, by the exact names of its fields.
func exactly[T any](text []byte, v *T) error {
	var given, known members
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	names, err := json.Marshal(*v)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(names, &known); err != nil {
		return err
	}
	for name := range given {
		if _, ok := known[name]; !ok {
			delete(given, name)
		}
	}
	if text, err = json.Marshal(given); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
