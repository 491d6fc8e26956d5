package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// wanted is the version of Python that a file of a project names; the zero value for none.
type wanted struct{ minor, file string } // such as 3.12 and .python-version

// wantedPython reads .python-version, as pyenv and uv write it, and runtime.txt, as Heroku and others read it. Ranges and
// other implementations are ignored.
func wantedPython(dir string) wanted {
	version := regexp.MustCompile(`^(?:cpython-|python-)?(3\.\d+)(?:\.\d+)?$`)
	for _, file := range []string{".python-version", "runtime.txt"} {
		data, _ := os.ReadFile(filepath.Join(dir, file))
		for line := range strings.Lines(string(data)) {
			if m := version.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				return wanted{m[1], file}
			}
		}
	}
	return wanted{}
}

func (w wanted) is(version string) bool {
	return w.minor == "" || strings.HasPrefix(version, w.minor+".")
}

// inspect returns what p needs and the interpreter for it: of the version that a file of the project names, or else python3
// of PATH, or where the project excludes that the newest that fits.
func (b *Builder) inspect(ctx context.Context, p Project, want wanted) (report, error) {
	first := b.defaultPythons()
	var failed error
	var unfit, usable *report
	seen := map[string]bool{}
	for _, python := range slices.Concat(first[:min(1, len(first))], b.pythonsOf(want.minor), first, b.otherPythons()) {
		if seen[python] {
			continue
		}
		seen[python] = true
		r, err := b.inspectWith(ctx, p, python, time.Time{})
		var problem *platform.Problem
		switch {
		case errors.As(err, &problem) && problem.Reason == platform.ReasonPython:
			failed = cmp.Or(failed, err) // such as the shim of a version manager
		case err != nil:
			return report{}, err
		case r.Requires != "":
			unfit = cmp.Or(unfit, &r)
		case want.is(r.Version):
			return r, nil
		default:
			usable = cmp.Or(usable, &r)
		}
		if want.minor == "" && failed != nil && unfit == nil {
			return report{}, failed
		}
	}
	switch {
	case usable != nil:
		usable.Warnings = append(usable.Warnings, fmt.Sprintf(
			"%s asks for Python %s, which is not installed here; Python %s is used", want.file, want.minor, usable.Version))
		return *usable, nil
	case unfit != nil:
		return report{}, &platform.Problem{
			Reason: platform.ReasonPython,
			Msg:    fmt.Sprintf("%s requires Python %s, but python3 is %s", unfit.Source, unfit.Requires, unfit.Version),
			Hint:   "install a matching Python version, available in PATH as python3 or, for example, python3.13",
		}
	case failed != nil:
		return report{}, failed
	}
	return report{}, &platform.Problem{
		Reason: platform.ReasonPython, Msg: "Python is not installed, or not in PATH", Hint: "install Python 3 with its venv module",
	}
}

// defaultPythons returns what PATH has as Python, the one that a shell would start first.
func (b *Builder) defaultPythons() []string {
	names := []string{"python3", "python"}
	if runtime.GOOS == "windows" {
		names = []string{"python", "py"}
	}
	var found []string
	for _, name := range names {
		for _, dir := range filepath.SplitList(platform.Lookup(b.Environ, "PATH")) {
			if path, ok := platform.Executable(filepath.Join(dir, name)); ok && filepath.IsAbs(dir) {
				found = append(found, path)
			}
		}
	}
	return found
}

// pythonsOf returns interpreters of a version such as 3.12: of PATH, pyenv and uv, the newest first.
func (b *Builder) pythonsOf(minor string) []string {
	if minor == "" {
		return nil
	}
	var found []string
	if path, err := platform.FindProgram(b.Environ, "python"+minor); err == nil {
		found = append(found, path)
	}
	home := platform.Lookup(b.Environ, "HOME")
	pyenv := cmp.Or(platform.Lookup(b.Environ, "PYENV_ROOT"), filepath.Join(home, ".pyenv"))
	for _, pattern := range []string{
		filepath.Join(pyenv, "versions", minor+".*"), filepath.Join(home, ".local", "share", "uv", "python", "cpython-"+minor+".*"),
	} {
		dirs, _ := filepath.Glob(pattern)
		slices.SortFunc(dirs, func(x, y string) int { return cmp.Or(cmp.Compare(len(y), len(x)), cmp.Compare(y, x)) })
		for _, dir := range dirs {
			if path, ok := platform.Executable(filepath.Join(dir, "bin", "python"+minor)); ok && filepath.IsAbs(dir) {
				found = append(found, path)
			}
		}
	}
	return found
}

// otherPythons returns interpreters of PATH by their versions, the newest first.
func (b *Builder) otherPythons() []string {
	var found []string
	for minor := 30; minor >= 8; minor-- {
		if path, err := platform.FindProgram(b.Environ, fmt.Sprintf("python3.%d", minor)); err == nil {
			found = append(found, path)
		}
	}
	return found
}
