//go:build linux || darwin || freebsd

package fsx

import "golang.org/x/sys/unix"

// Free returns how many bytes this user may still write to the file system of path; false if the system does not say.
func Free(path string) (bytes int64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil || s.Blocks == 0 {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // their types differ between systems
}
