package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/mounts"
)

// private makes a folder for mounts that only this test and the programs that it starts see.
func private(t *testing.T) (dir string) {
	t.Helper()
	if err := mounts.Private(); errors.Is(err, mounts.ErrNotRoot) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return t.TempDir()
}

// finish runs another process on a folder until it ends, and returns what it prints.
func finish(dir, work string) (string, error) {
	c := startVictim(dir, work)
	c.Stderr = nil
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := private(t)
	mounts.Memory(t, dir, "2m")
	if err := os.WriteFile(filepath.Join(dir, ballast), make([]byte, 200<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := finish(dir, "prepare"); err != nil {
		t.Fatal(err, out)
	}
	out, err := finish(dir, "fill")
	if err != nil || strings.Count(out, ": true\n") != 3 {
		t.Errorf("%v, %s", err, out)
	}
}

// A new database does not fit.
func TestFullDiskAtFirst(t *testing.T) {
	t.Parallel()
	dir := private(t)
	mounts.Memory(t, dir, "16k")
	out, err := finish(dir, "prepare")
	if err == nil || !strings.Contains(out, "the disk is full: cannot write "+filepath.Join(dir, FileName)) {
		t.Errorf("%v, %s", err, out)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	dir := private(t)
	if out, err := finish(dir, "prepare"); err != nil {
		t.Fatal(err, out)
	}
	mounts.ReadOnly(t, dir)
	out, err := finish(dir, "prepare")
	if err == nil || !strings.Contains(out, dir) || !strings.Contains(out, "cannot be written") {
		t.Errorf("%v, %s", err, out)
	}
}
