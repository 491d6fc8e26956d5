package settings_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/settings"
)

func platform(t *testing.T, api string) settings.LocalPlatform {
	t.Helper()
	file := filepath.Join(t.TempDir(), "owner.key")
	if err := os.WriteFile(file, []byte("# the owner's key\n\nkey-of-the-owner\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return settings.LocalPlatform{API: api, Dashboard: "http://127.0.0.1:3000", Apps: "localhost:8080", OwnerKeyFile: file}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := with(home)
	if found := s.LocalPlatforms(); len(found) != 0 {
		t.Fatalf("finds %v in an empty home", found)
	}
	other, usual, six := platform(t, "http://127.0.0.1:7000"), platform(t, "http://127.0.0.1:8000"), platform(t, "http://[::1]:9000")
	for _, p := range []settings.LocalPlatform{other, usual, six} {
		if err := s.Register(p); err != nil {
			t.Fatal(err)
		}
	}
	found := s.LocalPlatforms()
	if len(found) != 3 || found[0] != usual {
		t.Fatalf("finds %v, want three with %v first", found, usual)
	}
	key, err := found[0].OwnerKey()
	if err != nil || key.Reveal() != "key-of-the-owner" || key.Source != usual.OwnerKeyFile {
		t.Errorf("key %q of %s, %v", key.Reveal(), key.Source, err)
	}
	successor := platform(t, usual.API) // started on the same address after usual was killed
	if err := s.Register(successor); err != nil {
		t.Fatal(err)
	}
	for _, p := range []settings.LocalPlatform{other, usual, six, six} {
		if err := s.Unregister(p); err != nil {
			t.Fatal(err)
		}
	}
	if found := s.LocalPlatforms(); len(found) != 1 || found[0] != successor {
		t.Errorf("finds %v, want %v", found, successor)
	}
}

// What another user could have written says nothing about where keys go.
func TestLocalPlatformsAreTheUsersOwn(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode there")
	}
	chmod := func(path string, mode os.FileMode) error { return os.Chmod(path, mode) }
	for name, spoil := range map[string]func(folder, file string) error{
		"open file":   func(_, file string) error { return chmod(file, 0o644) },
		"open folder": func(folder, _ string) error { return chmod(folder, 0o770) },
		"link":        func(_, file string) error { return relink(file) },
		"not JSON":    func(_, file string) error { return os.WriteFile(file, []byte("{"), 0o600) },
		"on another host": func(_, file string) error {
			return os.WriteFile(file, []byte(`{"api": "https://example.com:8000"}`), 0o600)
		},
		"no address":       func(_, file string) error { return os.WriteFile(file, []byte(`{}`), 0o600) },
		"of another user":  func(_, file string) error { return chown(t, file) },
		"folder is a link": func(folder, _ string) error { return relink(folder) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			s := with(home)
			if err := s.Register(platform(t, "http://127.0.0.1:8000")); err != nil {
				t.Fatal(err)
			}
			if found := s.LocalPlatforms(); len(found) != 1 {
				t.Fatalf("finds %v before", found)
			}
			folder := filepath.Join(home, ".ploomber", "platforms")
			if err := spoil(folder, filepath.Join(folder, "127.0.0.1_8000.json")); err != nil {
				t.Fatal(err)
			}
			if found := s.LocalPlatforms(); len(found) != 0 {
				t.Errorf("finds %v", found)
			}
		})
	}
}

func TestOwnerKeyIsTheUsersOwn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content string
		mode    os.FileMode
	}{
		"open":          {"key-of-the-owner\n", 0o640},
		"empty":         {"\n", 0o600},
		"not a key":     {"two words\n", 0o600},
		"control codes": {"key\x1b[2J\n", 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && tc.mode != 0o600 {
				t.Skip("files have no mode there")
			}
			p := platform(t, "http://127.0.0.1:8000")
			if err := os.WriteFile(p.OwnerKeyFile, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(p.OwnerKeyFile, tc.mode); err != nil {
				t.Fatal(err)
			}
			if key, err := p.OwnerKey(); err == nil {
				t.Errorf("reads %q", key.Reveal())
			}
		})
	}
}

// relink moves what is at path elsewhere and puts a link to it in its place.
func relink(path string) error {
	if err := os.Rename(path, path+".real"); err != nil {
		return err
	}
	return os.Symlink(path+".real", path)
}

func chown(t *testing.T, path string) error {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	return os.Chown(path, 12345, -1)
}
