package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	markerName = "ready.json"
	lockSuffix = ".lock"
	sameSuffix = ".same" // marks a key that is served by another key's environment
)

// marker is the content of markerName. Its modification time is when the environment was last used.
type marker struct {
	Project     string               `json:"project"` // the folder it was first built for
	Made        time.Time            `json:"made"`
	Environment platform.Environment `json:"environment"`
	Needs       []string             `json:"needs"` // files that must exist, following links
}

// readMarker returns false if the environment is not complete.
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
	file := fsx.File{Path: filepath.Join(dir, markerName), Data: append(data, '\n'), Mode: fsx.Private}
	if err := fsx.Replace(file); err != nil {
		return fmt.Errorf("complete the environment: %w", err)
	}
	return nil
}

// works reports whether everything the environment depends on still exists. A Python update, for example, may have
// removed the interpreter that a virtual environment links to.
func (m marker) works() bool {
	for _, path := range m.Needs {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

func (m marker) touch(dir string, now time.Time) {
	_ = os.Chtimes(filepath.Join(dir, markerName), now, now) // otherwise it is pruned early, which costs a rebuild
}

// removeEnv removes an environment, the marker first, so that an interrupted removal does not look complete.
func removeEnv(dir string) error {
	if err := os.Remove(filepath.Join(dir, markerName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

func (b *Builder) envs() string { return filepath.Join(b.CacheDir, "envs") }

// same returns the key whose environment also serves key; key itself if it has its own.
func (b *Builder) same(key string) string {
	other, err := os.ReadFile(filepath.Join(b.envs(), key+sameSuffix))
	if err != nil || !strings.HasPrefix(string(other), "python-") {
		return key
	}
	return filepath.Base(string(other))
}

// pointer is the file that names the environment last built for p, and in its second line the folder of p.
func (b *Builder) pointer(p Project) string {
	return filepath.Join(b.CacheDir, "projects", platform.FolderName(p.Dir), pointerName)
}

const pointerName = "environment"

// readPointer returns the name of an environment and its last project; "" if there is none.
func readPointer(path string) (key, dir string, err error) {
	data, err := os.ReadFile(path)
	key, dir, _ = strings.Cut(strings.TrimRight(string(data), "\n"), "\n")
	return key, dir, err
}

func (b *Builder) remember(p Project, key string) error {
	path, content := b.pointer(p), key+"\n"+p.Dir+"\n"
	if old, err := os.ReadFile(path); err == nil && string(old) == content {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}
