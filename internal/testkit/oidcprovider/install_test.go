package oidcprovider

import (
	"errors"
	"os"
	"testing"
)

func TestWithoutNode(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := install(t.Context(), os.Getenv); !errors.Is(err, ErrNoNode) {
		t.Errorf("without Node.js: %v", err)
	}
}
