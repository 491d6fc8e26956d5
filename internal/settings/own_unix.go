//go:build unix

package settings

import (
	"io/fs"
	"os"
	"syscall"
)

// own reports whether a file belongs to this user and is closed to all others.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}
