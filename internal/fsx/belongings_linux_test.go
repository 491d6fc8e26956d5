package fsx_test

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// The numbers of posix_acl(5) as the kernel keeps them in an extended attribute: linux/posix_acl_xattr.h.
const (
	aclVersion = 2
	aclNobody  = 0xffffffff // an entry that is about no user or group by number
	aclOwner   = 0x01
	aclUser    = 0x02
	aclGroup   = 0x04
	aclMask    = 0x10
	aclOthers  = 0x20
)

// accessList lets the user with a number read and write, beside an owner who may and a group that may read.
func accessList(user uint32) []byte {
	list := binary.LittleEndian.AppendUint32(nil, aclVersion)
	for _, e := range []struct {
		tag, permissions uint16
		id               uint32
	}{{aclOwner, 6, aclNobody}, {aclUser, 6, user}, {aclGroup, 4, aclNobody}, {aclMask, 6, aclNobody}, {aclOthers, 0, aclNobody}} {
		list = binary.LittleEndian.AppendUint16(list, e.tag)
		list = binary.LittleEndian.AppendUint16(list, e.permissions)
		list = binary.LittleEndian.AppendUint32(list, e.id)
	}
	return list
}

func attribute(t *testing.T, path, name string) []byte {
	t.Helper()
	value := make([]byte, 256)
	n, err := unix.Getxattr(path, name, value)
	if err != nil {
		return nil
	}
	return value[:n]
}

func status(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("%s has no status", path)
	}
	return s
}

func flags(t *testing.T, path string) uint32 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	n, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		t.Skipf("no flags here: %v", err)
	}
	return n
}

func TestReplaceKeepsBelongings(t *testing.T) {
	t.Parallel()
	const noDump = 0x40 // FS_NODUMP_FL
	for name, tc := range map[string]struct {
		give func(path string) error
		same func(t *testing.T, path string) any
	}{
		"owner": {
			func(path string) error { return os.Chown(path, 1000, 1001) },
			func(t *testing.T, path string) any { s := status(t, path); return [2]uint32{s.Uid, s.Gid} },
		},
		"owner and set-user-id": {
			func(path string) error {
				if err := os.Chown(path, 1000, 1000); err != nil {
					return err
				}
				return os.Chmod(path, 0o640|fs.ModeSetuid|fs.ModeSetgid)
			},
			func(t *testing.T, path string) any { s := status(t, path); return [2]uint32{s.Uid, s.Mode} },
		},
		"attribute": {
			func(path string) error { return unix.Setxattr(path, "user.origin", []byte("vault"), 0) },
			func(t *testing.T, path string) any { return string(attribute(t, path, "user.origin")) },
		},
		"access list": {
			func(path string) error {
				return unix.Setxattr(path, "system.posix_acl_access", accessList(1234), 0)
			},
			func(t *testing.T, path string) any {
				return string(attribute(t, path, "system.posix_acl_access")) + fs.FileMode(status(t, path).Mode).String()
			},
		},
		"no access list in a folder whose new files get one": {
			func(path string) error {
				return unix.Setxattr(filepath.Dir(path), "system.posix_acl_default", accessList(1234), 0)
			},
			func(t *testing.T, path string) any {
				return string(attribute(t, path, "system.posix_acl_access")) + fs.FileMode(status(t, path).Mode).String()
			},
		},
		"flag": {
			func(path string) error {
				f, err := os.Open(path)
				if err != nil {
					return err
				}
				defer func() { _ = f.Close() }()
				return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(flags(t, path)|noDump))
			},
			func(t *testing.T, path string) any { return flags(t, path) & noDump },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
				t.Fatal(err)
			}
			if err := tc.give(path); err != nil {
				t.Skipf("not on this file system, or not for this user: %v", err)
			}
			want, before := tc.same(t, path), status(t, path).Ino
			if err := fsx.Replace(fsx.File{Path: path, Data: []byte("new"), Mode: fsx.Private}); err != nil {
				t.Fatal(err)
			}
			if got := tc.same(t, path); got != want || read(t, path) != "new" {
				t.Errorf("the file has %q and %q, want %q and %q", got, read(t, path), want, "new")
			}
			if status(t, path).Ino == before {
				t.Error("the file was written in place, want it replaced in one step")
			}
		})
	}
}

// A file that was tightened stays its owner's, and the users of its access list lose what the mode takes away.
func TestReplaceTightensAccessLists(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(path, "system.posix_acl_access", accessList(1234), 0); err != nil {
		t.Skipf("no access lists here: %v", err)
	}
	if err := fsx.Replace(fsx.File{Path: path, Data: []byte("new"), Mode: fsx.Private, Tighten: true}); err != nil {
		t.Fatal(err)
	}
	want := accessList(1234)
	want[4+8*3+2] = 0 // the mask, the fourth entry, lets nobody in
	if got := attribute(t, path, "system.posix_acl_access"); !bytes.Equal(got, want) || status(t, path).Mode&0o777 != 0o600 {
		t.Errorf("access list %x, mode %o; want %x, 600", got, status(t, path).Mode&0o777, want)
	}
}
