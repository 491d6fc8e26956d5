package oidc

import (
	"encoding/json"
	"errors"

	"github.com/ploomber/ploomber-cloud/pkg/strictjson"
)

// members are those of a JSON object by exact name.
type members map[string]json.RawMessage

var errTwice = errors.New("duplicate member")

// UnmarshalJSON refuses names that are there twice. It leaves null as nil.
func (m *members) UnmarshalJSON(text []byte) error {
	*m = nil
	if string(text) == "null" {
		return nil
	}
	list, err := strictjson.Object(text)
	if err != nil {
		return err
	}
	read := members{}
	for _, one := range list {
		if _, twice := read[one.Name]; twice {
			return errTwice
		}
		read[one.Name] = one.Value
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
