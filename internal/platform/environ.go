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

// Environ merges sets of variables into base, later ones winning, and returns the result sorted. Names are
// compared like on the operating system: case-insensitively on Windows.
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

// Lookup returns the value of a variable in environ, the last one if there are several; "" if it is not set.
func Lookup(environ []string, name string) string {
	value := ""
	for _, kv := range environ {
		if n, v, ok := strings.Cut(kv, "="); ok && sameName(n, name) {
			value = v
		}
	}
	return value
}

// FindProgram returns the absolute path of the first of names found in the PATH of environ. Relative entries of
// PATH are ignored, so that a project cannot inject programs. The error wraps fs.ErrNotExist.
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

// Executable returns the path of a program, on Windows with its extension, if it exists.
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

// Entry returns the name of the file in dir that recipe starts, "" if it starts a command. The error is a *Problem
// that says how to fix it.
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

// FolderName returns a name for a folder with data of a project: readable, and unique for every project folder on
// this machine. dir is absolute.
func FolderName(dir string) string {
	sum := sha256.Sum256([]byte(filepath.Clean(dir)))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, filepath.Base(dir))
	// The path of a socket below this folder is limited to about 100 bytes.
	return name[:min(len(name), 16)] + "-" + hex.EncodeToString(sum[:5])
}

// Foreign reports whether a folder of a project contains third-party files: environments, caches, repositories.
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
