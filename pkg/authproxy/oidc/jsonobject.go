package oidc

import (
	"encoding/json"
	"errors"

	"github.com/ploomber/ploomber-cloud/pkg/strictjson"
)

// jsonObject is a JSON object with its members by exact name: encoding/json would accept "Email" for "email", and the
// last of two members with one name, where another reader takes the first.
type jsonObject map[string]json.RawMessage

var errDuplicate = errors.New("duplicate member")

// UnmarshalJSON refuses duplicate names. null becomes nil.
func (m *jsonObject) UnmarshalJSON(text []byte) error {
	*m = nil
	if string(text) == "null" {
		return nil
	}
	list, err := strictjson.Object(text)
	if err != nil {
		return err
	}
	read := jsonObject{}
	for _, one := range list {
		if _, twice := read[one.Name]; twice {
			return errDuplicate
		}
		read[one.Name] = one.Value
	}
	*m = read
	return nil
}

// decodeExact decodes text into the zero struct *v, by the exact names of its fields.
func decodeExact[T any](text []byte, v *T) error {
	var given, known jsonObject
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
