package project

import (
	"bytes"
	"encoding/json"
)

// encode is json.Marshal without HTML escapes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func indent(flat string) ([]byte, error) {
	var b bytes.Buffer
	err := json.Indent(&b, []byte(flat), "", "    ")
	return b.Bytes(), err
}
