package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that no output may show: whatever prints, logs or encodes it gets redacted text. Reveal is
// the one way to the value. (fmt does not call methods on unexported fields: keep a Secret in exported ones.)
type Secret string

const redacted = "***"

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

// Format makes redaction hold for every verb, %d and %x too.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }
