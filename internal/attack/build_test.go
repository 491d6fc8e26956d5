package attack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// builds is where the program is built, once for all tests of this package.
var builds struct {
	sync.Mutex
	dir   string
	paths map[bool]string // by whether it watches for data races; "" where it cannot be built
}

func TestMain(m *testing.M) {
	code := m.Run()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir) // the system clears its temporary files anyway
	}
	os.Exit(code)
}

// program returns the path of the built program, or of the one that PLOOMBER_TEST_PROGRAM names. Under the race
// detector the tests whose names end in Race attack a program that is watched by it too; it would make the others,
// which hash many passwords, take minutes.
func program(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PLOOMBER_TEST_PROGRAM"); path != "" {
		return path
	}
	watched := raced && strings.HasSuffix(t.Name(), "Race")
	builds.Lock()
	defer builds.Unlock()
	if path, ok := builds.paths[watched]; ok {
		if path == "" {
			t.Fatal("the program cannot be built: another test says why")
		}
		return path
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "ploomber-cloud-attacked-") //nolint:usetesting // it outlives this test
		if err != nil {
			t.Fatal(err)
		}
		builds.dir, builds.paths = dir, map[bool]string{}
	}
	path := filepath.Join(builds.dir, fmt.Sprintf("watched-%v", watched), "ploomber-cloud")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.Command("go", "build", fmt.Sprintf("-race=%v", watched), "-o", path, "../../cmd/ploomber-cloud")
	if out, err := build.CombinedOutput(); err != nil {
		builds.paths[watched] = ""
		t.Fatalf("go build: %v\n%s", err, out)
	}
	builds.paths[watched] = path
	return path
}
