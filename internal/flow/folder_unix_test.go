//go:build unix

package flow_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// A pipe without a writer would block for ever.
func TestFolderPassesPipesOver(t *testing.T) {
	t.Parallel()
	f := flow.Folder{Dir: t.TempDir()}
	if err := syscall.Mkfifo(filepath.Join(f.Dir, flow.EnvName), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Env(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
	if err := syscall.Mkfifo(filepath.Join(f.Dir, project.FileName), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}
