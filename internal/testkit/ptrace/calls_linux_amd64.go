package ptrace

import "golang.org/x/sys/unix"

// legacyChange tells the calls that only this architecture still has and that may change a file.
func legacyChange(call uint64) bool {
	switch call {
	case unix.SYS_RENAME, unix.SYS_LINK, unix.SYS_UNLINK, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_SYMLINK,
		unix.SYS_CHMOD, unix.SYS_CREAT, unix.SYS_OPEN:
		return true
	}
	return false
}
