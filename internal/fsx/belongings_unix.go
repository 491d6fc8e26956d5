//go:build unix

package fsx

import (
	"io/fs"
	"os"
	"syscall"
)

// keepBelongings gives f the owner, the group and the extended attributes of t. An error means that f would have
// less, or more, than t.
func keepBelongings(f *os.File, t target) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	want, ok := t.info.Sys().(*syscall.Stat_t)
	have, also := now.Sys().(*syscall.Stat_t)
	if ok && also && (want.Uid != have.Uid || want.Gid != have.Gid) {
		if err := f.Chown(int(want.Uid), int(want.Gid)); err != nil {
			return err
		}
	}
	return keepAttributes(f, t.path)
}

// links is the number of names of a file.
func links(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink) //nolint:unconvert // it has other types on other systems
	}
	return 1
}
