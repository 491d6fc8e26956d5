package sqlite

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, func(t *testing.T) session.Store { return open(t, newPath(t)) })
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "sessions.db") }

func testKeys(names ...string) [][]byte {
	var keys [][]byte
	for _, name := range names {
		keys = append(keys, bytes.Repeat([]byte(name), 32))
	}
	return keys
}

func open(t testing.TB, path string, keys ...string) *Store {
	t.Helper()
	if len(keys) == 0 {
		keys = []string{"a"}
	}
	s, err := Open(context.Background(), path, testKeys(keys...), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
