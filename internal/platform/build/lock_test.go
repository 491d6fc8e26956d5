package build

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// TestOneEnvironmentPerLock builds projects that ask for the same things in other words.
func TestOneEnvironmentPerLock(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "index")
	m.packages = "flask gunicorn"
	b := m.builder(t.TempDir())
	first := built(t, b, flask(t))
	other := flask(t)
	write(t, other.Dir, map[string]string{"requirements.txt": "# the same\n-c pins.txt\nflask\n"})
	m.report = func(r *report) { r.Parts = append(r.Parts, "in other words") }
	m.resolved = "-c pins.txt flask gunicorn"
	second := built(t, b, other)
	if first.Bin != second.Bin || m.called("pip compile") != 2 || m.called("pip install * lock.txt") != 0 || m.called("uv venv") != 1 {
		t.Errorf("environments %s and %s, commands %q", first.Bin, second.Bin, m.calls)
	}
}

// TestLogOfResolution checks that the log of a build does not have what was resolved, with a thousand hashes.
func TestLogOfResolution(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "index")
	m.packages = "flask gunicorn"
	b := m.builder(t.TempDir())
	log := &output.Buffer{}
	b.Log = log
	built(t, b, flask(t))
	if m.called("pip compile") != 1 || strings.Contains(log.String(), "--hash") {
		t.Errorf("commands %q, log %q", m.calls, log.String())
	}
}

// TestWhenVersionsChange has an index with new versions all the time: requirements that stay the same keep theirs, unless
// they are those of another project and some time has passed.
func TestWhenVersionsChange(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "index")
	m.packages = "flask gunicorn"
	b := m.builder(t.TempDir())
	now := time.Now()
	b.Now = func() time.Time { return now }
	p := flask(t)
	build := func(p Project, version string) *Built {
		t.Helper()
		m.resolved = "flask==" + version
		e, err := b.Build(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		e.Release()
		return e
	}
	expect := func(what string, e *Built, version string) {
		t.Helper()
		if e.Resolved != "flask=="+version {
			t.Errorf("%s: %s, want version %s", what, e.Resolved, version)
		}
	}
	one := build(p, "1")
	expect("first", one, "1")
	expect("again", build(p, "2"), "1")
	expect("another project at the same time", build(flask(t), "2"), "1")
	now = now.Add(resolvedFor + time.Hour)
	expect("the same project later", build(p, "2"), "1")
	expect("another project later", build(flask(t), "2"), "2")
	expect("the same project after the other", build(p, "3"), "1")
	b.Hosting = true // each deployment has a folder of its own
	moved := flask(t)
	moved.Previous = one.Lock
	now = now.Add(resolvedFor + time.Hour)
	expect("the same project elsewhere", build(moved, "3"), "1")
	moved.Upgrade = true
	expect("an upgrade", build(moved, "3"), "3")
	b.Hosting = false
	write(t, p.Dir, map[string]string{"requirements.txt": "flask\n# more\n"})
	expect("other requirements", build(p, "4"), "4")
}

// TestOpen returns the environment of a lock again, whatever has become of the project and of the index.
func TestOpen(t *testing.T) {
	t.Parallel()
	for name, programs := range map[string]string{"uv": "python3 python index", "pip": "python3 python"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, strings.Fields(programs)...)
			m.packages, m.resolved, m.says = "flask gunicorn", "flask==1", "flask==1"
			b := m.builder(t.TempDir())
			p := flask(t)
			first, err := b.Build(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			first.Release()
			open := func(what string) *Built {
				t.Helper()
				e, err := b.Open(context.Background(), first.Lock, p)
				if err != nil {
					t.Fatal(what, err)
				}
				e.Release()
				return e
			}
			if again := open("at once"); again.Bin != first.Bin || again.Lock != first.Lock {
				t.Errorf("opened %+v, want %+v", again, first)
			}
			m.resolved = "flask==2"
			calls := len(m.calls)
			if err := removeEnv(filepath.Join(b.envs(), first.Lock)); err != nil {
				t.Fatal(err)
			}
			again := open("made again")
			if again.Bin != first.Bin || strings.TrimSpace(again.Resolved) != "flask==1" {
				t.Errorf("opened %+v, want %+v", again, first)
			}
			if slices.ContainsFunc(m.calls[calls:], func(c string) bool { return strings.Contains(c, "pip compile") }) {
				t.Errorf("resolved again: %q", m.calls[calls:])
			}
			if name == "pip" && !strings.Contains(m.calls[calls+4], "--constraint") {
				t.Errorf("installed without the versions of the lock: %q", m.calls[calls:])
			}
			if err := errors.Join(removeEnv(filepath.Join(b.envs(), first.Lock)), os.Remove(b.lockPath(first.Lock))); err != nil {
				t.Fatal(err)
			}
			open("without its lock")
			if !slices.ContainsFunc(m.events, func(e string) bool { return strings.Contains(e, "no longer known") }) {
				t.Errorf("said %q", m.events)
			}
		})
	}
}

// TestPathsOfTheProject shares an environment between projects whose modules are in the same subfolder.
func TestPathsOfTheProject(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "index")
	m.packages = "flask gunicorn"
	b := m.builder(t.TempDir())
	var bins []string
	for range 2 {
		p := flask(t)
		m.report = func(r *report) { r.Paths = []string{filepath.Join(p.Dir, "src")} }
		e := built(t, b, p)
		if want := filepath.Join(p.Dir, "src"); e.Vars["PYTHONPATH"] != want {
			t.Errorf("PYTHONPATH=%s, want %s", e.Vars["PYTHONPATH"], want)
		}
		bins = append(bins, e.Bin)
	}
	if bins[0] != bins[1] {
		t.Errorf("environments %q", bins)
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "index")
	m.packages = "flask gunicorn"
	b := m.builder(t.TempDir())
	b.Hosting = true
	up := m.builder(b.CacheDir)
	shared := flask(t)
	build := func(b *Builder, version string, p Project) *Built {
		t.Helper()
		m.resolved = "flask==" + version
		p.Upgrade = true
		e, err := b.Build(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	inUse, kept, gone, both := build(b, "1", flask(t)), build(b, "2", flask(t)), build(b, "3", flask(t)), build(b, "4", shared)
	only := build(up, "5", flask(t))
	build(up, "4", shared).Release()
	for _, e := range []*Built{kept, gone, both, only} {
		e.Release()
	}
	later := func() time.Time { return time.Now().Add(2 * keepFor) }
	up.Now = later
	up.expire()
	check := func(what string, want map[*Built]bool) {
		t.Helper()
		for e, there := range want {
			_, env := os.Stat(e.Bin)
			if (env == nil) != there {
				t.Errorf("%s: environment of %q there: %v", what, e.Resolved, env == nil)
			}
			if _, lock := b.readLock(e.Lock); (lock == nil) != there && e != only {
				t.Errorf("%s: lock of %q there: %v", what, e.Resolved, lock == nil)
			}
		}
	}
	check("after 'up' has cleaned up", map[*Built]bool{inUse: true, kept: true, gone: true, both: true, only: false})
	keep := func(lock string) bool { return lock == kept.Lock }
	if err := b.Collect(context.Background(), keep); err != nil {
		t.Fatal(err)
	}
	check("collected", map[*Built]bool{inUse: true, kept: true, gone: false, both: true})
	inUse.Release()
	if err := b.Collect(context.Background(), keep); err != nil {
		t.Fatal(err)
	}
	check("collected after the end of an app", map[*Built]bool{inUse: false, kept: true, both: true})
	if notes, _ := filepath.Glob(filepath.Join(b.resolved(), "*", "*")); len(notes) != 2 {
		t.Errorf("notes %q, want one for each lock that is left", notes)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Collect(ended, keep); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestCollectRemovesImages asks the engine to remove the image of a deployment that is gone.
func TestCollectRemovesImages(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "docker")
	b := m.builder(t.TempDir())
	b.Hosting = true
	e, err := b.Build(context.Background(), project(t, platform.Docker, map[string]string{"Dockerfile": "FROM scratch\n"}))
	if err != nil {
		t.Fatal(err)
	}
	e.Release()
	if err := b.Collect(context.Background(), func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if m.called("docker image rm "+e.Image) != 1 {
		t.Errorf("commands %q", m.calls)
	}
}

// TestCompiled builds with real programs: Python finds bytecode for everything, environments share it, and nobody can change
// what they share.
func TestCompiled(t *testing.T) {
	t.Parallel()
	r := newReal(t, UV)
	r.builder.Run = execute
	open := func(requirements string) (bin, prefix string) {
		t.Helper()
		write(t, r.dir, map[string]string{"requirements.txt": requirements})
		e, err := r.builder.Build(context.Background(), Project{Dir: r.dir})
		if err != nil {
			t.Fatal(err)
		}
		e.Release()
		return e.Bin, e.Vars["PYTHONPYCACHEPREFIX"]
	}
	find := func(root, name string) string {
		t.Helper()
		found := ""
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, _ error) error {
			if strings.HasPrefix(d.Name(), name) {
				found = path
			}
			return nil
		})
		if found == "" {
			t.Fatalf("no %s below %s", name, root)
		}
		return found
	}
	bin, prefix := open("six\n")
	_, other := open("six\nseven\n")
	python := exec.Command(filepath.Join(bin, "python"), "-B", "-c", "import six, json; print(six.__spec__.cached); print(json.__spec__.cached)")
	python.Env = append(os.Environ(), "PYTHONPYCACHEPREFIX="+prefix)
	out, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		if _, err := os.Stat(path); err != nil || !strings.HasPrefix(path, prefix) {
			t.Errorf("no bytecode: %s, %v", path, err)
		}
	}
	one, err1 := os.Stat(find(prefix, "six."))
	two, err2 := os.Stat(find(other, "six."))
	if err := errors.Join(err1, err2); err != nil || !os.SameFile(one, two) {
		t.Errorf("bytecode is not shared: %v", err)
	}
	for _, name := range []string{"six.py", "site-packages"} {
		info, err := os.Stat(find(filepath.Dir(bin), name))
		if err != nil || info.Mode()&0o222 != 0 {
			t.Errorf("%s can be changed: %v, %v", name, info.Mode(), err)
		}
	}
}
