package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// interpreter is a Python that virtual environments can be made with.
type interpreter struct {
	Version  string // 3.11.7
	Platform string // linux-x86_64
	Path     string // of the installation itself, where the one found belongs to a virtual environment
}

// describe makes an interpreter print itself as JSON.
const describe = `import json, platform, sys, sysconfig
print(json.dumps({"Version": platform.python_version(), "Platform": sysconfig.get_platform(),
"Path": getattr(sys, "_base_executable", None) or sys.executable}))`

func (b *Builder) pythonKit(ctx context.Context, p Project) (kit, error) {
	contents, err := readRequirements(p.Dir, p.Recipe.Package)
	if err != nil {
		return kit{}, err
	}
	py, err := b.interpreter(ctx, p)
	if err != nil {
		return kit{}, err
	}
	parts := append([]string{p.Recipe.Package, p.Recipe.Supplied, py.Version, py.Platform, py.Path}, contents...)
	return kit{
		key: "python-" + digest(parts...),
		make: func(ctx context.Context, dir string) (platform.Environment, []string, error) {
			return b.makeVenv(ctx, p, py, dir)
		},
	}, nil
}

func (b *Builder) interpreter(ctx context.Context, p Project) (interpreter, error) {
	names := []string{"python3", "python"}
	if runtime.GOOS == "windows" {
		names = []string{"python", "py"}
	}
	path, err := platform.FindProgram(b.Environ, names...)
	if err != nil {
		return interpreter{}, &platform.Problem{
			Msg: "Python is not installed, or PATH does not lead to it", Err: err,
			Hint: "install Python 3 with its venv module",
		}
	}
	// -I keeps modules of the project, which is the working folder, from being taken for Python's own.
	out, err := b.ask(ctx, p, path, "-I", "-c", describe)
	if ctx.Err() != nil {
		return interpreter{}, ctx.Err()
	}
	var py interpreter
	if err == nil {
		err = json.Unmarshal([]byte(out), &py)
	}
	if err != nil {
		return interpreter{}, &platform.Problem{
			Msg: path + " does not work as Python 3", Err: err, Output: strings.Split(redact(out), "\n"),
			Hint: "install Python 3 with its venv module",
		}
	}
	return py, nil
}

// makeVenv makes a virtual environment in dir with what the project's requirements name.
func (b *Builder) makeVenv(ctx context.Context, p Project, py interpreter, dir string) (platform.Environment, []string, error) {
	venv := filepath.Join(dir, "venv")
	env := platform.Environment{
		Bin: filepath.Join(venv, "bin"),
		// Byte code goes to the environment too, not beside the project's own files.
		Vars: map[string]string{"VIRTUAL_ENV": venv, "PYTHONPYCACHEPREFIX": filepath.Join(dir, "pycache")},
	}
	if runtime.GOOS == "windows" {
		env.Bin = filepath.Join(venv, "Scripts")
	}
	python := filepath.Join(env.Bin, "python")
	if runtime.GOOS == "windows" {
		python += ".exe"
	}
	install := []string{"install", "--requirement", filepath.Join(p.Dir, requirementsName)}
	if p.Recipe.Supplied != "" {
		install = append(install, p.Recipe.Supplied)
	}
	uv, err := platform.FindProgram(b.Environ, "uv")
	switch {
	case err == nil:
		b.step(platform.Building, "making an environment for Python %s with uv", py.Version)
		err = b.run(ctx, p, "making the environment", uv, "venv", "--no-project", "--python", py.Path, venv)
		if err == nil {
			b.step(platform.Building, "installing %s", requirementsName)
			args := append([]string{"pip"}, install...)
			err = b.run(ctx, p, "installing "+requirementsName, uv, append(args, "--python", python)...)
		}
	case errors.Is(err, fs.ErrNotExist):
		b.step(platform.Building, "making an environment for Python %s", py.Version)
		err = b.run(ctx, p, "making the environment", py.Path, "-I", "-m", "venv", venv)
		if err == nil {
			b.step(platform.Building, "installing %s with pip", requirementsName)
			args := []string{"-I", "-m", "pip", "--disable-pip-version-check", "--no-input"}
			err = b.run(ctx, p, "installing "+requirementsName, python, append(append(args, install...), "--no-compile", "--progress-bar", "off")...)
		}
	}
	if err == nil {
		err = b.checkPackage(ctx, p, env, python)
	}
	if err != nil {
		return platform.Environment{}, nil, err
	}
	program, _ := platform.Executable(filepath.Join(env.Bin, p.Recipe.Program))
	return env, []string{python, program}, nil
}

// checkPackage sees to it that the requirements brought the framework.
func (b *Builder) checkPackage(ctx context.Context, p Project, env platform.Environment, python string) error {
	_, found := platform.Executable(filepath.Join(env.Bin, p.Recipe.Program))
	if found && p.Recipe.Package != "" {
		_, err := b.ask(ctx, p, python, "-I", "-c",
			fmt.Sprintf("import importlib.util, sys; sys.exit(importlib.util.find_spec(%q) is None)", p.Recipe.Package))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		found = err == nil
	}
	if found {
		return nil
	}
	return &platform.Problem{
		Msg:  fmt.Sprintf("%s does not bring %s", filepath.Join(p.Dir, requirementsName), p.Recipe.Package),
		Hint: fmt.Sprintf("add the line %q to %s", p.Recipe.Package, requirementsName),
	}
}
