package build

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// wheelOf returns a wheel with one module, whose VERSION is that of the distribution.
func wheelOf(t *testing.T, name, version string, requires ...string) (file string, content []byte) {
	t.Helper()
	module := strings.ReplaceAll(name, "-", "_")
	info := fmt.Sprintf("%s-%s.dist-info/", module, version)
	metadata := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	for _, r := range requires {
		metadata += "Requires-Dist: " + r + "\n"
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{module + ".py", fmt.Sprintf("VERSION = %q\n", version)},
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", module + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	} {
		w, err := z.Create(f[0])
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s-%s-py3-none-any.whl", module, version), b.Bytes()
}

// index is a package index by PEP 503 on this machine. It counts what is asked for.
type index struct {
	*httptest.Server
	mu     sync.Mutex
	wheels map[string][]byte
	user   string // basic authentication is asked for where it is not ""
	asked  int
}

func newIndex(t *testing.T) *index {
	t.Helper()
	x := &index{wheels: map[string][]byte{}}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.asked++
		if user, password, _ := r.BasicAuth(); x.user != "" && user+":"+password != x.user {
			w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		base := path.Base(r.URL.Path)
		if content, ok := x.wheels[base]; ok {
			_, _ = w.Write(content)
			return
		}
		page := ""
		for file, content := range x.wheels {
			if name, _, _ := strings.Cut(file, "-"); canonical(name) == base {
				sum := sha256.Sum256(content)
				page += fmt.Sprintf("<a href=\"/files/%s#sha256=%s\">%s</a>\n", file, hex.EncodeToString(sum[:]), file)
			}
		}
		if page == "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body>" + page + "</body></html>"))
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *index) add(t *testing.T, name, version string, requires ...string) {
	t.Helper()
	file, content := wheelOf(t, name, version, requires...)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wheels[file] = content
}

// backend builds a package of one module without anything from an index.
const backend = `
import hashlib, os, sys, zipfile
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib

def wheel(folder, editable):
    with open("pyproject.toml", "rb") as f:
        p = tomllib.load(f)["project"]
    info = "%s-%s.dist-info/" % (p["name"], p["version"])
    meta = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (p["name"], p["version"])
    meta += "".join("Requires-Dist: %s\n" % d for d in p.get("dependencies", []))
    files = {info + "METADATA": meta, info + "WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    if editable:
        files[p["name"] + ".pth"] = os.getcwd() + "\n"
    else:
        with open(p["name"] + ".py") as f:
            files[p["name"] + ".py"] = f.read()
    files[info + "RECORD"] = "".join(n + ",,\n" for n in files) + info + "RECORD,,\n"
    name = "%s-%s-py3-none-any.whl" % (p["name"], p["version"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as z:
        for n, content in files.items():
            z.writestr(n, content)
    return name

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return wheel(folder, False)

def build_editable(folder, config_settings=None, metadata_directory=None):
    return wheel(folder, True)
`

// local returns the files of a package in folder, which our own backend builds.
func local(folder, name, version string, requires ...string) map[string]string {
	quoted := make([]string, len(requires))
	for i, r := range requires {
		quoted[i] = fmt.Sprintf("%q", r)
	}
	return map[string]string{
		folder + "/pyproject.toml": fmt.Sprintf("[project]\nname = %q\nversion = %q\ndependencies = [%s]\n"+
			"[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n", name, version, strings.Join(quoted, ", ")),
		folder + "/backend.py":      backend,
		folder + "/" + name + ".py": "STATE = 1\n",
	}
}

// real is a project that is built with the programs of this machine and packages of an index on it.
type real struct {
	*testing.T
	index *index
	home  string
	dir   string
	entry string // of the recipe, as is framework

	framework string
	builder   *Builder
	events    []string
}

// newReal makes one. Of the variables of the test only those count that find programs.
func newReal(t *testing.T, with Installer) *real {
	t.Helper()
	python(t)
	if _, err := platform.FindProgram(os.Environ(), "uv"); err != nil && with != Pip {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("no uv here")
	}
	r := &real{T: t, index: newIndex(t), home: t.TempDir(), dir: t.TempDir()}
	for _, v := range []string{"1.0", "2.0"} {
		r.index.add(t, "six", v)
		r.index.add(t, "seven", v)
	}
	environ := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.home, "PYENV_ROOT=" + os.Getenv("PYENV_ROOT"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
		"TMPDIR=" + t.TempDir(), "PIP_CONFIG_FILE=" + filepath.Join(r.home, "pip.conf"), "UV_CONCURRENT_BUILDS=1",
	}
	r.builder = &Builder{
		CacheDir: t.TempDir(), Installer: with, Environ: environ, Now: time.Now, Run: uncompiled,
		Notify: func(e platform.Event) {
			if e.Message != "" {
				r.events = append(r.events, e.Message)
			}
		},
	}
	write(t, r.home, map[string]string{"pip.conf": "[global]\nindex-url = " + r.index.URL + "/simple\n"})
	return r
}

// execute is a Run that is enough for commands which end by themselves.
func execute(ctx context.Context, c platform.Command) error {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	out, err := cmd.CombinedOutput()
	if c.Output != nil {
		for line := range bytes.Lines(out) {
			_, _ = c.Output.Write(line)
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &platform.ExitError{Code: exit.ExitCode(), Output: strings.Split(strings.TrimSpace(string(out)), "\n")}
	}
	return err
}

// uncompiled is a Run that leaves out what takes most of the time.
func uncompiled(ctx context.Context, c platform.Command) error {
	if slices.ContainsFunc(c.Args, func(a string) bool { return filepath.Base(a) == "bytecode.py" }) {
		return nil
	}
	return execute(ctx, c)
}

// set adds variables to those of the user.
func (r *real) set(vars ...string) { r.builder.Environ = append(r.builder.Environ, vars...) }

// build returns what is installed, as NAME==VERSION, and whether anything was built for it.
func (r *real) build() (installed []string, anew bool, err error) {
	r.Helper()
	r.events = nil
	e, err := r.builder.Build(context.Background(), Project{Dir: r.dir, Recipe: platform.Recipe{Entry: r.entry, Package: r.framework}})
	if err != nil {
		return nil, false, err
	}
	defer e.Release()
	out, err := exec.Command(filepath.Join(e.Bin, "python"), "-I", "-c", `import importlib.metadata as m, json
print(json.dumps(sorted("%s==%s" % (d.metadata["Name"], d.version) for d in m.distributions() if d.metadata["Name"] not in (None, "pip", "setuptools"))))`).Output()
	if err == nil {
		err = json.Unmarshal(out, &installed)
	}
	return installed, !slices.Contains(r.events, "the environment is ready (reused)"), err
}

// expect builds and compares.
func (r *real) expect(what string, anew bool, want ...string) {
	r.Helper()
	installed, built, err := r.build()
	if err != nil {
		output := ""
		if p := problemOf(err); p != nil {
			output = strings.Join(p.Output, "\n") + "\n" + p.Hint
		}
		r.Fatalf("%s: %v\n%s", what, err, output)
	}
	if !slices.Equal(installed, want) || built != anew {
		r.Errorf("%s: installed %q, built anew: %v; want %q, %v", what, installed, built, want, anew)
	}
}

// both runs a test with each installer.
func both(t *testing.T, test func(*testing.T, *real)) {
	t.Helper()
	for _, with := range []Installer{UV, Pip} {
		t.Run(string(with), func(t *testing.T) {
			t.Parallel()
			test(t, newReal(t, with))
		})
	}
}
