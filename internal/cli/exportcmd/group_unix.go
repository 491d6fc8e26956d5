//go:build unix

package exportcmd

import (
	"io/fs"
	"os"
	"syscall"
)

func keepGroup(path string, old fs.FileInfo) error {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok {
		return os.Chown(path, -1, int(stat.Gid))
	}
	return nil
}
