package store_test

import (
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform/store"
	"github.com/ploomber/ploomber-cloud/internal/platform/store/storetest"
)

func clock() time.Time { return storetest.Epoch }

// open opens the store of a folder. It is closed when the test ends.
func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, t.TempDir()) })
}

func BenchmarkProjects(b *testing.B) { storetest.BenchmarkProjects(b, open(b, b.TempDir())) }
