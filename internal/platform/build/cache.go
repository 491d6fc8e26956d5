package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	markerName = "ready.json"
	lockSuffix = ".lock"
	keepFor    = 30 * 24 * time.Hour // how long an environment is kept that nobody uses
)

// marker is the content of markerName. Its modification time is when the environment was last used.
type marker struct {
	Project     string               `json:"project"` // the folder it was first built for
	Made        time.Time            `json:"made"`
	Environment platform.Environment `json:"environment"`
	Needs       []string             `json:"needs"` // files that have to be there, links followed
}

// readMarker reports false where the environment is not complete.
func readMarker(dir string) (m marker, ok bool) {
	data, err := os.ReadFile(filepath.Join(dir, markerName))
	if err != nil {
		return marker{}, false
	}
	err = json.Unmarshal(data, &m)
	return m, err == nil
}

func (m marker) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "    ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, markerName)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("complete the environment: %w", err)
	}
	return os.Rename(path+".new", path)
}

// works reports whether what the environment leans on is still there. An update of Python, say, may have
// taken away the interpreter that a virtual environment links to.
func (m marker) works() bool {
	for _, path := range m.Needs {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

func (m marker) touch(dir string, now time.Time) {
	_ = os.Chtimes(filepath.Join(dir, markerName), now, now) // else it is pruned early, which costs a rebuild
}

// removeEnv removes an environment. The marker goes first, so that a removal that is broken off leaves
// nothing that looks complete.
func removeEnv(dir string) error {
	if err := os.Remove(filepath.Join(dir, markerName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

// prune removes environments that nobody has used for long, half-made ones too. It is housekeeping: what
// cannot be removed now stays until the next time.
func (b *Builder) prune() {
	entries, err := os.ReadDir(b.envs())
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(b.envs(), e.Name())
		info, err := os.Stat(filepath.Join(dir, markerName))
		if err != nil {
			info, err = e.Info()
		}
		if err != nil || strings.HasSuffix(e.Name(), lockSuffix) || b.Now().Sub(info.ModTime()) < keepFor {
			continue
		}
		lock := flock.New(dir + lockSuffix)
		if ok, err := lock.TryLock(); ok && err == nil {
			_ = removeEnv(dir)
			_ = lock.Unlock()
		}
	}
}

func (b *Builder) envs() string { return filepath.Join(b.CacheDir, "envs") }

// pointer is the file that names the environment last built for p.
func (b *Builder) pointer(p Project) string {
	return filepath.Join(b.CacheDir, "projects", platform.FolderName(p.Dir), "environment")
}

func (b *Builder) remember(p Project, key string) error {
	path := b.pointer(p)
	if old, err := os.ReadFile(path); err == nil && string(old) == key {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(key), 0o600)
}
