//go:build unix

package build

import (
	"io/fs"
	"syscall"
)

// fileID tells files apart, whatever they are called.
type fileID struct{ device, inode uint64 }

// identify reports false where a file cannot have several names.
func identify(info fs.FileInfo) (fileID, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || s.Nlink < 2 {
		return fileID{}, false
	}
	return fileID{uint64(s.Dev), s.Ino}, true //nolint:unconvert // Dev is signed on some systems
}
