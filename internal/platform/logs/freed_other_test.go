//go:build !linux

package logs

import (
	"os"
	"testing"
)

func checkFreed(t *testing.T, path string, _ int64) {
	t.Helper()
	if info, err := os.Stat(path); err == nil && info.Size() > 3*partSize {
		t.Errorf("%d bytes are left of the output", info.Size())
	}
}
