package build

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
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
	python := filepath.Join(env.Bin, "python")
	if runtime.GOOS == "windows" {
		env.Bin = filepath.Join(venv, "Scripts")
		python = filepath.Join(env.Bin, "python.exe")
	}
	with := b.installer(py, venv, python)
	b.step(platform.Building, "making an environment for Python %s with %s", py.Version, with.name)
	if err := b.run(ctx, p, "making the environment", with.makes[0], with.makes[1:]...); err != nil {
		return platform.Environment{}, nil, err
	}
	install := func(what string, args ...string) error {
		b.step(platform.Building, "installing %s", what)
		command := slices.Concat(with.installs, args)
		return b.run(ctx, p, "installing "+what, command[0], command[1:]...)
	}
	if err := install(requirementsName, "--requirement", filepath.Join(p.Dir, requirementsName)); err != nil {
		return platform.Environment{}, nil, err
	}
	program, found := platform.Executable(filepath.Join(env.Bin, p.Recipe.Program))
	if !found && p.Recipe.Supplied != "" {
		// On its own, because requirements with hashes cannot be installed together with a name alone.
		if err := install(p.Recipe.Supplied, p.Recipe.Supplied); err != nil {
			return platform.Environment{}, nil, err
		}
		program, found = platform.Executable(filepath.Join(env.Bin, p.Recipe.Program))
	}
	if err := b.checkPackage(ctx, p, python, found); err != nil {
		return platform.Environment{}, nil, err
	}
	needs := []string{python}
	if found {
		needs = append(needs, program)
	}
	return env, needs, nil
}

// installer is a way to make virtual environments. Both are commands: program and arguments.
type installer struct {
	name     string
	makes    []string
	installs []string // what to install follows
}

// installer returns uv, which is many times faster, or where it is missing what comes with Python.
func (b *Builder) installer(py interpreter, venv, python string) installer {
	if uv, err := platform.FindProgram(b.Environ, "uv"); err == nil {
		return installer{
			name:     "uv",
			makes:    []string{uv, "venv", "--no-project", "--python", py.Path, venv},
			installs: []string{uv, "pip", "install", "--python", python},
		}
	}
	return installer{
		name:  "pip",
		makes: []string{py.Path, "-I", "-m", "venv", venv},
		installs: []string{python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input",
			"install", "--no-compile", "--progress-bar", "off"},
	}
}

// checkPackage sees to it that the requirements brought the framework; started says whether its program is there.
func (b *Builder) checkPackage(ctx context.Context, p Project, python string, started bool) error {
	if p.Recipe.Package == "" {
		return nil // the command of the project knows what it needs
	}
	if started {
		_, err := b.ask(ctx, p, python, "-I", "-c",
			fmt.Sprintf("import importlib.util, sys; sys.exit(importlib.util.find_spec(%q) is None)", p.Recipe.Package))
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return &platform.Problem{
		Msg:  fmt.Sprintf("%s does not bring %s", filepath.Join(p.Dir, requirementsName), p.Recipe.Package),
		Hint: fmt.Sprintf("add the line %q to %s", p.Recipe.Package, requirementsName),
	}
}
