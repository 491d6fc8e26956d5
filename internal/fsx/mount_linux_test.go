package fsx_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/testkit/mounts"
)

func private(t *testing.T) {
	t.Helper()
	if err := mounts.Private(); err != nil {
		t.Skip(err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplaceWritesInPlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		arrange func(t *testing.T, path, other string) // other is an existing file elsewhere
		linked  bool                                   // other has the content too
	}{
		"mounted file": {arrange: func(t *testing.T, path, other string) { mounts.Bind(t, other, path) }, linked: true},
		"mounted from another file system": {arrange: func(t *testing.T, path, other string) {
			dir := t.TempDir()
			mounts.Memory(t, dir, "64k")
			mounts.Bind(t, write(t, filepath.Join(dir, "real"), read(t, other)), path)
		}},
		"mounted in a folder that takes no files": {arrange: func(t *testing.T, path, other string) {
			mounts.Bind(t, other, path)
			mounts.ReadOnly(t, filepath.Dir(path))
		}, linked: true},
		"link to a mounted file": {arrange: func(t *testing.T, path, other string) {
			real := write(t, filepath.Join(t.TempDir(), "real"), "")
			mounts.Bind(t, other, real)
			if err := errors.Join(os.Remove(path), os.Symlink(real, path)); err != nil {
				t.Fatal(err)
			}
		}, linked: true},
		"hard link": {arrange: func(t *testing.T, path, other string) {
			if err := errors.Join(os.Remove(path), os.Link(other, path)); err != nil {
				t.Fatal(err)
			}
		}, linked: true},
	} {
		for size, text := range map[string]string{"longer": strings.Repeat("B=2\n", 5000), "shorter": "", "as long": "B=2"} {
			t.Run(name+", "+size, func(t *testing.T) {
				t.Parallel()
				private(t)
				path, other := write(t, filepath.Join(t.TempDir(), ".env"), ""), write(t, filepath.Join(t.TempDir(), "other"), "A=1")
				tc.arrange(t, path, other)
				before := status(t, path)
				if err := fsx.Check(path); err != nil {
					t.Error(err)
				}
				if err := fsx.Replace(fsx.File{Path: path, Data: []byte(text), Mode: fsx.Private}); err != nil {
					t.Fatal(err)
				}
				after := status(t, path)
				if read(t, path) != text || tc.linked && read(t, other) != text {
					t.Errorf("the file holds %.20q, the other one %.20q; want %.20q", read(t, path), read(t, other), text)
				}
				if before.Ino != after.Ino || before.Mode != after.Mode || before.Nlink != after.Nlink {
					t.Errorf("the file has changed: %+v, now %+v", before, after)
				}
				if tc.linked && names(t, filepath.Dir(other)) != "other" || names(t, filepath.Dir(path)) != ".env" {
					t.Error("something is left in the folder")
				}
			})
		}
	}
}

// Of files that belong together each is written in its way, and where one cannot be, the others are as before.
func TestReplaceBothOrNone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		arrange func(t *testing.T, env, config string)
		err     error
	}{
		"second is mounted": {arrange: func(t *testing.T, _, config string) {
			mounts.Bind(t, write(t, filepath.Join(t.TempDir(), "real"), "old config"), config)
		}},
		"first is mounted": {arrange: func(t *testing.T, env, _ string) {
			mounts.Bind(t, write(t, filepath.Join(t.TempDir(), "real"), "old env"), env)
		}},
		"second is mounted read-only": {arrange: func(t *testing.T, _, config string) { mounts.ReadOnly(t, config) }, err: unix.EROFS},
		"first is mounted read-only":  {arrange: func(t *testing.T, env, _ string) { mounts.ReadOnly(t, env) }, err: unix.EROFS},
		"no space for the second":     {arrange: func(t *testing.T, _, config string) { fill(t, config) }, err: unix.ENOSPC},
		"no space for the second, the first is mounted": {arrange: func(t *testing.T, env, config string) {
			mounts.Bind(t, write(t, filepath.Join(t.TempDir(), "real"), "old env"), env)
			fill(t, config)
		}, err: unix.ENOSPC},
		"no space for the second, the first is new": {arrange: func(t *testing.T, env, config string) {
			if err := os.Remove(env); err != nil {
				t.Fatal(err)
			}
			fill(t, config)
		}, err: unix.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private(t)
			dir := t.TempDir()
			env, config := write(t, filepath.Join(dir, ".env"), "old env"), write(t, filepath.Join(dir, "config"), "old config")
			tc.arrange(t, env, config)
			before, _ := os.ReadFile(env) // "" where there is none
			all := names(t, dir)
			err := fsx.Replace(
				fsx.File{Path: env, Data: []byte("new env"), Mode: fsx.Private, Tighten: true},
				fsx.File{Path: config, Data: []byte(strings.Repeat("new config\n", 5000)), Mode: fsx.Public},
			)
			if !errors.Is(err, tc.err) || tc.err == nil && err != nil {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			if tc.err == nil {
				if read(t, env) != "new env" || !strings.HasPrefix(read(t, config), "new config") || status(t, env).Mode&0o777 != 0o600 {
					t.Errorf("the files hold %q and %.20q", read(t, env), read(t, config))
				}
				return
			}
			now, _ := os.ReadFile(env)
			if string(now) != string(before) || read(t, config) != "old config" || names(t, dir) != all {
				t.Errorf("the files hold %q and %.20q, the folder %s; want all as before", now, read(t, config), names(t, dir))
			}
			if len(before) > 0 && status(t, env).Mode&0o777 != 0o640 {
				t.Errorf("mode %o, want it as before", status(t, env).Mode&0o777)
			}
		})
	}
}

// fill mounts path from a file system that has no page left but the one that the file is in.
func fill(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	mounts.Memory(t, dir, "16k")
	real := write(t, filepath.Join(dir, "real"), read(t, path))
	if err := os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 1<<16), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the file system is not full: %v", err)
	}
	mounts.Bind(t, real, path)
}

// A file of another user's in a folder that is not ours either can be written if its mode says so.
func TestReplaceInAnotherUsersFolder(t *testing.T) {
	t.Parallel()
	private(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, ".env"), "old")
	if err := errors.Join(os.Chmod(path, 0o666), os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	before := status(t, path)
	if err := unix.Setfsuid(1000); err != nil { // of this thread, which belongs to the test alone
		t.Fatal(err)
	}
	err := fsx.Replace(fsx.File{Path: path, Data: []byte("new"), Mode: fsx.Private})
	if err := unix.Setfsuid(0); err != nil {
		t.Fatal(err)
	}
	after := status(t, path)
	if err != nil || read(t, path) != "new" || after.Uid != before.Uid || after.Mode != before.Mode {
		t.Errorf("error %v, the file holds %q and is of user %d; want %q and %d", err, read(t, path), after.Uid, "new", before.Uid)
	}
}
