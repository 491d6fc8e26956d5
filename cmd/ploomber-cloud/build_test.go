package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// builds is where the program is built, once for all tests of this package.
var builds struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir) // the system clears its temporary files anyway
	}
	os.Exit(code)
}

// builtProgram returns the path of the built program, which is called ploomber-cloud as users have it.
func builtProgram(t *testing.T) string {
	t.Helper()
	name := "ploomber-cloud"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	builds.Do(func() {
		if builds.dir, builds.err = os.MkdirTemp("", "ploomber-cloud-built-"); builds.err != nil { //nolint:usetesting // it outlives this test
			return
		}
		_ = os.Chmod(builds.dir, 0o755) // some tests run it as another user
		build := exec.Command("go", "build", "-o", filepath.Join(builds.dir, name), ".")
		if out, err := build.CombinedOutput(); err != nil {
			builds.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if builds.err != nil {
		t.Fatal(builds.err)
	}
	return filepath.Join(builds.dir, name)
}
