// Package catalog provides the example apps: a set built into the program, and the larger one of the product's
// documentation, cached in the user's home folder. It provides names, titles and copies; it does not know how an
// example is chosen or what is printed.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Errors of Find and CopyTo; what they are about is in the message.
var (
	ErrUnknownFramework = errors.New("unknown framework")
	ErrUnknownExample   = errors.New("unknown example")
	ErrExists           = errors.New("already exists")
)

// Example is one app that can be copied.
type Example struct {
	Framework   string // folder name, e.g. "streamlit"; also the project type, but for frameworks of docker
	Name        string // folder name, e.g. "basic-app"
	Title       string // never empty
	Description string // one paragraph on one line; may be empty

	files  fs.FS
	parsed bool // title and description come from a README
}

// CopyTo writes the example to the folder dest, which must not exist; folders above it are made. The example
// arrives under its name complete or not at all, also when ctx ends. An error wraps ErrExists where dest is
// there.
func (e Example) CopyTo(ctx context.Context, dest string) (err error) {
	dest = filepath.Clean(dest)
	if _, err := os.Lstat(dest); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = ErrExists
		}
		return fmt.Errorf("cannot copy the example to %s: %w", dest, err)
	}
	// The nearest folder that is there gets one new entry, by one rename, at the very end.
	base, missing := filepath.Dir(dest), []string{filepath.Base(dest)}
	for !isThere(base) && base != filepath.Dir(base) {
		missing = append(missing, filepath.Base(base))
		base = filepath.Dir(base)
	}
	slices.Reverse(missing)
	staging, err := os.MkdirTemp(base, ".ploomber-cloud-*.tmp")
	if err != nil {
		return fmt.Errorf("cannot copy the example to %s: %w", dest, err)
	}
	defer func() { _ = os.RemoveAll(staging) }() // empty after success
	err = copyFiles(ctx, filepath.Join(append([]string{staging}, missing...)...), e.files)
	if err == nil {
		err = os.Rename(filepath.Join(staging, missing[0]), filepath.Join(base, missing[0]))
	}
	if err != nil {
		return fmt.Errorf("cannot copy the example to %s: %w", dest, err)
	}
	return nil
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func copyFiles(ctx context.Context, dir string, files fs.FS) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return err
	}
	return ctx.Err()
}

// Set is a number of examples. The zero Set is empty. A Set does not change and may be used concurrently.
type Set struct {
	examples map[string][]Example // by framework; sorted by name
}

// newSet sorts the examples; of two with one name the later is taken.
func newSet(examples []Example) Set {
	byName := map[string]map[string]Example{}
	for _, e := range examples {
		if byName[e.Framework] == nil {
			byName[e.Framework] = map[string]Example{}
		}
		byName[e.Framework][e.Name] = e
	}
	s := Set{examples: map[string][]Example{}}
	for framework, named := range byName {
		for _, name := range slices.Sorted(maps.Keys(named)) {
			s.examples[framework] = append(s.examples[framework], named[name])
		}
	}
	return s
}

// Frameworks returns the names of the frameworks that have an example, sorted.
func (s Set) Frameworks() []string { return slices.Sorted(maps.Keys(s.examples)) }

// Examples returns the examples of a framework, sorted by name.
func (s Set) Examples(framework string) []Example { return slices.Clone(s.examples[framework]) }

// Names returns every example as "framework/example", sorted: what completion offers.
func (s Set) Names() []string {
	var names []string
	for framework, examples := range s.examples {
		for _, e := range examples {
			names = append(names, framework+"/"+e.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Find returns the example of that name; names are compared exactly. The error wraps ErrUnknownFramework or
// ErrUnknownExample.
func (s Set) Find(framework, name string) (Example, error) {
	for _, e := range s.examples[framework] {
		if e.Name == name {
			return e, nil
		}
	}
	if len(s.examples[framework]) == 0 {
		return Example{}, fmt.Errorf("%w %q; there are %s", ErrUnknownFramework, framework, list(s.Frameworks()))
	}
	var names []string
	for _, e := range s.examples[framework] {
		names = append(names, e.Name)
	}
	return Example{}, fmt.Errorf("%w %q of %s; there are %s", ErrUnknownExample, name, framework, list(names))
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
