package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/pysource"
)

// venvBuild makes one virtual environment.
type venvBuild struct {
	*Builder
	outer   Project
	p       Project // in the folder that says what it needs, which may be below that of outer
	r       report  // what it needs
	inputs  string  // digest
	scratch string  // folder for files that are needed meanwhile
}

const scratchPrefix = "scratch-"

// build makes the environment of the lock with a key. If that is "", the requirements are resolved first. It returns the
// key of the lock that was used.
func (v *venvBuild) build(ctx context.Context, key string) (string, error) {
	uv := ""
	want, err := v.wantsUV(v.r)
	if err == nil && want {
		uv, err = v.uv(ctx, v.p, v.r)
	}
	if err != nil {
		return "", err
	}
	installers, err := v.chosen(v.r, uv)
	if err != nil {
		return "", err
	}
	release, err := v.useDownloads(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	if v.scratch, err = os.MkdirTemp(v.CacheDir, scratchPrefix); err != nil {
		return "", fmt.Errorf("write to the cache folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(v.scratch) }()
	for i, with := range installers {
		made, err := v.buildWith(ctx, with, key)
		if err == nil || ctx.Err() != nil || i == len(installers)-1 || hopeless(err) {
			return made, err
		}
		v.step(platform.Building, "%s failed; trying %s", with.name, installers[i+1].name)
	}
	return "", errors.New("no installer") // chosen returns at least one
}

// hopeless reports whether another installer would fail too.
func hopeless(err error) bool {
	var problem *platform.Problem
	return errors.As(err, &problem) && (problem.Reason == platform.ReasonDisk || problem.Reason == platform.ReasonMemory)
}

func (v *venvBuild) buildWith(ctx context.Context, with installer, key string) (string, error) {
	var l lock
	var err error
	if key != "" {
		if l, err = v.readLock(key); err == nil && !sameMinor(l.Python, v.r.Version) {
			v.notify(platform.Event{Phase: platform.Building, Warning: true, Message: fmt.Sprintf(
				"the app ran with Python %s, which is no longer installed; Python %s is used", l.Python, v.r.Version)})
		}
	} else {
		l, err = v.newLock(ctx, with)
		if err == nil {
			key, err = l.key()
		}
	}
	if err != nil {
		return "", err
	}
	return key, v.make(ctx, v.outer, key, &l, func(ctx context.Context, dir string) (platform.Environment, []string, error) {
		return v.fill(ctx, with, &l, dir)
	})
}

// sameMinor reports whether two versions of Python run the same bytecode and extensions.
func sameMinor(x, y string) bool {
	return x[:max(0, strings.LastIndexByte(x, '.'))] == y[:max(0, strings.LastIndexByte(y, '.'))]
}

// newLock resolves the requirements. What cannot be resolved in advance is left to the installation.
func (v *venvBuild) newLock(ctx context.Context, with installer) (l lock, err error) {
	l = lock{Python: v.r.Version, Platform: v.r.Platform, Interpreter: v.r.Path}
	for _, path := range v.r.Paths {
		relative, err := filepath.Rel(v.outer.Dir, path)
		if err != nil {
			return l, err
		}
		l.Paths = append(l.Paths, filepath.ToSlash(relative))
	}
	if len(v.r.Local) > 0 {
		if l.Local, err = json.Marshal(v.r.Local); err != nil {
			return l, err
		}
	}
	// A resolution says neither that the project's own hashes hold, nor which index a package has to come from.
	if with.resolves == nil || v.r.Hashed || v.r.UVFile != "" {
		l.Partial, l.Inputs, l.Made = true, v.inputs, v.Now()
		return l, nil
	}
	l.Resolved, err = v.resolve(ctx, with)
	return l, err
}

// resolve returns the distributions that the project needs, each with its version and hashes.
func (v *venvBuild) resolve(ctx context.Context, with installer) (string, error) {
	args, err := v.requirements()
	if err != nil {
		return "", err
	}
	if more := v.missing(); len(more) > 0 {
		path, err := v.write("framework.txt", more)
		if err != nil {
			return "", err
		}
		args = append(args, path)
	}
	if len(args) == 0 {
		return "", nil
	}
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "--requirement" }) // they are arguments here
	v.step(platform.Building, "resolving %s", v.r.Source)
	resolved := filepath.Join(v.scratch, "resolved.txt")
	command := slices.Concat(with.resolves, []string{"--output-file", resolved}, args)
	if err := v.runIn(ctx, v.p, with.env, "resolving "+v.r.Source, command[0], command[1:]...); err != nil {
		return "", v.explained(err, with)
	}
	text, err := os.ReadFile(resolved)
	return string(text), err
}

// fill makes the virtual environment in dir.
func (v *venvBuild) fill(ctx context.Context, with installer, l *lock, dir string) (platform.Environment, []string, error) {
	venv := filepath.Join(dir, "venv")
	v.step(platform.Building, "creating an environment for Python %s with %s", v.r.Version, with.name)
	err := v.runIn(ctx, v.p, with.env, "creating the environment", with.creates[0], append(with.creates[1:], venv)...)
	if err != nil {
		return platform.Environment{}, nil, withVenvHint(err, v.r)
	}
	if l.Partial {
		err = v.installRequirements(ctx, with, l, venv)
	} else {
		err = v.installLock(ctx, with, *l, venv)
	}
	if err != nil {
		return platform.Environment{}, nil, err
	}
	return v.finish(ctx, dir, venv)
}

// installLock installs exactly what a lock says.
func (v *venvBuild) installLock(ctx context.Context, with installer, l lock, venv string) error {
	if strings.TrimSpace(l.Resolved) == "" {
		return nil
	}
	lines := []string{l.Resolved}
	if with.name == "pip" && len(l.Local) > 0 {
		lines = l.requirements() // pip asks for the hashes of all or none, and a folder has none
	}
	path, err := v.write("lock.txt", lines)
	if err != nil {
		return err
	}
	args := []string{"--no-deps", "--requirement", path}
	if len(v.r.Options) > 0 {
		path, err := v.write("options.txt", v.r.Options)
		if err != nil {
			return err
		}
		args = append(args, "--requirement", path)
	}
	return v.install(ctx, with, venv, v.r.Source, args...)
}

// installRequirements installs what the project asks for, in the versions of l if it has some, and notes in l what was
// installed. The framework and its server are installed together with it, in versions that fit; an app ran like that on
// Ploomber Cloud too. Only where everything has to have a hash they come afterwards, and only if they are missing.
func (v *venvBuild) installRequirements(ctx context.Context, with installer, l *lock, venv string) error {
	args, err := v.requirements()
	if err != nil {
		return err
	}
	if with.name == "uv" && v.r.UVFile != "" {
		args = []string{"--requirement", v.r.UVFile}
	}
	missing := v.missing()
	var versions []string
	if l.Resolved != "" {
		path, err := v.write("versions.txt", l.requirements())
		if err != nil {
			return err
		}
		versions = []string{"--constraint", path}
	}
	if !v.r.Hashed {
		args, missing = slices.Concat(args, missing, versions), nil
	}
	if len(args) > len(versions) || v.r.Hashed && len(args) > 0 {
		if err := v.install(ctx, with, venv, v.r.Source, args...); err != nil {
			return err
		}
	}
	for _, name := range missing {
		if v.has(ctx, venv, name) {
			continue
		}
		have, err := v.installed(ctx, venv)
		if err != nil {
			return err
		}
		path, err := v.write("installed.txt", []string{have})
		if err != nil {
			return err
		}
		if err := v.install(ctx, with, venv, name, slices.Concat([]string{"--constraint", path, name}, versions)...); err != nil {
			return err
		}
	}
	l.Resolved, err = v.installed(ctx, venv)
	return err
}

// install installs into the environment at venv.
func (v *venvBuild) install(ctx context.Context, with installer, venv, what string, args ...string) error {
	v.step(platform.Building, "installing %s", what)
	command := slices.Concat(with.installs(pythonOf(venv)), args)
	return v.explained(v.runIn(ctx, v.p, with.env, "installing "+what, command[0], command[1:]...), with)
}

// requirements returns what the project asks for as arguments of an installer. What the inspector found in a lock file or in
// the code is written to a file first.
func (v *venvBuild) requirements() (args []string, err error) {
	if v.r.File != "" {
		return []string{"--requirement", v.r.File}, nil
	}
	for _, list := range []struct {
		option, name string
		lines        []string
	}{{"--requirement", "requirements.txt", v.r.Lines}, {"--constraint", "constraints.txt", v.r.Pins}} {
		if len(list.lines) == 0 {
			continue
		}
		path, err := v.write(list.name, list.lines)
		if err != nil {
			return nil, err
		}
		args = append(args, list.option, path)
	}
	return args, nil
}

// missing returns the framework and its server as far as the project does not ask for them.
func (v *venvBuild) missing() []string {
	var names []string
	for _, name := range []string{distribution(v.p), v.p.Recipe.Supplied} {
		if name != "" && !slices.Contains(v.r.Names, canonical(name)) {
			names = append(names, name)
		}
	}
	return names
}

// has reports whether the framework or its server came with something else.
func (v *venvBuild) has(ctx context.Context, venv, name string) bool {
	if name == v.p.Recipe.Supplied {
		_, there := platform.Executable(filepath.Join(binOf(venv), v.p.Recipe.Program))
		return there
	}
	return v.hasPackage(ctx, pythonOf(venv)) == nil
}

// installed returns what is installed, one NAME==VERSION per line.
func (v *venvBuild) installed(ctx context.Context, venv string) (string, error) {
	have, err := v.ask(ctx, v.p, pythonOf(venv), "-I", "-c",
		"import importlib.metadata as m\nfor d in m.distributions(): print('%s==%s' % (d.metadata['Name'], d.version))")
	return have + "\n", err
}

// write writes a file that is needed during the build.
func (v *venvBuild) write(name string, lines []string) (path string, err error) {
	path = filepath.Join(v.scratch, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write to the cache folder: %w", err)
	}
	return path, nil
}

// finish checks an environment, compiles it and describes it.
func (v *venvBuild) finish(ctx context.Context, dir, venv string) (platform.Environment, []string, error) {
	bytecode := filepath.Join(dir, "bytecode")
	env := platform.Environment{
		Bin: binOf(venv),
		// Python looks for bytecode here and nowhere else, and writes that of the project here, not beside its files.
		Vars: map[string]string{"VIRTUAL_ENV": venv, "PYTHONPYCACHEPREFIX": bytecode},
	}
	python := pythonOf(venv)
	needs := []string{python}
	started := true
	if v.p.Recipe.Program != "" {
		var program string
		program, started = platform.Executable(filepath.Join(env.Bin, v.p.Recipe.Program))
		if started {
			needs = append(needs, program)
		}
	}
	err := v.checkPackage(ctx, python, started)
	if err == nil {
		err = v.compile(ctx, python, bytecode)
	}
	if err == nil {
		err = protect(venv)
	}
	return env, needs, err
}

// checkPackage sees to it that the framework is there; started says whether its program is.
func (v *venvBuild) checkPackage(ctx context.Context, python string, started bool) error {
	if v.p.Recipe.Package == "" {
		return nil // the command of the project knows what it needs
	}
	if started {
		if err := v.hasPackage(ctx, python); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return &platform.Problem{
		Reason: platform.ReasonDependency,
		Msg:    fmt.Sprintf("%s does not bring %s", v.r.Source, v.p.Recipe.Package),
		Hint:   fmt.Sprintf("add %q to it", distribution(v.p)),
	}
}

// hasPackage returns nil if the framework can be imported.
func (v *venvBuild) hasPackage(ctx context.Context, python string) error {
	_, err := v.ask(ctx, v.p, python, "-I", "-c",
		fmt.Sprintf("import importlib.util, sys; sys.exit(importlib.util.find_spec(%q) is None)", v.p.Recipe.Package))
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
		problem.Reason = platform.ReasonPython
		problem.Hint = fmt.Sprintf("install the venv module of Python, on Debian and Ubuntu with 'apt install python%s-venv'", short)
	}
	return problem
}
