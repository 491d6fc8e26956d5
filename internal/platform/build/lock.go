package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// lock is what the requirements of a project resolve to. An environment is made of nothing else, so projects with the
// same lock share one, and it can be made again. It is kept longer than the environment.
type lock struct {
	Python      string          `json:"python"` // version, such as 3.11.7
	Platform    string          `json:"platform"`
	Interpreter string          `json:"interpreter"`      // path
	Resolved    string          `json:"resolved"`         // every distribution with its version, in the format of requirements files
	Partial     bool            `json:"partial"`          // Resolved lacks what is not of an index, and hashes: see rebuild
	Paths       []string        `json:"paths,omitempty"`  // folders with modules, relative to the project
	Local       json.RawMessage `json:"local,omitempty"`  // the state of what is taken from this machine
	Inputs      string          `json:"inputs,omitempty"` // digest; only where Resolved is Partial
	Made        time.Time       `json:"made,omitzero"`    // as above
}

// key names the lock, and the environment that is made of it. A partial one is only complete once the environment has
// been made, so it is told apart by what it is made from and when.
func (l lock) key() (string, error) {
	if l.Partial {
		l.Resolved = ""
	}
	data, err := json.Marshal(l)
	return "python-" + digest(string(data)), err
}

const lockEnding = ".json"

func (b *Builder) locks() string { return filepath.Join(b.CacheDir, "locks") }
func (b *Builder) lockPath(key string) string {
	return filepath.Join(b.locks(), filepath.Base(key)+lockEnding)
}

// readLock returns the lock with a key; the error wraps fs.ErrNotExist if it is not kept.
func (b *Builder) readLock(key string) (l lock, err error) {
	data, err := os.ReadFile(b.lockPath(key))
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	return l, err
}

func (b *Builder) writeLock(key string, l lock) error {
	data, err := json.MarshalIndent(l, "", "    ")
	if err == nil {
		err = os.MkdirAll(b.locks(), 0o700)
	}
	if err == nil {
		err = fsx.Replace(fsx.File{Path: b.lockPath(key), Data: append(data, '\n'), Mode: fsx.Private})
	}
	if err != nil {
		return fmt.Errorf("keep the resolved requirements: %w", err)
	}
	return nil
}

// resolvedFor is how long the same requirements of another project resolve to the same lock. Within one project they do
// as long as they stay the same.
const resolvedFor = 24 * time.Hour

// resolved is a folder for each digest of inputs, with an empty file for each lock that they have been resolved to.
func (b *Builder) resolved() string { return filepath.Join(b.CacheDir, "resolved") }

// resolvedTo returns the key of the lock for inputs; "" if they have to be resolved. It is the previous one of the project
// if that was for the same inputs, or a recent one.
func (b *Builder) resolvedTo(inputs, previous string) string {
	dir := filepath.Join(b.resolved(), inputs)
	if b.isResolved(dir, previous) {
		return previous
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	latest, when := "", b.Now().Add(-resolvedFor)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.ModTime().After(when) && b.isResolved(dir, e.Name()) {
			latest, when = e.Name(), info.ModTime()
		}
	}
	return latest
}

// isResolved reports whether the inputs of dir resolve to a lock that is still kept.
func (b *Builder) isResolved(dir, key string) bool {
	if key == "" {
		return false
	}
	for _, path := range []string{filepath.Join(dir, filepath.Base(key)), b.lockPath(key)} {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

// rememberResolved notes that inputs resolve to a lock.
func (b *Builder) rememberResolved(inputs, key string) error {
	path := filepath.Join(b.resolved(), inputs, key)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err == nil {
		err = os.Chtimes(path, b.Now(), b.Now())
	}
	return err
}

// forget removes locks, with what resolves to them, for which gone returns true.
func (b *Builder) forget(gone func(key string, used time.Time) bool) {
	paths, _ := filepath.Glob(filepath.Join(b.locks(), "*"+lockEnding))
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && gone(strings.TrimSuffix(filepath.Base(path), lockEnding), info.ModTime()) {
			_ = os.Remove(path)
		}
	}
	notes, _ := filepath.Glob(filepath.Join(b.resolved(), "*", "*"))
	for _, path := range notes {
		if _, err := os.Stat(b.lockPath(filepath.Base(path))); errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(path)
			_ = os.Remove(filepath.Dir(path)) // fails unless it was the last
		}
	}
}

// requirements returns the distributions of a lock, one per line, without their hashes and comments.
func (l lock) requirements() []string {
	var found []string
	for line := range strings.Lines(l.Resolved) {
		line = strings.TrimSuffix(strings.TrimSpace(line), "\\")
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "--hash") {
			found = append(found, line)
		}
	}
	return slices.Clip(found)
}
