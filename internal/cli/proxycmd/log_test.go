package proxycmd

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// What is guarded can be told apart in a line of text, and is a list for programs.
func TestProtectionInTheLog(t *testing.T) {
	t.Parallel()
	var text, json bytes.Buffer
	words := sentences{"/robots.txt: open to everybody", "everything else: password (user ann)"}
	slog.New(slog.NewTextHandler(&text, nil)).Info("serving", "protected", words)
	slog.New(slog.NewJSONHandler(&json, nil)).Info("serving", "protected", words)
	if want := `protected="/robots.txt: open to everybody; everything else: password (user ann)"`; !strings.Contains(text.String(), want) {
		t.Errorf("text: %s", text.String())
	}
	if want := `"protected":["/robots.txt: open to everybody","everything else: password (user ann)"]`; !strings.Contains(json.String(), want) {
		t.Errorf("JSON: %s", json.String())
	}
}
