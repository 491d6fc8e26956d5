// Package watch reports when code of a project is saved. It polls the files instead of using the system's events,
// which network and container mounts do not send. It does not know what happens next.
package watch

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	interval   = 500 * time.Millisecond
	perTick    = 2_000  // files and folders that are scanned in one interval, in a few milliseconds; the rest take more intervals
	maxEntries = 50_000 // files and folders that are scanned; more are ignored
)

// Saved sends the names of code files in dir that were saved, created, renamed or removed, sorted, with slashes,
// once nothing has changed for a moment: tools write many files. It ends when ctx does.
func Saved(ctx context.Context, dir string) <-chan []string {
	changes := make(chan []string)
	project := os.DirFS(dir)
	files, entries := look(project)
	w := watcher{before: files}
	go func() {
		ticker := time.NewTicker(interval * time.Duration(1+entries/perTick))
		defer ticker.Stop()
		var names []string
		var out chan []string // nil while there is nothing to send
		for {
			select {
			case <-ctx.Done():
				return
			case out <- names:
				names, out = nil, nil
			case <-ticker.C:
				files, entries := look(project)
				ticker.Reset(interval * time.Duration(1+entries/perTick))
				names = append(names, w.see(files)...)
				if slices.Sort(names); len(names) > 0 {
					names, out = slices.Compact(names), changes
				}
			}
		}
	}()
	return changes
}

// watcher compares one scan of the files with the next.
type watcher struct {
	before  map[string]state
	pending map[string]bool // what has changed and may continue to change
}

// see returns what has changed before a scan that shows no further change.
func (w *watcher) see(now map[string]state) []string {
	changed := differ(w.before, now)
	w.before = now
	if len(changed) == 0 {
		names := slices.Sorted(maps.Keys(w.pending))
		w.pending = nil
		return names
	}
	if w.pending == nil {
		w.pending = map[string]bool{}
	}
	for _, name := range changed {
		w.pending[name] = true
	}
	return nil
}

// state distinguishes two versions of a file.
type state struct {
	size int64
	when time.Time
}

// look returns the state of every code file, and the number of files and folders it has visited.
func look(dir fs.FS) (files map[string]state, entries int) {
	files = map[string]state{}
	_ = fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		switch entries++; {
		case err != nil:
			return nil //nolint:nilerr // it has just gone, or is not ours to read
		case entries >= maxEntries:
			return fs.SkipAll
		case d.IsDir() && name != "." && platform.Foreign(dir, name):
			return fs.SkipDir
		case d.IsDir() || !isCode(name):
			return nil
		}
		if info, err := fs.Stat(dir, name); err == nil { // what a link leads to
			files[name] = state{info.Size(), info.ModTime()}
		}
		return nil
	})
	return files, entries
}

func differ(before, now map[string]state) []string {
	var names []string
	for name, s := range now {
		if old, ok := before[name]; !ok || old != s {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := now[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// isCode reports whether a file's type is one that developers write and apps do not: an app that writes data while it runs
// must not be started again for that.
func isCode(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".py", ".ipynb", ".r", ".html", ".htm", ".jinja", ".jinja2", ".j2":
		return !strings.HasPrefix(path.Base(name), ".")
	}
	return false
}
