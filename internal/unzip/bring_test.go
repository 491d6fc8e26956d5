package unzip

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Every way to bring a file makes the whole file and nothing else, replaces none, and follows no link outside.
func TestBring(t *testing.T) {
	t.Parallel()
	copied := func(way func(*os.File, *os.Root, string) error) func(staging, root *os.Root, to string) error {
		return func(staging, root *os.Root, to string) error {
			in, err := staging.Open("new")
			if err != nil {
				return err
			}
			defer func() { _ = in.Close() }()
			return way(in, root, to)
		}
	}
	for name, way := range map[string]func(staging, root *os.Root, to string) error{
		"as the system can": func(staging, root *os.Root, to string) error { return bring(staging, root, "new", to) },
		"by a link":         func(staging, root *os.Root, to string) error { return link(staging, root, "new", to) },
		"without a name":    copied(func(in *os.File, root *os.Root, to string) error { return copyUnnamed(in, 0o700, root, to) }),
		"by a hidden name":  copied(func(in *os.File, root *os.Root, to string) error { return copyNamed(in, 0o700, root, to) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, dest, outside := t.TempDir(), t.TempDir(), t.TempDir()
			for path, text := range map[string]string{filepath.Join(from, "new"): "new", filepath.Join(dest, "mine"): "mine"} {
				if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(os.Mkdir(filepath.Join(dest, "d"), 0o755), os.Symlink(outside, filepath.Join(dest, "away"))); err != nil {
				t.Fatal(err)
			}
			staging, root := openRoot(t, from), openRoot(t, dest)
			err := way(staging, root, filepath.Join("d", "f"))
			if errors.Is(err, errors.ErrUnsupported) {
				return // another way takes its place
			}
			if err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(filepath.Join(dest, "d", "f")); string(text) != "new" {
				t.Errorf("holds %q, %v", text, err)
			}
			if err := way(staging, root, "mine"); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a name that is taken: %v", err)
			}
			if err := way(staging, root, filepath.Join("away", "f")); err == nil {
				t.Error("it went through a link that leads outside")
			}
			for dir, want := range map[string]int{dest: 3, filepath.Join(dest, "d"): 1, outside: 0} {
				if entries, err := os.ReadDir(dir); len(entries) != want {
					t.Errorf("%s holds %v, %v", dir, entries, err)
				}
			}
			if text, _ := os.ReadFile(filepath.Join(dest, "mine")); string(text) != "mine" {
				t.Errorf("the file that was there holds %q", text)
			}
		})
	}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}
