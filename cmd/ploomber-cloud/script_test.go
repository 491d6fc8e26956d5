package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/script"
)

// scripts holds one folder for each command, with the scripts that say what it does.
const scripts = "../../testdata/script"

// TestScripts runs every script on the built program. After each, all that was said and left behind is searched
// for the script's canaries.
func TestScripts(t *testing.T) {
	t.Parallel()
	var ran atomic.Int32
	program := script.Program{
		Bin: filepath.Dir(builds.Path(t)), Path: os.Getenv("PATH"), Ran: func() { ran.Add(1) },
	}
	files := scriptFiles(t)
	t.Cleanup(func() { // the parallel subtests are done by now
		part := strings.Contains(flag.Lookup("test.run").Value.String()+flag.Lookup("test.skip").Value.String(), "/")
		if n := int(ran.Load()); n != files && !part {
			t.Errorf("%d of %d scripts were run", n, files)
		}
	})
	eachFolder(t, func(t *testing.T, dir string) { script.Run(t, program, dir) })
}

// TestScriptsLeakNothing runs every script again with more to say: what a command prints changes and may not be
// what the script wants, but no secret may be in it.
func TestScriptsLeakNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // the flag is added by a shell script
	}
	for _, flag := range []string{"--verbose", "--json", "--color=always"} {
		t.Run(strings.TrimLeft(flag, "-"), func(t *testing.T) {
			t.Parallel()
			program := script.Program{Bin: withFlag(t, flag), Path: os.Getenv("PATH"), Tolerant: true}
			eachFolder(t, func(t *testing.T, dir string) { script.Run(t, program, dir) })
		})
	}
}

// withFlag returns a folder with a ploomber-cloud that puts a flag in front of its arguments. Completion is
// left as it is: there the first argument says that a shell asks.
func withFlag(t *testing.T, flag string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	text := "#!/bin/sh\ncase \"$1\" in __complete*) exec '" + builds.Path(t) + "' \"$@\";; esac\n" +
		"exec '" + builds.Path(t) + "' " + flag + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "ploomber-cloud"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func eachFolder(t *testing.T, run func(t *testing.T, dir string)) {
	t.Helper()
	dirs, err := os.ReadDir(filepath.FromSlash(scripts))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if d.IsDir() {
			t.Run(d.Name(), func(t *testing.T) { run(t, filepath.Join(filepath.FromSlash(scripts), d.Name())) })
		}
	}
}

// scriptFiles counts the scripts, in the right place or not.
func scriptFiles(t *testing.T) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.FromSlash(scripts), func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".txtar") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
