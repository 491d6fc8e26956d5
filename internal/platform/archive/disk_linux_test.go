package archive

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/testkit/mounts"
)

// A disk that is full in spite of the reserve: another program has filled it at the same moment.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if err := mounts.Private(); errors.Is(err, mounts.ErrNotRoot) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mounts.Memory(t, dir, "1m")
	f := open(t, filepath.Join(dir, "archives"))
	incompressible := make([]byte, 600<<10)
	if _, err := rand.Read(incompressible); err != nil {
		t.Fatal(err)
	}
	wantFull := func(what string, err error) {
		t.Helper()
		var p *platform.Problem
		if !errors.As(err, &p) || p.Reason != platform.ReasonDisk {
			t.Errorf("%s: error %v, want a problem with the disk", what, err)
		}
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	out, err := w.CreateHeader(&zip.FileHeader{Name: "data", Method: zip.Store})
	if err == nil {
		_, err = out.Write(incompressible)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	digest, _, err := f.Receive(t.Context(), bytes.NewReader(buf.Bytes()), plenty)
	if err != nil {
		t.Fatal(err)
	}
	wantFull("unpack", f.Unpack(t.Context(), digest, filepath.Join(dir, "code")))
	_, _, err = f.Receive(t.Context(), bytes.NewReader(buf.Bytes()), plenty)
	wantFull("receive", err)
	if got := files(t, f.dir); len(got) != 1 || got[0] != digest {
		t.Errorf("the folder has %q, want %s", got, digest)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
}
