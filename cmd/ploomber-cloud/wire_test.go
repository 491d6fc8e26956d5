package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/wire"
)

const wireCases = "../../testdata/wire"

// TestWire runs the built program on every case of testdata/wire: what it sends to the platform, how it ends
// and what it leaves behind.
func TestWire(t *testing.T) {
	t.Parallel()
	program := wire.Program{Path: builds.Path(t), Environ: os.Environ(), Now: time.Now}
	cases := loadWireCases(t)
	var run atomic.Int32
	t.Cleanup(func() { // the parallel subtests are done by now
		part := strings.Contains(flag.Lookup("test.run").Value.String()+flag.Lookup("test.skip").Value.String(), "/")
		if n := int(run.Load()); n != len(cases) && !part {
			t.Errorf("%d of %d cases were run", n, len(cases))
		}
	})
	for _, c := range cases {
		t.Run(c.Group+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			run.Add(1)
			if testing.Short() && c.Heavy() {
				t.Skip("writes 50 MB")
			}
			found, err := wire.Play(t.Context(), program, &c, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if len(found) > 0 {
				t.Errorf("%s\n%s", c.About, strings.Join(found, "\n"))
			}
		})
	}
}

// TestWireCasesCounted sees that no case is lost between the files and the test.
func TestWireCasesCounted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(wireCases), "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		written += len(regexp.MustCompile(`(?m)^- name: `).FindAll(text, -1))
	}
	if loaded := len(loadWireCases(t)); loaded != written || loaded < 402 {
		t.Errorf("%d cases are loaded of %d in the files; there were 402 once", loaded, written)
	}
}

func loadWireCases(t *testing.T) []wire.Case {
	t.Helper()
	cases, err := wire.Load(os.DirFS(filepath.FromSlash(wireCases)))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}
