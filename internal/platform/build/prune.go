package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	keepFor      = 30 * 24 * time.Hour // how long an unused environment is kept
	keepLooseFor = 24 * time.Hour      // and one that is outdated: the requirements of its project have changed
)

// Entry is one item in the cache.
type Entry struct {
	Path    string    // a folder
	Kind    string    // "environment", "downloads", "tool" or "app files"
	Project string    // the project that it was built for; "" if shared
	Used    time.Time // the last time; zero where that is not known
	Bytes   int64     // minimum space that its removal would free
	InUse   bool      // by a running process
	Current bool      // whether it is the latest one of an existing project, or a platform needs it
}

// List returns the content of the cache, environments first, most recently used first. A file shared by several
// entries, such as environments created by uv and its downloads, counts for the first one.
func (b *Builder) List(ctx context.Context) ([]Entry, error) {
	current := b.current()
	seen := map[fileID]bool{}
	var found []Entry
	dirs, err := folders(b.envs())
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		m, _ := readMarker(dir)
		found = append(found, Entry{
			Path: dir, Kind: "environment", Project: m.Project, Used: lastUsed(dir), InUse: b.inUse(dir), Current: current[filepath.Base(dir)] != "" || b.isKept(filepath.Base(dir)),
		})
	}
	slices.SortStableFunc(found, func(x, y Entry) int { return y.Used.Compare(x.Used) })
	tools, err := folders(b.tools())
	if err != nil {
		return nil, err
	}
	for _, dir := range tools {
		found = append(found, Entry{Path: dir, Kind: "tool", InUse: b.inUse(dir), Current: currentTool(dir)})
	}
	if _, err := os.Stat(b.downloads()); err == nil {
		found = append(found, Entry{Path: b.downloads(), Kind: "downloads", InUse: b.inUse(b.downloads())})
	}
	for i := range found {
		if found[i].Bytes, err = diskUse(ctx, found[i].Path, seen); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Remove removes an entry, unless it is in use.
func (b *Builder) Remove(e Entry) error {
	if err := os.MkdirAll(filepath.Dir(e.Path), 0o700); err != nil {
		return err
	}
	lock := flock.New(e.Path + lockSuffix)
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", e.Path, err)
	}
	if !locked {
		return fmt.Errorf("%s is in use", e.Path)
	}
	defer func() { _ = lock.Unlock() }()
	if err := removeEnv(e.Path); err != nil {
		return err
	}
	if key := filepath.Base(e.Path); !b.isKept(key) {
		_ = os.Remove(b.lockPath(key)) // the next build resolves again
	}
	return nil
}

// expire removes what nobody has used for long, half-made environments too. It is housekeeping: what cannot be removed
// now stays until the next time.
func (b *Builder) expire() {
	current := b.current()
	dirs, _ := folders(b.envs())
	for _, dir := range dirs {
		key := filepath.Base(dir)
		keep := keepLooseFor
		if current[key] != "" {
			keep = keepFor
		}
		if b.Now().Sub(lastUsed(dir)) >= keep && !b.isKept(key) {
			_ = b.Remove(Entry{Path: dir})
		}
	}
	tools, _ := folders(b.tools())
	for _, dir := range tools {
		if info, err := os.Stat(dir); err == nil && !currentTool(dir) && b.Now().Sub(info.ModTime()) >= keepFor {
			_ = b.Remove(Entry{Path: dir})
		}
	}
	b.forget(func(key string, used time.Time) bool {
		_, ok := readMarker(filepath.Join(b.envs(), key))
		return !ok && !b.isKept(key) && b.Now().Sub(used) >= keepLooseFor
	})
	b.removeScratch()
	// Environments keep the files that they share with it, so this costs a download at most.
	if info, err := os.Stat(filepath.Join(b.downloads(), bornName)); err == nil && b.Now().Sub(info.ModTime()) >= keepFor {
		_ = b.Remove(Entry{Path: b.downloads()})
	}
}

// removeScratch removes what killed builds and an earlier version left.
func (b *Builder) removeScratch() {
	for _, pattern := range []string{filepath.Join(b.CacheDir, scratchPrefix+"*"), filepath.Join(b.envs(), "*.same")} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil && b.Now().Sub(info.ModTime()) >= keepLooseFor {
				_ = os.RemoveAll(path)
			}
		}
	}
}

// bornName is a file among the downloads that tells by its time how old they are.
const bornName = "ploomber-cloud"

// useDownloads keeps what is downloaded from being removed until release is called.
func (b *Builder) useDownloads(ctx context.Context) (release func(), err error) {
	if err := os.MkdirAll(b.CacheDir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(b.downloads() + lockSuffix)
	if _, err := lock.TryRLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("lock %s: %w", b.downloads(), err)
	}
	born := filepath.Join(b.downloads(), bornName)
	if _, err := os.Stat(born); errors.Is(err, fs.ErrNotExist) {
		err := os.MkdirAll(b.downloads(), 0o700)
		if err == nil {
			err = os.WriteFile(born, nil, 0o600)
		}
		if err == nil {
			err = os.Chtimes(born, b.Now(), b.Now())
		}
		if err != nil {
			_ = lock.Unlock()
			return nil, err
		}
	}
	return func() { _ = lock.Unlock() }, nil
}

// current returns, for each environment that a project which is still there had last, that project.
func (b *Builder) current() map[string]string {
	pointers, _ := filepath.Glob(filepath.Join(b.CacheDir, "projects", "*", pointerName))
	current := map[string]string{}
	for _, path := range pointers {
		key, dir, err := readPointer(path)
		if err != nil {
			continue
		}
		if _, err := os.Stat(dir); dir == "" || err == nil {
			current[filepath.Base(key)] = path
		}
	}
	return current
}

// currentTool reports whether this version of the program uses what is in dir; another version may have left it.
func currentTool(dir string) bool {
	inspector, _, err := inspectorFiles()
	name := filepath.Base(dir)
	return err == nil && name == inspector || strings.HasPrefix(name, "uv-"+uvVersion()+"-")
}

// inUse reports whether a process that runs holds the lock of dir.
func (b *Builder) inUse(dir string) bool {
	lock := flock.New(dir + lockSuffix)
	if _, err := os.Stat(lock.Path()); err != nil {
		return false
	}
	locked, err := lock.TryLock()
	_ = lock.Unlock()
	return err == nil && !locked
}

// lastUsed is when an environment was last used, or where it is not complete when it was begun.
func lastUsed(dir string) time.Time {
	info, err := os.Stat(filepath.Join(dir, markerName))
	if err != nil {
		info, err = os.Stat(dir)
	}
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// folders returns the folders in dir, none where dir is not there.
func folders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, nil
}

// diskUse returns the bytes of the files below dir that are not in seen, and adds them to it.
func diskUse(ctx context.Context, dir string, seen map[fileID]bool) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // what has gone meanwhile takes no room
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		id, known := identify(info)
		if known && seen[id] {
			return nil
		}
		seen[id] = true
		sum += info.Size()
		return nil
	})
	return sum, err
}
