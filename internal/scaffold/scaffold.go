// Package scaffold generates the files and values that the templates put into a project. It writes nothing itself
// and never prompts.
package scaffold

import (
	"encoding/base64"
	"fmt"
	"io"
)

// File is a file of a project, its name relative to the folder.
type File struct {
	Name string
	Data []byte
}

// NewSecret returns 32 random bytes as 43 URL-safe characters.
func NewSecret(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("cannot generate a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
