package sqlite

import (
	"bytes"
	"encoding/json"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// encode writes a session as JSON, with the names of its fields.
func encode(s *session.Session) ([]byte, error) { return json.Marshal(s) }

// decode reads what encode wrote. A field that it does not know comes from another version of this program and may limit
// what the session is good for, so such a session is refused.
func decode(key session.Key, b []byte) (*session.Session, error) {
	s := &session.Session{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	s.Key = key
	return s, nil
}
