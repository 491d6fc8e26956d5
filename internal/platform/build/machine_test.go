package build

import (
	"context"
	"encoding/json"
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
	index    bool   // whether the package index has uv
	uvFails  string // command that uv fails at
	resolved string // what everything resolves to; "" for what is asked for
	says     string // what is installed
	hold     chan struct{}
	report   func(*report) // changes what the inspector says

	mu     sync.Mutex
	calls  []string
	events []string
}

// newMachine makes one with programs on PATH; "index" is none, but says that the package index has uv.
func newMachine(t *testing.T, programs ...string) *machine {
	t.Helper()
	m := &machine{t: t, path: t.TempDir(), python: "3.11.7"}
	for _, p := range programs {
		if p == "index" {
			m.index = true
			continue
		}
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
	case strings.Contains(line, "importlib.metadata"):
		fmt.Fprintln(c.Output, m.says)
	case strings.Contains(line, "main.py"):
		m.inspect(c)
	case slices.Contains(c.Args, "--target"): // pip install --target DIR --requirement uv.txt
		if !m.index {
			return &platform.ExitError{Code: 1, Output: []string{"no index"}}
		}
		m.program(filepath.Join(c.Args[slices.Index(c.Args, "--target")+1], "bin", "uv"))
		return nil
	case slices.Contains(c.Args, "venv"): // uv venv ... DIR, python -m venv DIR
		m.program(filepath.Join(c.Args[len(c.Args)-1], binName(), "python"))
	}
	if m.uvFails != "" && strings.HasPrefix(line, "uv "+m.uvFails) {
		return &platform.ExitError{Code: 1, Output: []string{"no solution found"}}
	}
	if strings.Contains(line, "pip compile") {
		m.resolve(c)
		return nil
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
	for _, extra := range []string{"gunicorn", "waitress", "streamlit", "flask", "dash"} {
		if slices.Contains(c.Args, "install") && (slices.Contains(c.Args, extra) || m.locked(c, extra)) && m.missing != extra {
			m.program(filepath.Join(m.venv(c), extra))
		}
	}
	if strings.Contains(line, "find_spec") && m.missing != "" && strings.Contains(line, m.missing) {
		return &platform.ExitError{Code: 1}
	}
	return nil
}

// locked reports whether an installation reads a lock file that names a package.
func (m *machine) locked(c platform.Command, name string) bool {
	for _, arg := range c.Args {
		if filepath.Base(arg) == "lock.txt" {
			content, err := os.ReadFile(arg)
			return err == nil && slices.Contains(strings.Fields(string(content)), name)
		}
	}
	return false
}

// resolve answers for uv pip compile: every word of a file resolves to itself.
func (m *machine) resolve(c platform.Command) {
	var words []string
	for i, arg := range c.Args {
		if c.Args[max(0, i-1)] == "--output-file" || !strings.HasSuffix(arg, ".txt") {
			continue
		}
		content, err := os.ReadFile(arg)
		if err != nil {
			m.t.Error(err)
		}
		words = append(words, strings.Fields(string(content))...)
	}
	if m.resolved != "" {
		words = strings.Fields(m.resolved)
	}
	if c.Output != nil && !slices.Contains(c.Args, "--quiet") { // as uv does, besides writing the file
		fmt.Fprintln(c.Output, strings.Join(words, " --hash=sha256:\n"))
	}
	path := c.Args[slices.Index(c.Args, "--output-file")+1]
	if err := os.WriteFile(path, []byte(strings.Join(words, "\n")), 0o600); err != nil {
		m.t.Error(err)
	}
}

// inspect answers for the inspector: every line of requirements.txt is a requirement.
func (m *machine) inspect(c platform.Command) {
	r := report{Version: m.python, Platform: "test", Path: c.Path, Source: "requirements.txt"}
	r.File = filepath.Join(c.Dir, "requirements.txt")
	for _, file := range []string{"requirements.txt", "pins.txt"} {
		content, _ := os.ReadFile(filepath.Join(c.Dir, file))
		r.Parts = append(r.Parts, string(content))
		r.Names = append(r.Names, strings.Fields(string(content))...)
	}
	if m.report != nil {
		m.report(&r)
	}
	// As the inspector spells it.
	out := map[string]any{
		"source": r.Source, "file": r.File, "parts": r.Parts, "names": r.Names, "hashed": r.Hashed, "pip_only": r.PipOnly,
		"uv_only": r.UVOnly, "requires": r.Requires, "warnings": r.Warnings, "settings": r.Settings, "local": r.Local,
		"guessed": r.Guessed, "problem": r.Problem, "hint": r.Hint, "lines": r.Lines, "pins": r.Pins,
		"options": r.Options, "paths": r.Paths, "uv_file": r.UVFile,
	}
	rest, err := json.Marshal(out)
	if err != nil {
		m.t.Error(err)
	}
	fmt.Fprintf(c.Output, "a warning\n{\"version\": %q, \"platform\": %q, \"path\": %q, %s\n", r.Version, r.Platform, r.Path, rest[1:])
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

// write puts files into dir; their names have slashes.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
