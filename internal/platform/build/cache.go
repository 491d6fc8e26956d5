package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

// touch notes that the environment and the lock of a key are used. Without it they are pruned early, which costs a rebuild.
func (b *Builder) touch(key string) {
	now := b.Now()
	_ = os.Chtimes(filepath.Join(b.envs(), key, markerName), now, now)
	_ = os.Chtimes(b.lockPath(key), now, now)
	if b.Hosting && !b.isKept(key) {
		_ = os.WriteFile(b.keptPath(key), nil, 0o600)
	}
}

// removeEnv removes an environment, the marker first, so that an interrupted removal does not look complete.
func removeEnv(dir string) error {
	if err := os.Remove(filepath.Join(dir, markerName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	// Nothing can be removed from a folder that is protected.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700) //nolint:gosec // a folder
		}
		return err
	})
	return os.RemoveAll(dir)
}

// protect lets everyone read the content of a folder and nobody change it. An app that did would change other environments too: files are linked
// to those of the installer's cache.
func protect(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			folders = append(folders, path)
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()&^0o222 | 0o444 // whatever the umask is
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		if mode != info.Mode().Perm() {
			return os.Chmod(path, mode)
		}
		return nil
	})
	for _, path := range folders {
		if err == nil {
			err = os.Chmod(path, 0o555) //nolint:gosec // see makeFolders
		}
	}
	return err
}

func (b *Builder) envs() string { return filepath.Join(b.CacheDir, "envs") }

// makeFolders creates the cache folder. Its owner may let others enter it, such as users that run apps: they can read the
// environments, and nothing else.
func (b *Builder) makeFolders() error {
	err := os.MkdirAll(b.CacheDir, 0o700)
	for _, dir := range []string{b.resolved(), b.locks()} {
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
	}
	if err == nil {
		err = os.MkdirAll(b.envs(), 0o755) //nolint:gosec // see above
	}
	if err != nil {
		return fmt.Errorf("create the cache folder: %w", err)
	}
	return nil
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
