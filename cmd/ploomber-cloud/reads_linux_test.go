package main_test

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFilesAreReadOnce counts how often a command opens the project's two files: all of it goes by one reading, so that a
// file that is saved meanwhile is not half in the outcome.
func TestFilesAreReadOnce(t *testing.T) {
	t.Parallel()
	const project = `{"id": "my-app", "type": "streamlit", "secret-keys": ["A"],
		"authentication": {"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`
	const login = "username_main_app=ana\npassword_main_app=hush-hush\n"
	for _, command := range []string{
		"deploy", "deploy --dry-run", "up --entry none.py", "export nginx --stdout", "proxy --check", "doctor",
		"secrets list", "secrets diff", "github --yes",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{
				"ploomber-cloud.json": project, ".env": login, "app.py": "import streamlit\n", ".git/HEAD": "",
			})
			env, config := opens(t, filepath.Join(p.app, ".env")), opens(t, filepath.Join(p.app, "ploomber-cloud.json"))
			_, _, stderr := p.run(t, "y\n", strings.Fields(command)...)
			if n, m := env(), config(); n != 1 || m != 1 {
				t.Errorf(".env was opened %d times, the configuration %d; want each once\n%s", n, m, stderr)
			}
		})
	}
}

// opens returns a function that tells how often the file has been opened since.
func opens(t *testing.T, path string) func() int {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	// Of two equal events in a row the kernel drops one: the end of each reading keeps them apart.
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_OPEN|unix.IN_CLOSE); err != nil {
		t.Fatal(err)
	}
	return func() (n int) {
		events := make([]byte, 64<<10)
		size, err := unix.Read(fd, events)
		if err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		for events = events[:max(size, 0)]; len(events) >= unix.SizeofInotifyEvent; { // see inotify(7)
			if binary.NativeEndian.Uint32(events[4:])&unix.IN_OPEN != 0 {
				n++
			}
			events = events[unix.SizeofInotifyEvent+binary.NativeEndian.Uint32(events[12:]):]
		}
		return n
	}
}
