package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const requirementsName = "requirements.txt"

// readRequirements returns the content of requirements.txt in dir and of every file that it refers to, each
// once, in the order in which they are read, and the state of the packages on this machine that they name. The error is a *platform.Problem where one is missing.
func readRequirements(dir, framework string) ([]string, error) {
	path := filepath.Join(dir, requirementsName)
	r := requirementsReader{dir: dir, seen: map[string]bool{}}
	err := r.read(path)
	if errors.Is(err, fs.ErrNotExist) && !r.seen[path] {
		return nil, &platform.Problem{
			Msg:  path + " not found",
			Hint: fmt.Sprintf("write one with a package a line; this app needs at least %q", framework),
		}
	}
	if err != nil {
		return nil, &platform.Problem{Msg: "cannot read the requirements", Err: err}
	}
	return r.contents, nil
}

type requirementsReader struct {
	dir      string // installers take local packages to be relative to it
	seen     map[string]bool
	contents []string
}

func (r *requirementsReader) read(path string) error {
	if r.seen[path] {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	r.seen[path] = true
	r.contents = append(r.contents, string(data))
	for _, local := range localPackages(string(data)) {
		if !filepath.IsAbs(local) {
			local = filepath.Join(r.dir, local)
		}
		r.contents = append(r.contents, treeState(local))
	}
	for _, ref := range references(string(data)) {
		if strings.Contains(ref, "://") {
			continue // what is behind an address counts as its name does
		}
		if !filepath.IsAbs(ref) {
			ref = filepath.Join(filepath.Dir(path), ref)
		}
		if err := r.read(ref); err != nil {
			return fmt.Errorf("%s refers to a file: %w", path, err)
		}
	}
	return nil
}

// references returns the files that a requirements file names with -r, -c and their long forms.
func references(content string) []string {
	var refs []string
	content = strings.NewReplacer("\r\n", "\n", "\\\r\n", " ", "\\\n", " ").Replace(content)
	for line := range strings.Lines(content) {
		line = strings.TrimSpace(line)
		if hash := strings.Index(line, " #"); hash >= 0 {
			line = strings.TrimSpace(line[:hash])
		}
		for _, option := range []string{"--requirement", "--constraint", "-r", "-c"} {
			rest, ok := strings.CutPrefix(line, option)
			if !ok {
				continue
			}
			ref := strings.Trim(strings.TrimPrefix(strings.TrimSpace(rest), "="), ` "'`)
			// A long option needs a separator: --requirements is another word.
			if ref != "" && (len(option) == 2 || strings.ContainsAny(rest[:1], " =\t")) {
				refs = append(refs, ref)
			}
			break
		}
	}
	return refs
}

// localPackages returns the paths of packages that a requirements file takes from this machine. Those that are
// installed as editable are left out: their files are used where they are.
func localPackages(content string) []string {
	var paths []string
	for line := range strings.Lines(content) {
		line = strings.TrimSpace(line)
		if _, address, ok := strings.Cut(line, "file:"); ok && !strings.HasPrefix(line, "-") {
			line = "/" + strings.TrimLeft(address, "/")
		}
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "/") {
			path, _, _ := strings.Cut(line, " ")
			path, _, _ = strings.Cut(path, "[") // extras
			paths = append(paths, path)
		}
	}
	return paths
}

// treeState returns a text that changes when a file at or below path does. What builds of a package leave in
// its folder does not count, nor do hidden files.
func treeState(path string) string {
	var state strings.Builder
	_ = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // the installer will say what is wrong
		}
		name := d.Name()
		if file != path && (strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".egg-info") || name == "build" || name == "__pycache__") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			fmt.Fprintln(&state, file, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return state.String()
}
