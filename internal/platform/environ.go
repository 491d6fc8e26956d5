package platform

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Environ lays sets of variables over base, later ones winning, and returns the result sorted. Names are
// compared as the operating system does: without regard to case on Windows.
func Environ(base []string, over ...map[string]string) []string {
	merged := map[string]string{}
	spelled := map[string]string{}
	put := func(name, value string) {
		key := name
		if runtime.GOOS == "windows" {
			key = strings.ToUpper(name)
		}
		merged[key], spelled[key] = value, name
	}
	for _, kv := range base {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			put(name, value)
		}
	}
	for _, set := range over {
		for name, value := range set {
			put(name, value)
		}
	}
	env := make([]string, 0, len(merged))
	for _, key := range slices.Sorted(maps.Keys(merged)) {
		env = append(env, spelled[key]+"="+merged[key])
	}
	return env
}

// Without returns environ less the named variables.
func Without(environ []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.ContainsFunc(names, func(n string) bool { return sameName(n, name) })
	})
}

// Lookup returns the value of a variable in environ, the last one where it is there twice; "" without one.
func Lookup(environ []string, name string) string {
	value := ""
	for _, kv := range environ {
		if n, v, ok := strings.Cut(kv, "="); ok && sameName(n, name) {
			value = v
		}
	}
	return value
}

// FindProgram returns the absolute path of the first of names that the PATH of environ leads to. Relative
// entries of PATH are passed over, so that a project cannot bring its own. The error wraps fs.ErrNotExist.
func FindProgram(environ []string, names ...string) (string, error) {
	for _, name := range names {
		for _, dir := range filepath.SplitList(Lookup(environ, "PATH")) {
			if !filepath.IsAbs(dir) {
				continue
			}
			if p, ok := Executable(filepath.Join(dir, name)); ok {
				return p, nil
			}
		}
	}
	return "", &fs.PathError{Op: "find program", Path: strings.Join(names, " or "), Err: fs.ErrNotExist}
}

// Executable returns path, on Windows with the ending that makes it a program, if there is such a program.
func Executable(path string) (string, bool) {
	endings := []string{""}
	if runtime.GOOS == "windows" {
		endings = []string{".exe", ".cmd", ".bat"}
	}
	for _, ending := range endings {
		info, err := os.Stat(path + ending)
		if err != nil || info.IsDir() {
			continue
		}
		if runtime.GOOS == "windows" || info.Mode()&0o111 != 0 {
			return path + ending, true
		}
	}
	return "", false
}

// Entry returns the name of the file in dir that recipe starts, "" where a command starts it. The error is a *Problem
// that names what to write.
func Entry(dir string, recipe Recipe) (string, error) {
	if recipe.Entry == "" {
		return "", nil
	}
	_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(recipe.Entry)))
	switch {
	case err == nil:
		return recipe.Entry, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", &Problem{Msg: "cannot read the app", Err: err}
	}
	return "", &Problem{
		Msg:  filepath.Join(dir, recipe.Entry) + " not found",
		Hint: "name the file that starts the app with --entry FILE",
	}
}

func sameName(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

// FolderName returns a name for what is kept about a project outside it: readable, and different for every
// folder on this machine. dir is absolute.
func FolderName(dir string) string {
	sum := sha256.Sum256([]byte(filepath.Clean(dir)))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, filepath.Base(dir))
	// A socket below this folder may have a path of about 100 bytes at most.
	return name[:min(len(name), 16)] + "-" + hex.EncodeToString(sum[:5])
}

// Foreign tells whether a folder of a project holds what others wrote: environments, caches, repositories.
func Foreign(dir fs.FS, name string) bool {
	switch base := path.Base(name); base {
	case "__pycache__", "node_modules", "site-packages":
		return true
	default:
		if strings.HasPrefix(base, ".") {
			return true
		}
	}
	_, err := fs.Stat(dir, path.Join(name, "pyvenv.cfg"))
	return err == nil
}
