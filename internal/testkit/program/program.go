// Package program builds the program as users have it, once for all tests of a package. It must not know what the
// tests do with it.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// source is what is built. An import path, not a folder: tests run in the folder of their own package.
const source = "github.com/ploomber/ploomber-cloud/cmd/ploomber-cloud"

// Builds keeps the programs of one test process. The zero value has built nothing; it is safe for concurrent use.
// A package of tests has one as a variable, and its TestMain ends with the status that Main returns.
type Builds struct {
	mu    sync.Mutex
	dir   string
	built map[bool]result // by whether it watches for data races
}

type result struct {
	path string
	err  error
}

// Main runs the tests, removes what was built for them, and returns their exit status.
func (b *Builds) Main(m *testing.M) int {
	defer b.clean()
	return m.Run()
}

func (b *Builds) clean() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir) // the system clears its temporary files anyway
	}
	b.dir, b.built = "", nil
}

// Path returns the path of the built program, which is called ploomber-cloud as users have it. Users other than
// the one who runs the tests may run it too.
func (b *Builds) Path(t testing.TB) string { return b.path(t, false) }

// RacePath is Path of a program that watches itself for data races, which costs it much time.
func (b *Builds) RacePath(t testing.TB) string { return b.path(t, true) }

func (b *Builds) path(t testing.TB, race bool) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	r, before := b.built[race]
	if !before {
		r.path, r.err = b.build(race)
		if b.built == nil {
			b.built = map[bool]result{}
		}
		b.built[race] = r
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.path
}

func (b *Builds) build(race bool) (string, error) {
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "ploomber-cloud-built-") // not the test's: it outlives it
		if err != nil {
			return "", err
		}
		b.dir = dir
		if err := os.Chmod(dir, 0o755); err != nil { // some tests run it as another user
			return "", err
		}
	}
	path := filepath.Join(b.dir, fmt.Sprintf("race-%v", race), "ploomber-cloud")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	c := exec.Command("go", "build", fmt.Sprintf("-race=%v", race), fmt.Sprintf("-trimpath=%v", !race), "-o", path, source)
	if !race { // as it is released; the race detector needs C
		c.Env = append(c.Environ(), "CGO_ENABLED=0")
	}
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}
