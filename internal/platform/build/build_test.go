package build

import (
	"bytes"
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
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestInstallers(t *testing.T) {
	t.Parallel()
	const (
		resolve = "uv pip compile * requirements.txt"
		install = "uv pip install * --no-deps * lock.txt"
	)
	for name, tc := range map[string]struct {
		programs  string
		installer Installer
		report    func(*report)
		uvFails   string
		required  bool     // whether the requirements bring gunicorn
		want      []string // parts of the commands after the first, in order
	}{
		"uv is fetched": {programs: "python3 python index", want: []string{
			"-m pip * --target * uv.txt", resolve + " * framework.txt", "uv venv * venv", install, "find_spec", "bytecode.py",
		}},
		"uv of PATH": {programs: "python3 python uv", want: []string{
			"uv --version", "-m pip * --target * uv.txt", "import pip", resolve + " * framework.txt", "uv venv * venv", install, "find_spec", "bytecode.py",
		}},
		"no uv": {programs: "python3 python", want: []string{
			"-m pip * --target * uv.txt", "import pip", "-m venv * venv", "-m pip * requirements.txt gunicorn", "importlib.metadata", "find_spec", "bytecode.py",
		}},
		"pip is asked for": {programs: "python3 python index", installer: Pip, want: []string{
			"-m venv * venv", "-m pip * requirements.txt gunicorn", "importlib.metadata", "find_spec", "bytecode.py",
		}},
		"uv would do something else": {programs: "python3 python index", report: func(r *report) { r.PipOnly = "x" }, want: []string{
			"-m venv * venv", "-m pip * requirements.txt gunicorn", "importlib.metadata", "find_spec", "bytecode.py",
		}},
		"uv cannot resolve": {programs: "python3 python index", uvFails: "pip compile", want: []string{
			"-m pip * --target * uv.txt", resolve + " * framework.txt",
			"-m venv * venv", "-m pip * requirements.txt gunicorn", "importlib.metadata", "find_spec", "bytecode.py",
		}},
		"uv cannot install": {programs: "python3 python index", uvFails: "pip install", want: []string{
			"-m pip * --target * uv.txt", resolve + " * framework.txt", "uv venv * venv", install,
			"-m venv * venv", "-m pip * requirements.txt gunicorn", "importlib.metadata", "find_spec", "bytecode.py",
		}},
		"gunicorn is required": {programs: "python3 python index", required: true, report: func(r *report) { r.Names = []string{"flask", "gunicorn"} }, want: []string{
			"-m pip * --target * uv.txt", resolve, "uv venv * venv", install, "find_spec", "bytecode.py",
		}},
		"hashes": {programs: "python3 python index", report: func(r *report) { r.Hashed = true }, want: []string{
			"-m pip * --target * uv.txt", "uv venv * venv", "uv pip install * requirements.txt", "importlib.metadata",
			"uv pip install * --constraint * installed.txt gunicorn", "importlib.metadata", "find_spec", "bytecode.py",
		}},
		"sources that only uv reads": {programs: "python3 python index", report: func(r *report) {
			r.File, r.Lines, r.UVFile = "", []string{"flask"}, "pyproject.toml"
		}, want: []string{
			"-m pip * --target * uv.txt", "uv venv * venv", "uv pip install * --requirement pyproject.toml gunicorn", "importlib.metadata", "find_spec", "bytecode.py",
		}},
		"nothing is required": {programs: "python3 python index", report: func(r *report) { r.File, r.Names = "", nil }, want: []string{
			"-m pip * --target * uv.txt", "uv pip compile * framework.txt", "uv venv * venv", install, "find_spec", "bytecode.py",
		}},
		"a lock file": {programs: "python3 python index", report: func(r *report) {
			r.File, r.Lines, r.Pins = "", []string{"flask"}, []string{"flask==3"}
		}, want: []string{
			"-m pip * --target * uv.txt", resolve + " --constraint * constraints.txt * framework.txt", "uv venv * venv", install, "find_spec", "bytecode.py",
		}},
		"options": {programs: "python3 python index", report: func(r *report) { r.Options = []string{"--no-binary flask"} }, want: []string{
			"-m pip * --target * uv.txt", resolve + " * framework.txt", "uv venv * venv", install + " --requirement * options.txt", "find_spec", "bytecode.py",
		}},
		"something local": {programs: "python3 python index", report: func(r *report) { r.Local = [][]any{{"tree", "/x", "1"}} }, want: []string{
			"-m pip * --target * uv.txt", "uv pip compile * --refresh * requirements.txt * framework.txt", "uv venv * venv",
			"uv pip install * --refresh * --no-deps * lock.txt", "find_spec", "bytecode.py", "main.py",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, strings.Fields(tc.programs)...)
			m.packages, m.report, m.uvFails = "flask", tc.report, tc.uvFails
			if tc.required {
				m.packages = "flask gunicorn"
			}
			b := m.builder(t.TempDir())
			b.Installer = tc.installer
			env := built(t, b, flask(t))
			if len(m.calls) != len(tc.want)+1 {
				t.Fatalf("commands %q, want %q", m.calls, tc.want)
			}
			for i, want := range tc.want {
				call := m.calls[i+1]
				rest := call
				for part := range strings.SplitSeq(want, " * ") {
					_, after, found := strings.Cut(rest, part)
					if !found {
						t.Errorf("command %q, want %q", call, want)
					}
					rest = after
				}
				if rest != "" && !strings.Contains(want, "-m") && !strings.Contains(want, "find_spec") && !strings.Contains(want, "import") && !strings.Contains(want, ".py") {
					t.Errorf("command %q goes on after %q with %q", call, want, rest)
				}
			}
			if _, ok := platform.Executable(filepath.Join(env.Bin, "gunicorn")); !ok {
				t.Errorf("no gunicorn in %s", env.Bin)
			}
		})
	}
}

func TestWhatMakesAnotherEnvironment(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python")
	m.packages = "flask dash gunicorn"
	b := m.builder(t.TempDir())
	p := flask(t)
	first := built(t, b, p)
	for name, tc := range map[string]struct {
		change func(*Project)
		same   bool
	}{
		"nothing":         {change: func(*Project) {}, same: true},
		"another project": {change: func(p *Project) { *p = flask(t) }, same: true},
		"the code":        {change: func(p *Project) { write(t, p.Dir, map[string]string{"app.py": "x = 1"}) }, same: true},
		"requirements":    {change: func(p *Project) { write(t, p.Dir, map[string]string{"requirements.txt": "flask==3\n"}) }},
		"a constraint":    {change: func(p *Project) { write(t, p.Dir, map[string]string{"pins.txt": "flask==3\n"}) }},
		"the framework":   {change: func(p *Project) { p.Recipe, _ = platform.RecipeFor(platform.Dash, "linux") }},
	} {
		t.Run(name, func(t *testing.T) {
			p := flask(t)
			tc.change(&p)
			if again := built(t, b, p); (again.Bin == first.Bin) != tc.same {
				t.Errorf("%s after %s", again.Bin, first.Bin)
			}
		})
	}
	t.Run("Python", func(t *testing.T) {
		m.python = "3.12.0"
		if again := built(t, b, p); again.Bin == first.Bin {
			t.Error("another Python uses the same environment")
		}
	})
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		programs                string
		packages, missing, fail string
		framework               platform.Framework
		installer               Installer
		report                  func(*report)
		files                   map[string]string
		want, hint, output      string
	}{
		"no Python": {want: "Python is not installed", hint: "install Python 3"},
		"Python 2": {
			programs: "python3 python", fail: "main.py", want: "does not work as Python 3", output: "https://***@",
		},
		"no venv": {programs: "python3 python", fail: "-m venv", want: "creating the environment failed", output: "https://***@"},
		"package does not exist": {
			programs: "python3 python", fail: "install", want: "installing requirements.txt failed", output: "https://***@",
		},
		"framework without its program": {
			programs: "python3 python index", missing: "streamlit", want: "requirements.txt does not bring streamlit", hint: `add "streamlit"`,
		},
		"framework that cannot be imported": {
			programs: "python3 python index", framework: platform.Dash, missing: "dash",
			want: "requirements.txt does not bring dash", hint: `add "dash"`,
		},
		"what the inspector finds": {
			programs: "python3 python", report: func(r *report) { r.Problem, r.Hint = "x names https://ann:s3cret@host.example", "write y" },
			want: "x names https://***@host.example", hint: "write y",
		},
		"another Python": {
			programs: "python3 python", report: func(r *report) { r.Requires = ">=3.99" },
			want: "requires Python >=3.99, but python3 is 3.11.7", hint: "install a matching Python version",
		},
		"pip where only uv will do": {
			programs: "python3 python", installer: Pip, report: func(r *report) { r.UVOnly = "the project wants it" },
			want: "the project wants it", hint: "run without --installer pip",
		},
		"uv is asked for and not to be had": {
			programs: "python3 python", installer: UV, want: "uv cannot be downloaded", hint: "--installer pip",
		},
		"no R":     {framework: platform.ShinyR, want: "R is not installed", hint: "install R"},
		"broken R": {programs: "Rscript", framework: platform.ShinyR, fail: "version", want: "Rscript does not work"},
		"no shiny": {programs: "Rscript", framework: platform.ShinyR, fail: "'shiny'", want: "package shiny is not installed", hint: "install.R"},
		"bad script": {
			programs: "Rscript", framework: platform.ShinyR, fail: "install.", files: map[string]string{"install.R": "stop()"},
			want: "running install.R failed", output: "https://***@",
		},
		"no engine":      {framework: platform.Docker, want: "neither docker nor podman", hint: "install docker"},
		"engine is down": {programs: "docker podman", framework: platform.Docker, fail: "info", want: "does not respond", hint: "start"},
		"no Dockerfile": {
			programs: "docker", framework: platform.Docker, files: map[string]string{"Dockerfile": "\x00remove"}, want: "Dockerfile",
		},
		"image does not build": {programs: "docker", framework: platform.Docker, fail: "build", want: "building the image failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, strings.Fields(tc.programs)...)
			m.packages, m.missing, m.fail, m.report = tc.packages, tc.missing, tc.fail, tc.report
			if tc.framework == "" {
				tc.framework = platform.Streamlit
			}
			p := project(t, tc.framework, map[string]string{"requirements.txt": "x\n", "Dockerfile": "FROM scratch\n"})
			write(t, p.Dir, tc.files)
			if tc.files["Dockerfile"] != "" {
				_ = os.Remove(filepath.Join(p.Dir, "Dockerfile"))
			}
			b := m.builder(t.TempDir())
			var log bytes.Buffer
			b.Log, b.Installer = &log, tc.installer
			_, err := b.Build(context.Background(), p)
			var problem *platform.Problem
			if !errors.As(err, &problem) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(problem.Hint, tc.hint) {
				t.Fatalf("error %v (%+v), want %q, hint %q", err, problem, tc.want, tc.hint)
			}
			if all := strings.Join(problem.Output, "\n") + log.String() + err.Error(); !strings.Contains(all, tc.output) || strings.Contains(all, "s3cret") {
				t.Errorf("output %q, log %q", problem.Output, log.String())
			}
			if envs, _ := filepath.Glob(filepath.Join(b.envs(), "*", "*")); len(envs) > 0 {
				t.Errorf("a failed build left %q", envs)
			}
		})
	}
}

func TestBrokenOffBuildIsNotUsed(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "uv")
	m.packages, m.hold = "flask gunicorn", make(chan struct{})
	b := m.builder(t.TempDir())
	p := flask(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-m.hold; cancel() }()
	if _, err := b.Build(ctx, p); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	m.hold = nil

	// What a killed process leaves: a folder without its marker, holding anything.
	first := built(t, b, p)
	dir := filepath.Dir(filepath.Dir(first.Bin))
	if err := os.Remove(filepath.Join(dir, markerName)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"left": ""})
	env := built(t, b, p)
	if _, err := os.Stat(filepath.Join(filepath.Dir(filepath.Dir(env.Bin)), "left")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half-made environment was built upon: %v", err)
	}
	if m.called("uv pip install") != 3 || env.Bin != first.Bin {
		t.Errorf("commands %q", m.calls)
	}
}

func TestTwoBuildsAtOnceMakeOneEnvironment(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "uv")
	m.packages, m.hold = "flask gunicorn", make(chan struct{})
	cache := t.TempDir()
	p := flask(t)
	results := make(chan error)
	for range 2 {
		go func() {
			e, err := m.builder(cache).Build(context.Background(), p)
			e.Release()
			results <- err
		}()
	}
	<-m.hold
	for waiting := false; !waiting; time.Sleep(time.Millisecond) {
		m.mu.Lock()
		waiting = slices.ContainsFunc(m.events, func(e string) bool { return strings.Contains(e, "waiting for another") })
		m.mu.Unlock()
	}
	m.hold <- struct{}{}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := m.called("uv pip install"); n != 1 {
		t.Errorf("installed %d times", n)
	}
}

func TestEnvironmentWhosePythonHasGoneIsMadeAgain(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "uv")
	m.packages = "flask gunicorn"
	b, p := m.builder(t.TempDir()), flask(t)
	env := built(t, b, p)
	python, _ := platform.Executable(filepath.Join(env.Bin, "python"))
	if err := os.Remove(python); err != nil {
		t.Fatal(err)
	}
	built(t, b, p)
	if n := m.called("uv pip install"); n != 2 {
		t.Errorf("installed %d times", n)
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "uv")
	m.packages = "flask gunicorn"
	b, p := m.builder(t.TempDir()), flask(t)
	var problem *platform.Problem
	if _, err := b.Latest(context.Background(), p); !errors.As(err, &problem) || problem.Hint == "" {
		t.Errorf("before any build: %v", err)
	}
	env := built(t, b, p)
	write(t, p.Dir, map[string]string{"requirements.txt": "changed"})
	calls := len(m.calls)
	latest, err := b.Latest(context.Background(), p)
	if err != nil || latest.Bin != env.Bin {
		t.Errorf("got %+v, %v; want %s", latest, err, env.Bin)
	}
	latest.Release()
	if len(m.calls) != calls {
		t.Errorf("ran %q", m.calls[calls:])
	}
}

func TestWhatIsNotUsedGoesByItself(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "index")
	m.packages = "flask gunicorn"
	b, p := m.builder(t.TempDir()), flask(t)
	inUse, err := b.Build(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Release()
	write(t, p.Dir, map[string]string{"requirements.txt": "second"})
	replaced := built(t, b, p)
	write(t, p.Dir, map[string]string{"requirements.txt": "third"})
	last := built(t, b, p)

	for _, step := range []struct {
		after time.Duration
		gone  []string
	}{
		{keepLooseFor - time.Hour, nil},
		{keepLooseFor + time.Hour, []string{replaced.Bin}},
		{keepFor - time.Hour, []string{replaced.Bin}},
		{keepFor + time.Hour, []string{replaced.Bin, last.Bin, b.downloads()}},
	} {
		b.Now = func() time.Time { return time.Now().Add(step.after) }
		b.expire()
		for _, path := range []string{inUse.Bin, replaced.Bin, last.Bin, b.downloads()} {
			_, err := os.Stat(path)
			if gone := errors.Is(err, fs.ErrNotExist); gone != slices.Contains(step.gone, path) {
				t.Errorf("after %s: %s gone: %v", step.after, path, gone)
			}
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python", "index")
	m.packages = "flask gunicorn"
	b, p := m.builder(t.TempDir()), flask(t)
	old := built(t, b, p)
	write(t, p.Dir, map[string]string{"requirements.txt": "other"})
	inUse, err := b.Build(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Release()
	write(t, b.tools(), map[string]string{"uv-0.1.0-test/bin/uv": ""})
	// A download that an environment shares counts once.
	write(t, b.downloads(), map[string]string{"wheel": strings.Repeat("x", 1000)})
	if err := os.Link(filepath.Join(b.downloads(), "wheel"), filepath.Join(inUse.Bin, "wheel")); err != nil {
		t.Skip("no hard links here:", err)
	}
	found, err := b.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		var want Entry
		switch {
		case strings.HasPrefix(inUse.Bin, e.Path):
			want = Entry{Kind: "environment", Project: p.Dir, InUse: true, Current: true}
		case strings.HasPrefix(old.Bin, e.Path):
			want = Entry{Kind: "environment", Project: p.Dir}
		case e.Path == b.downloads():
			want = Entry{Kind: "downloads"}
		default:
			want = Entry{Kind: "tool", Current: !strings.Contains(e.Path, "uv-0.1.0")}
		}
		if e.Kind != want.Kind || e.Project != want.Project || e.InUse != want.InUse || e.Current != want.Current {
			t.Errorf("%+v, want %+v", e, want)
		}
		if shares := e.Bytes >= 1000; e.Kind != "tool" && shares != e.InUse {
			t.Errorf("%s has %d bytes", e.Path, e.Bytes)
		}
		if err := b.Remove(e); (err != nil) != e.InUse {
			t.Errorf("remove %s: %v", e.Path, err)
		}
	}
	if len(found) != 6 { // two environments, the downloads, uv, an old one and the inspector
		t.Errorf("found %+v", found)
	}
}

func TestImageIsBuiltEachTime(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "docker")
	b := m.builder(t.TempDir())
	p := project(t, platform.Docker, map[string]string{"Dockerfile": "FROM scratch\n"})
	first := built(t, b, p)
	if again := built(t, b, p); again.Image == "" || again.Image != first.Image || strings.ToLower(again.Image) != again.Image {
		t.Errorf("images %q and %q", first.Image, again.Image)
	}
	if m.called("docker build --tag "+first.Image) != 2 {
		t.Errorf("commands %q", m.calls)
	}
}

func TestRLibrary(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		fail  string
		runs  int
	}{
		"no script":            {},
		"packages are there":   {files: map[string]string{"install.R": `install.packages("shiny")`}},
		"packages are missing": {files: map[string]string{"install.R": `install.packages("shiny")`}, fail: "asked <-", runs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "Rscript")
			m.fail = tc.fail
			env := built(t, m.builder(t.TempDir()), project(t, platform.ShinyR, tc.files))
			if n := m.called("Rscript install.R"); n != tc.runs {
				t.Errorf("install.R ran %d times, want %d", n, tc.runs)
			}
			if info, err := os.Stat(env.Vars["R_LIBS"]); err != nil || !info.IsDir() {
				t.Errorf("R_LIBS=%q: %v", env.Vars["R_LIBS"], err)
			}
		})
	}
}

// TestRealVenv builds with the Python of this machine, an empty requirements file and no network.
func TestRealVenv(t *testing.T) {
	t.Parallel()
	environ := os.Environ()
	if _, err := platform.FindProgram(environ, "python3", "python"); err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("no Python here")
	}
	p := Project{Dir: t.TempDir(), Recipe: platform.Recipe{Program: "python"}}
	// A module of the project must not stand in for one of Python's own.
	write(t, p.Dir, map[string]string{"requirements.txt": "", "json.py": "raise SystemExit(9)", "venv.py": "raise SystemExit(9)"})
	b := &Builder{
		Installer: Pip, CacheDir: t.TempDir(), Environ: environ, Now: time.Now, Run: uncompiled}
	e, err := b.Build(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Release()
	out, err := exec.Command(filepath.Join(e.Bin, "python"), "-c", "import sys; print(sys.prefix)").Output()
	if err != nil || strings.TrimSpace(string(out)) != e.Vars["VIRTUAL_ENV"] {
		t.Errorf("%s %v, want %s", out, err, e.Vars["VIRTUAL_ENV"])
	}
	if entries, _ := os.ReadDir(p.Dir); len(entries) != 3 {
		t.Errorf("the project holds %v now", entries)
	}
}
