package bundle

import (
	"os"

	"golang.org/x/sys/unix"
)

// tempFile makes a file without a name (open(2), O_TMPFILE), or one whose name is gone at once where the file
// system has no such files.
func tempFile(dir string) (f *os.File, remove string, err error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir), "", nil
	}
	return unlinkedTemp(dir)
}
