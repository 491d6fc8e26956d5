package bundle

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// waitUntilStable waits for files that have changed since they were planned, since another program may be writing them.
// Files that keep changing are left to pack.
func (r *reader) waitUntilStable(ctx context.Context, root *os.Root) error {
	if r.sleep == nil {
		return nil
	}
	busy := make(map[int]fs.FileInfo)
	for i := range r.listing.Entries {
		if e := &r.listing.Entries[i]; e.Ships {
			if now, err := lookAt(root, e); err == nil && !same(e.info, now) {
				busy[i] = now
			}
		}
	}
	for round := 0; round < rounds && len(busy) > 0; round++ {
		if err := r.sleep(ctx, settling); err != nil {
			return err
		}
		for i, before := range busy {
			now, err := lookAt(root, &r.listing.Entries[i])
			if err != nil || same(before, now) {
				delete(busy, i)
				continue
			}
			busy[i] = now
		}
	}
	return nil
}

func lookAt(root *os.Root, e *Entry) (fs.FileInfo, error) {
	if e.outside {
		return os.Lstat(e.file)
	}
	return root.Lstat(filepath.FromSlash(e.file))
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
