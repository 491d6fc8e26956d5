package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// What the tests compare against: the dotenv reader whose answers count, the reference command line, and the
// installer that a user may have.
const (
	pythonDotenv  = "python-dotenv==1.2.4"
	referenceTool = "ploomber-cloud==0.4.5"
	uvInstaller   = "uv==0.13.9" // as in internal/platform/build/uv.txt, so that no test has to fetch it
)

// A venv is a Python environment of our own.
type venv struct{ python, bin string }

// program returns the path of a command that the environment has.
func (v venv) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(v.bin, name)
}

// pythonVenv makes the environment the first time; its folder is named after what is in it.
func (w *workspace) pythonVenv(ctx context.Context) (venv, error) {
	requirements := []string{pythonDotenv, referenceTool, uvInstaller}
	sum := sha256.Sum256([]byte(strings.Join(requirements, "\n")))
	home := filepath.Join(w.cache, fmt.Sprintf("venv-%x", sum[:4]))
	v := venv{bin: filepath.Join(home, "bin")}
	if runtime.GOOS == "windows" {
		v.bin = filepath.Join(home, "Scripts")
	}
	v.python = v.program("python")

	lock := flock.New(home + ".lock") // two runs at once must not build into one folder
	if err := lock.Lock(); err != nil {
		return venv{}, err
	}
	defer lock.Unlock()
	complete := filepath.Join(home, "complete")
	if _, err := os.Stat(complete); err == nil {
		return v, nil
	}
	if err := w.run(ctx, nil, python(), "-m", "venv", "--clear", home); err != nil {
		return venv{}, err
	}
	install := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, requirements...)
	if err := w.fetch(ctx, nil, v.python, install...); err != nil {
		return venv{}, err
	}
	return v, os.WriteFile(complete, nil, 0o644)
}

// toolPath returns a PATH for the tests that has uv in front and nothing else of the environment: its python
// and its reference tool must not be taken for the user's.
func (w *workspace) toolPath(ctx context.Context, v venv) (string, error) {
	dir := filepath.Join(w.cache, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	uv := v.program("uv")
	link := filepath.Join(dir, filepath.Base(uv))
	if now, err := os.Readlink(link); err != nil || now != uv {
		if err := os.RemoveAll(link); err != nil {
			return "", err
		}
		if err := os.Symlink(uv, link); err != nil {
			return "", err
		}
	}
	path, err := w.realPython(ctx, filepath.SplitList(os.Getenv("PATH")))
	return strings.Join(slices.Insert(path, 0, dir), string(os.PathListSeparator)), err
}

// realPython puts the folder of Python itself in front of one where a version manager such as pyenv has a shell script
// that looks for it: the script takes longer than most of what the tests run.
func (w *workspace) realPython(ctx context.Context, path []string) ([]string, error) {
	found, err := exec.LookPath(python())
	if err != nil {
		return nil, err
	}
	itself, err := w.command(ctx, nil, found, "-I", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", found, err)
	}
	folder, at := filepath.Dir(strings.TrimSpace(string(itself))), slices.Index(path, filepath.Dir(found))
	if at < 0 || folder == path[at] {
		return path, nil
	}
	return slices.Insert(path, at, folder), nil
}

func python() string {
	if runtime.GOOS == "windows" {
		return "python"
	}
	return "python3"
}
