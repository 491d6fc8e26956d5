package program

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestBuilds(t *testing.T) {
	t.Parallel()
	var b Builds
	t.Cleanup(b.clean)
	path := b.Path(t)
	if out, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput(); err != nil || !strings.Contains(string(out), "ploomber-cloud") {
		t.Errorf("%s --version: %v\n%s", path, err, out)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if again := b.Path(t); again != path {
		t.Errorf("the second time %s, the first %s", again, path)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("it was built a second time: %v", err)
	}
	b.clean()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the tests: %v", err)
	}
}
