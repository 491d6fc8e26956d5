//go:build unix

package exportcmd

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
)

// The users who could read the passwords before they were replaced can afterwards, and no one else.
func TestForceKeepsGroupAndMode(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{".env": env})
	if err := run(t, d); err != nil {
		t.Fatal(d.Said(err))
	}
	path := filepath.Join(d.Dir, "nginx", "app.main_app.htpasswd")
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	gid := os.Getegid()
	for _, other := range groups {
		if other != gid {
			gid = other
		}
	}
	if os.Geteuid() == 0 {
		gid = 4321 // root may choose any
	}
	if err := os.Chown(path, -1, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	before := d.Read("nginx/app.main_app.htpasswd")
	if err := run(t, d, "--force"); err != nil {
		t.Fatal(d.Said(err))
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Sys().(*syscall.Stat_t).Gid; int(got) != gid || info.Mode().Perm() != 0o640 || d.Read("nginx/app.main_app.htpasswd") == before {
		t.Errorf("group %d, mode %v; want %d and 0640", got, info.Mode(), gid)
	}
}
