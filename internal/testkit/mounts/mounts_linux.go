package mounts

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// ErrNotRoot is returned where the test has no right to mount.
var ErrNotRoot = errors.New("only root can mount")

// Private gives the calling test a mount table of its own, with which programs that it starts begin too. The
// test's thread is not used again afterwards, and the mounts end with it.
func Private() error {
	if os.Geteuid() != 0 {
		return ErrNotRoot
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}

// Bind makes what is at from appear at to as well, until the test ends.
func Bind(t *testing.T, from, to string) {
	t.Helper()
	mount(t, from, to, "", unix.MS_BIND, "")
}

// ReadOnly makes everything below dir unchangeable, but for what was mounted there before, until the test ends.
func ReadOnly(t *testing.T, dir string) {
	t.Helper()
	mount(t, dir, dir, "", unix.MS_BIND|unix.MS_REC, "")
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

// Memory mounts an empty file system of at most size bytes, in whole pages, at dir until the test ends.
func Memory(t *testing.T, dir, size string) {
	t.Helper()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size="+size)
}

func mount(t *testing.T, from, to, kind string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount(from, to, kind, flags, options); err != nil {
		t.Fatalf("mount %s at %s: %v", from, to, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(to, unix.MNT_DETACH) }) // else with the test's thread
}
