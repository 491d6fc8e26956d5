package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/pysource"
)

func (b *Builder) venvBuilder(ctx context.Context, p Project) (envBuilder, error) {
	r, p, err := b.inspectAll(ctx, p)
	if err != nil {
		return envBuilder{}, err
	}
	key, err := b.keyOf(p, r)
	if err != nil {
		return envBuilder{}, err
	}
	k := envBuilder{key: key, warnings: r.Warnings}
	k.make = func(ctx context.Context, dir string) (platform.Environment, []string, error) {
		began := b.Now()
		env, needs, err := b.makeVenv(ctx, p, r, dir)
		if err == nil && len(r.Local) > 0 {
			err = b.noteLeftovers(ctx, p, r, key, began)
		}
		return env, needs, err
	}
	return k, nil
}

// keyOf names the environment that a report asks for.
func (b *Builder) keyOf(p Project, r report) (string, error) {
	local, err := json.Marshal(r.Local)
	if err != nil {
		return "", err
	}
	mode := string(b.Installer)
	if b.Installer == Auto {
		mode = ""
	}
	parts := append([]string{p.Recipe.Package, p.Recipe.Supplied, r.Version, r.Platform, r.Path, mode, string(local)}, r.Parts...)
	return "python-" + digest(parts...), nil
}

// noteLeftovers sees to it that files which the build of a local project left there, such as one with its version, do not
// make the next run build again: if the project is as it was but for files that came since, both states have one
// environment.
func (b *Builder) noteLeftovers(ctx context.Context, p Project, r report, key string, began time.Time) error {
	now, err := b.inspectWith(ctx, p, r.python, time.Time{})
	if err != nil {
		return err
	}
	next, err := b.keyOf(p, now)
	if err != nil || next == key {
		return err
	}
	old, err := b.inspectWith(ctx, p, r.python, began)
	if err != nil {
		return err
	}
	if then, err := b.keyOf(p, old); err != nil || then != key {
		return err
	}
	return os.WriteFile(filepath.Join(b.envs(), next+sameSuffix), []byte(key), 0o600)
}

// inspectAll inspects the project, and where that does not say what it needs the folders from that of the app upwards. The
// project that it returns is in the folder that says it.
func (b *Builder) inspectAll(ctx context.Context, p Project) (report, Project, error) {
	r, err := b.inspect(ctx, p)
	for folder := path.Dir(filepath.ToSlash(p.Recipe.Entry)); err == nil && r.Guessed && folder != "." && folder != "/"; folder = path.Dir(folder) {
		below := p
		below.Dir = filepath.Join(p.Dir, filepath.FromSlash(folder))
		inside, err := b.inspect(ctx, below)
		if err != nil {
			return report{}, p, err
		}
		if !inside.Guessed {
			return inside, below, nil
		}
	}
	return r, p, err
}

// makeVenv makes a virtual environment in dir with what the project needs.
func (b *Builder) makeVenv(ctx context.Context, p Project, r report, dir string) (platform.Environment, []string, error) {
	uv := ""
	want, err := b.wantsUV(r)
	if err == nil && want {
		uv, err = b.uv(ctx, p, r)
	}
	if err != nil {
		return platform.Environment{}, nil, err
	}
	venv := filepath.Join(dir, "venv")
	installers, err := b.chosen(r, uv, venv, pythonOf(venv))
	if err != nil {
		return platform.Environment{}, nil, err
	}
	if uv != "" {
		release, err := b.useUVCache(ctx)
		if err != nil {
			return platform.Environment{}, nil, err
		}
		defer release()
	}
	files, err := requirementFiles(r, dir)
	if err != nil {
		return platform.Environment{}, nil, fmt.Errorf("write the requirements: %w", err)
	}
	for i, with := range installers {
		err = b.fill(ctx, p, r, with, files, venv)
		if err == nil || ctx.Err() != nil || i == len(installers)-1 {
			break
		}
		b.step(platform.Building, "%s failed; trying %s", with.name, installers[i+1].name)
		if err := os.RemoveAll(venv); err != nil {
			return platform.Environment{}, nil, err
		}
	}
	if err != nil {
		return platform.Environment{}, nil, err
	}
	return b.finished(ctx, p, r, dir, venv)
}

// files are what installers read.
type files struct {
	uv, pip []string // as arguments of either
}

// requirementFiles writes what the inspector found in a lock file or in the code as files that installers read.
func requirementFiles(r report, dir string) (f files, err error) {
	if r.File != "" {
		args := []string{"--requirement", r.File}
		return files{uv: args, pip: args}, nil
	}
	if len(r.Lines) > 0 {
		path := filepath.Join(dir, "requirements.txt")
		if err := os.WriteFile(path, []byte(strings.Join(r.Lines, "\n")+"\n"), 0o600); err != nil {
			return f, err
		}
		f.pip = []string{"--requirement", path}
		f.uv = f.pip
		if r.UVFile != "" {
			f.uv = []string{"--requirement", r.UVFile}
		}
	}
	if len(r.Pins) > 0 {
		path := filepath.Join(dir, "constraints.txt")
		if err := os.WriteFile(path, []byte(strings.Join(r.Pins, "\n")+"\n"), 0o600); err != nil {
			return f, err
		}
		f.pip = slices.Concat(f.pip, []string{"--constraint", path})
		f.uv = slices.Concat(f.uv, []string{"--constraint", path})
	}
	return f, nil
}

// fill makes the environment at venv with one installer. The framework and its server are installed together with what
// the project asks for, in versions that fit it; an app ran like that on Ploomber Cloud too. Only where everything has
// to have a hash they come afterwards, and only if they are missing.
func (b *Builder) fill(ctx context.Context, p Project, r report, with installer, f files, venv string) error {
	b.step(platform.Building, "creating an environment for Python %s with %s", r.Version, with.name)
	if err := b.runIn(ctx, p, with.env, "creating the environment", with.makes[0], with.makes[1:]...); err != nil {
		return withVenvHint(err, r)
	}
	args := f.pip
	if with.name == "uv" {
		args = f.uv
	}
	var besides []string
	for _, name := range []string{distribution(p), p.Recipe.Supplied} {
		if name != "" && !slices.Contains(r.Names, canonical(name)) {
			besides = append(besides, name)
		}
	}
	what := r.Source
	if !r.Hashed {
		args, besides = slices.Concat(args, besides), nil
	}
	install := func(what string, args ...string) error {
		b.step(platform.Building, "installing %s", what)
		command := slices.Concat(with.installs, args)
		return withHint(b.runIn(ctx, p, with.env, "installing "+what, command[0], command[1:]...), r, with)
	}
	if len(args) > 0 {
		if err := install(what, args...); err != nil {
			return err
		}
	}
	for _, name := range besides {
		var there bool
		if name == p.Recipe.Supplied {
			_, there = platform.Executable(filepath.Join(binOf(venv), p.Recipe.Program))
		} else {
			there = b.hasPackage(ctx, p, pythonOf(venv)) == nil
		}
		if there {
			continue
		}
		pins, err := b.installed(ctx, p, venv)
		if err == nil {
			err = install(name, "--constraint", pins, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// installed writes what an environment has as constraints: what is added must not change it.
func (b *Builder) installed(ctx context.Context, p Project, venv string) (path string, err error) {
	have, err := b.ask(ctx, p, pythonOf(venv), "-I", "-c",
		"import importlib.metadata as m\nfor d in m.distributions(): print('%s==%s' % (d.metadata['Name'], d.version))")
	if err != nil {
		return "", err
	}
	path = filepath.Join(filepath.Dir(venv), "installed.txt")
	return path, os.WriteFile(path, []byte(have+"\n"), 0o600)
}

// finished checks an environment and describes it.
func (b *Builder) finished(ctx context.Context, p Project, r report, dir, venv string) (platform.Environment, []string, error) {
	env := platform.Environment{
		Bin: binOf(venv),
		// Byte code goes to the environment too, not beside the project's own files.
		Vars: map[string]string{"VIRTUAL_ENV": venv, "PYTHONPYCACHEPREFIX": filepath.Join(dir, "pycache")},
	}
	python := pythonOf(venv)
	needs := []string{python}
	if len(r.Paths) > 0 {
		if err := b.addPaths(ctx, p, python, r.Paths); err != nil {
			return platform.Environment{}, nil, err
		}
	}
	started := true
	if p.Recipe.Program != "" {
		var program string
		program, started = platform.Executable(filepath.Join(env.Bin, p.Recipe.Program))
		if started {
			needs = append(needs, program)
		}
	}
	if err := b.checkPackage(ctx, p, r, python, started); err != nil {
		return platform.Environment{}, nil, err
	}
	return env, needs, nil
}

// addPaths makes modules of the project, such as those in its src folder, importable without installing the project,
// which would write into it.
func (b *Builder) addPaths(ctx context.Context, p Project, python string, paths []string) error {
	site, err := b.ask(ctx, p, python, "-I", "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(site, "ploomber_cloud_project.pth"), []byte(strings.Join(paths, "\n")+"\n"), 0o600)
}

// checkPackage sees to it that the framework is there; started says whether its program is.
func (b *Builder) checkPackage(ctx context.Context, p Project, r report, python string, started bool) error {
	if p.Recipe.Package == "" {
		return nil // the command of the project knows what it needs
	}
	if started {
		if err := b.hasPackage(ctx, p, python); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return &platform.Problem{
		Msg:  fmt.Sprintf("%s does not bring %s", r.Source, p.Recipe.Package),
		Hint: fmt.Sprintf("add %q to it", distribution(p)),
	}
}

// hasPackage returns nil if the framework of p can be imported.
func (b *Builder) hasPackage(ctx context.Context, p Project, python string) error {
	_, err := b.ask(ctx, p, python, "-I", "-c",
		fmt.Sprintf("import importlib.util, sys; sys.exit(importlib.util.find_spec(%q) is None)", p.Recipe.Package))
	return err
}

// distribution is what is installed for the framework of p; "" where it has none.
func distribution(p Project) string {
	if p.Recipe.Package == "" {
		return ""
	}
	return pysource.Distribution(p.Recipe.Package)
}

// binOf returns the folder of the programs of a virtual environment.
func binOf(venv string) string { return filepath.Dir(pythonOf(venv)) }

// canonical spells the name of a distribution as PEP 503 says.
func canonical(name string) string {
	name, _, _ = strings.Cut(name, "[")
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.ToLower(strings.Join(words, "-"))
}

// withVenvHint adds a hint for the most common reason why creating an environment fails: Debian and its
// derivatives package the venv module separately.
func withVenvHint(err error, r report) error {
	var problem *platform.Problem
	if !errors.As(err, &problem) {
		return err
	}
	said := strings.Join(problem.Output, "\n")
	if strings.Contains(said, "ensurepip") || strings.Contains(said, "No module named venv") {
		short := r.Version[:max(0, strings.LastIndexByte(r.Version, '.'))]
		problem.Hint = fmt.Sprintf("install the venv module of Python, on Debian and Ubuntu with 'apt install python%s-venv'", short)
	}
	return problem
}
