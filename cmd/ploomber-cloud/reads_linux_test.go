package main_test

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFilesAreReadOnce counts how often a command reads the project's two files: all of it goes by one reading, so that a
// file that is saved meanwhile is not half in the outcome. A command that writes a file reads that one once more, right before
// it is replaced, to keep what other programs have written since.
func TestFilesAreReadOnce(t *testing.T) {
	t.Parallel()
	const project = `{"id": "my-app", "type": "streamlit", "secret-keys": ["A"],
		"authentication": {"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`
	const login = "username_main_app=ana\npassword_main_app=hush-hush\n"
	for command, want := range map[string]struct{ secrets, config int }{
		"deploy": {1, 1}, "deploy --dry-run": {1, 1}, "up --entry none.py": {1, 1}, "export nginx --stdout": {1, 1},
		"proxy --check": {1, 1}, "doctor": {1, 1}, "secrets list": {1, 1}, "secrets diff": {1, 1}, "github --yes": {1, 1},
		"status": {0, 1}, "labels": {0, 1}, "watch": {0, 1}, "logs": {0, 1}, "deploy --list-files": {0, 1},
		"resources --force": {0, 1}, "resources --force --cpu 1 --ram 2 --gpu 0": {0, 2}, "labels --add new": {0, 2},
		"auth --remove --feature main_app": {2, 2}, "secrets set B --stdin": {2, 0}, "secrets unset username_main_app": {2, 1},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{
				"ploomber-cloud.json": project, ".env": login, "app.py": "import streamlit\n", ".git/HEAD": "",
			})
			env, config := reads(t, filepath.Join(p.app, ".env")), reads(t, filepath.Join(p.app, "ploomber-cloud.json"))
			_, _, stderr := p.run(t, "y\n", strings.Fields(command)...)
			if n, m := env(), config(); n != want.secrets || m != want.config {
				t.Errorf(".env was read %d times, the configuration %d; want %d and %d\n%s", n, m, want.secrets, want.config, stderr)
			}
		})
	}
}

// reads returns a function that tells how often the file has been opened and read since.
func reads(t *testing.T, path string) func() int {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	// Of two equal events in a row the kernel drops one: the end of each reading keeps them apart.
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_ACCESS|unix.IN_CLOSE_NOWRITE); err != nil {
		t.Fatal(err)
	}
	return func() (n int) {
		events, read := make([]byte, 64<<10), false
		size, err := unix.Read(fd, events)
		if err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		for events = events[:max(size, 0)]; len(events) >= unix.SizeofInotifyEvent; { // see inotify(7)
			switch mask := binary.NativeEndian.Uint32(events[4:]); {
			case mask&unix.IN_ACCESS != 0:
				read = true
			case read: // a file that is closed unread was opened for its attributes
				n, read = n+1, false
			}
			events = events[unix.SizeofInotifyEvent+binary.NativeEndian.Uint32(events[12:]):]
		}
		return n
	}
}
