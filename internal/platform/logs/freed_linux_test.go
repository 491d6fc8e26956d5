package logs

import (
	"os"
	"syscall"
	"testing"
)

// checkFreed fails if a file takes more than limit bytes of the disk.
func checkFreed(t *testing.T, path string, limit int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > limit || info.Size() < 2*limit {
		t.Errorf("%d bytes of the disk for a file of %d, want less than %d", used, info.Size(), limit)
	}
}
