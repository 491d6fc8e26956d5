package attack

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

// program returns the path of the built program, or of the one that PLOOMBER_TEST_PROGRAM names. Tests that run under
// the race detector attack a program that does.
func program(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PLOOMBER_TEST_PROGRAM"); path != "" {
		return path
	}
	name := "ploomber-cloud"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	builds.Do(func() {
		if builds.dir, builds.err = os.MkdirTemp("", "ploomber-cloud-attacked-"); builds.err != nil { //nolint:usetesting // it outlives this test
			return
		}
		args := []string{"build", "-o", filepath.Join(builds.dir, name)}
		if raced {
			args = append(args, "-race")
		}
		build := exec.Command("go", append(args, "../../cmd/ploomber-cloud")...)
		if out, err := build.CombinedOutput(); err != nil {
			builds.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if builds.err != nil {
		t.Fatal(builds.err)
	}
	return filepath.Join(builds.dir, name)
}
