package output_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// TestBuffer writes from several goroutines and reads meanwhile: under the race detector a missing lock fails.
func TestBuffer(t *testing.T) {
	t.Parallel()
	const writers, lines = 8, 100
	var b output.Buffer
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range lines {
				_, _ = fmt.Fprintf(&b, "writer %d\n", w)
				_ = b.String()
			}
		})
	}
	wg.Wait()
	for w := range writers {
		if n := strings.Count(b.String(), fmt.Sprintf("writer %d\n", w)); n != lines {
			t.Errorf("writer %d: %d whole lines, want %d", w, n, lines)
		}
	}
}

// TestBufferHasNoSideEntrance holds that io.Copy, which prefers ReadFrom, comes through Write and its lock.
func TestBufferHasNoSideEntrance(t *testing.T) {
	t.Parallel()
	if _, ok := io.Writer(&output.Buffer{}).(io.ReaderFrom); ok {
		t.Error("Buffer is an io.ReaderFrom, which writes without the lock")
	}
}
