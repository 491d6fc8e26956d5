package devcmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// environmentMark is a file that every virtual environment has.
const environmentMark = "pyvenv.cfg"

// tree watches the folders that a deployment takes files from. Events of the system only trigger a scan; the scan
// decides, so neither a lost event nor an extra one does harm. It is not safe for concurrent use.
type tree struct {
	dir     string
	watcher *fsnotify.Watcher
	look    func(context.Context) (*flow.Snapshot, error)
	last    *flow.Snapshot // result of the last scan
}

func openTree(ctx context.Context, dir string, look func(context.Context) (*flow.Snapshot, error)) (*tree, error) {
	first, err := look(ctx)
	if err != nil {
		return nil, err
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, failure.Failedf("cannot watch %s: %w", dir, err)
	}
	t := &tree{dir: dir, watcher: watcher, look: look, last: first}
	if _, err := t.follow(dir); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *tree) close() { _ = t.watcher.Close() } // nothing is written

// changed reports whether a deployment would upload something different from the last successful scan.
func (t *tree) changed(ctx context.Context) (bool, error) {
	const tries = 5 // folders may appear during the scan
	before := t.last
	for range tries {
		now, err := t.look(ctx)
		if err != nil {
			t.last = before // a broken configuration must not hide other changes
			return false, err
		}
		t.last = now
		added, err := t.follow(t.dir)
		if err != nil {
			return false, err
		}
		if added == 0 { // otherwise files may have been saved in them unnoticed
			break
		}
	}
	return !t.last.Equal(before), nil
}

// follow watches the folders of a tree that are not excluded, and none below those. It returns how many are new.
func (t *tree) follow(top string) (added int, err error) {
	watched, wanted := map[string]bool{}, map[string]bool{}
	for _, path := range t.watcher.WatchList() {
		watched[path] = true
	}
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == t.dir:
			return failure.Failedf("cannot watch %s: %w", path, err)
		case err != nil: // deleted or unreadable: the scan reports what that means for a deployment
			return filepath.SkipDir
		case !d.IsDir():
			return nil
		case path != t.dir && (d.Name() == ".git" || t.last.LeftOut(t.name(path)+"/") || isEnvironment(path)):
			return filepath.SkipDir
		}
		wanted[path] = true
		if watched[path] {
			return nil
		}
		added++
		return watchable(path, t.watcher.Add(path))
	})
	for path := range watched {
		if below(top, path) && !wanted[path] {
			_ = t.watcher.Remove(path) // one event more or less changes nothing
		}
	}
	return added, err
}

// isEnvironment detects a virtual environment before it is first scanned: installing into one takes long, with
// many events.
func isEnvironment(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, environmentMark))
	return err == nil
}

// watchable explains the error of watching a folder; a folder that was deleted meanwhile is not an error.
func watchable(path string, err error) error {
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EMFILE):
		return failure.Failedf("cannot watch %s: the system's limit of watched folders is reached", path).
			WithHint("exclude folders with 'ignore', or raise the limit (on Linux fs.inotify.max_user_watches)")
	default:
		return failure.Failedf("cannot watch %s: %w", path, err)
	}
}

// concerns reports whether an event may affect a deployed file. New folders are watched from then on.
func (t *tree) concerns(e fsnotify.Event) bool {
	const saved = fsnotify.Create | fsnotify.Write | fsnotify.Remove | fsnotify.Rename
	name := t.name(e.Name)
	if e.Op&saved == 0 || passedOver(name) || t.last.LeftOut(name) || t.last.LeftOut(name+"/") {
		return false
	}
	if path.Base(name) == environmentMark {
		_, _ = t.follow(filepath.Dir(e.Name)) // no deeper
	}
	info, err := os.Lstat(e.Name)
	if err != nil || !info.IsDir() {
		return true
	}
	if e.Has(fsnotify.Create) {
		_, _ = t.follow(e.Name) // the scan at the end of the burst tries again and reports it
	}
	return !e.Has(fsnotify.Write) // its files have events of their own
}

// name is a path as it is stored in the archive.
func (t *tree) name(path string) string {
	rel, err := filepath.Rel(t.dir, path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}

func below(top, path string) bool {
	rel, err := filepath.Rel(top, path)
	return err == nil && filepath.IsLocal(rel)
}

// passedOver reports whether changes of a file never trigger a deployment, even if it is deployed: what the
// reference tool ignores, and temporary files of editors.
func passedOver(name string) bool {
	base := path.Base(name)
	zip, _ := path.Match("app-*.zip", base) // the pattern is valid
	switch {
	case base == project.FileName, base == "README.md", zip, fsx.IsTemporary(base):
		return true
	case slices.Contains(strings.Split(name, "/"), ".git"):
		return true
	}
	return editors(base)
}

// editors lists the temporary files of vim, Emacs, Kate, JetBrains, GNOME's and KDE's editors.
func editors(base string) bool {
	for _, end := range []string{"~", ".swp", ".swo", ".swx", ".kate-swp", "___jb_tmp___", "___jb_old___"} {
		if strings.HasSuffix(base, end) {
			return true
		}
	}
	return strings.HasPrefix(base, ".#") || strings.HasPrefix(base, ".goutputstream-") || base == "4913" ||
		len(base) > 1 && strings.HasPrefix(base, "#") && strings.HasSuffix(base, "#")
}
