package fsx

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flagsKept are the flags of chattr(1) that do not follow from a file's folder: c, d, j, m, A, C, S. The numbers
// are those of FS_*_FL in linux/fs.h.
const flagsKept = 0x4 | 0x40 | 0x4000 | 0x400 | 0x80 | 0x800000 | 0x8

// keepFlags gives f the flags of the file at path.
func keepFlags(f *os.File, path string) error {
	old, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = old.Close() }() // read-only: nothing to lose
	want, err := unix.IoctlGetUint32(int(old.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return nil // the file system has none
	}
	have, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil || want&flagsKept == have&flagsKept {
		return err
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(have&^flagsKept|want&flagsKept))
}

// isMountPoint reports whether a file is mounted at path, as containers do it. A kernel before 5.8 does not tell: the
// rename fails there.
func isMountPoint(path string) bool {
	var s unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_TYPE, &s)
	return err == nil && s.Attributes&s.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0
}

// isFull reports whether the file system of path has less than size bytes left.
func isFull(path string, size int) bool {
	var s unix.Statfs_t
	err := unix.Statfs(path, &s)
	return err == nil && s.Blocks > 0 && s.Bfree*uint64(s.Bsize) < uint64(size)
}

// isForeign tells of an extended attribute that must not be copied: the kernel makes these from the content.
func isForeign(name string) bool { return name == "security.ima" || name == "security.evm" }

// noAttribute tells that a file has no attribute, or that its file system has none at all.
func noAttribute(err error) bool {
	return errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS)
}
