package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// machine is a computer with the programs that builders call. None of them does anything but what is said here.
type machine struct {
	t        *testing.T
	path     string // folder on PATH
	packages string // what an installation brings, as programs and importable packages, separated by spaces
	missing  string // a package that cannot be imported although its program is there
	python   string // version
	fail     string // argument that makes a command fail
	hold     chan struct{}

	mu     sync.Mutex
	calls  []string
	events []string
}

func newMachine(t *testing.T, programs ...string) *machine {
	t.Helper()
	m := &machine{t: t, path: t.TempDir(), python: "3.11.7"}
	for _, p := range programs {
		m.program(filepath.Join(m.path, p))
	}
	return m
}

func (m *machine) program(path string) {
	m.t.Helper()
	if runtime.GOOS == "windows" && filepath.Ext(path) == "" {
		path += ".exe"
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// run is the Run of a Builder on this machine.
func (m *machine) run(ctx context.Context, c platform.Command) error {
	line := strings.TrimSuffix(filepath.Base(c.Path), ".exe") + " " + strings.Join(c.Args, " ")
	m.mu.Lock()
	m.calls = append(m.calls, line)
	m.mu.Unlock()
	if platform.Lookup(c.Env, "PLOOMBER_CLOUD_KEY") != "" {
		m.t.Errorf("%q sees the API key", line)
	}
	if m.fail != "" && strings.Contains(line, m.fail) {
		if c.Output != nil {
			fmt.Fprintln(c.Output, "from https://ann:s3cret@host.example/simple")
		}
		return &platform.ExitError{Code: 1, Output: []string{"no such package at https://ann:s3cret@host.example/simple"}}
	}
	switch {
	case strings.Contains(line, "-c "+describe):
		fmt.Fprintf(c.Output, `{"Version": %q, "Platform": "test", "Path": %q}`, m.python, c.Path)
	case slices.Contains(c.Args, "venv"): // uv venv ... DIR, python -m venv DIR
		m.program(filepath.Join(c.Args[len(c.Args)-1], binName(), "python"))
	}
	if strings.Contains(line, "--requirement ") {
		if m.hold != nil {
			m.hold <- struct{}{}
			select {
			case <-m.hold:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		for _, p := range strings.Fields(m.packages) {
			m.program(filepath.Join(m.venv(c), p))
		}
	}
	if last := c.Args[len(c.Args)-1]; slices.Contains(c.Args, "install") && (last == "gunicorn" || last == "waitress") {
		m.program(filepath.Join(m.venv(c), last))
	}
	if strings.Contains(line, "find_spec") && m.missing != "" && strings.Contains(line, m.missing) {
		return &platform.ExitError{Code: 1}
	}
	return nil
}

// venv returns the programs' folder that an install command writes to.
func (m *machine) venv(c platform.Command) string {
	if i := slices.Index(c.Args, "--python"); i >= 0 {
		return filepath.Dir(c.Args[i+1])
	}
	return filepath.Dir(c.Path)
}

func binName() string {
	if runtime.GOOS == "windows" {
		return "Scripts"
	}
	return "bin"
}

func (m *machine) builder(cache string) *Builder {
	return &Builder{
		CacheDir: cache, Environ: []string{"PATH=" + m.path, "PLOOMBER_CLOUD_KEY=test-key"}, Run: m.run, Now: time.Now,
		Notify: func(e platform.Event) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.events = append(m.events, e.Phase.String()+": "+e.Message)
		},
	}
}

// called counts the commands so far that contain part.
func (m *machine) called(part string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, call := range m.calls {
		if strings.Contains(call, part) {
			n++
		}
	}
	return n
}

func project(t *testing.T, f platform.Framework, files map[string]string) Project {
	t.Helper()
	recipe, ok := platform.RecipeFor(f, "linux")
	if !ok {
		t.Fatal("no recipe for", f)
	}
	p := Project{Dir: t.TempDir(), Recipe: recipe}
	write(t, p.Dir, files)
	return p
}

func flask(t *testing.T) Project {
	return project(t, platform.Flask, map[string]string{"app.py": "", "requirements.txt": "-c pins.txt\nflask\n", "pins.txt": ""})
}

// built builds p and releases it at once.
func built(t *testing.T, b *Builder, p Project) platform.Environment {
	t.Helper()
	e, err := b.Build(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	e.Release()
	return e.Environment
}
