package platform

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestEveryFrameworkHasACompleteRecipe(t *testing.T) {
	t.Parallel()
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, f := range Frameworks() {
			r, ok := RecipeFor(f, goos)
			if !ok {
				t.Fatalf("%s: no recipe on %s", f, goos)
			}
			all := strings.Join(r.Args, " ")
			for _, value := range r.Must {
				all += " " + value
			}
			all += r.Launcher
			if (r.Entry == "") != (f == Shell) || !strings.HasPrefix(r.Ready, "/") || !strings.Contains(all, "{port}") || !strings.Contains(all, "127.0.0.1") {
				t.Errorf("%s on %s: %+v", f, goos, r)
			}
			if r.Runtime == Python && f != Shell && (r.Package == "" || r.Program == "") {
				t.Errorf("%s on %s names no package or program", f, goos)
			}
		}
	}
	if _, ok := RecipeFor("fortran", "linux"); ok {
		t.Error("recipe for an unknown framework")
	}
}

func TestEnviron(t *testing.T) {
	t.Parallel()
	got := Environ([]string{"A=1", "B=2=2", "=odd", "C"}, map[string]string{"A": "over", "D": ""}, map[string]string{"D": "x"})
	if want := []string{"A=over", "B=2=2", "D=x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Without([]string{"A=1", "AB=2", "B=3", "A=4"}, "A", "C"); !slices.Equal(got, []string{"AB=2", "B=3"}) {
		t.Errorf("Without left %q", got)
	}
	if got := Lookup([]string{"A=1", "A=2", "AA=3"}, "A"); got != "2" {
		t.Errorf("Lookup found %q", got)
	}
}

func TestFindProgram(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Log("the programs below have no ending that makes them programs there")
		return
	}
	first, second := t.TempDir(), t.TempDir()
	for path, mode := range map[string]os.FileMode{
		filepath.Join(first, "tool"):      0o600, // not executable
		filepath.Join(second, "tool"):     0o700,
		filepath.Join(second, "other"):    0o700,
		filepath.Join(first, "both"):      0o700,
		filepath.Join(second, "both"):     0o700,
		filepath.Join(first, "last-name"): 0o700,
	} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(first, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := []string{"PATH=" + strings.Join([]string{".", "", first, second}, string(os.PathListSeparator))}
	for want, names := range map[string][]string{
		filepath.Join(second, "tool"):     {"tool"},
		filepath.Join(second, "other"):    {"other"},
		filepath.Join(first, "both"):      {"both"},
		filepath.Join(first, "last-name"): {"no-such", "last-name"},
	} {
		if got, err := FindProgram(path, names...); got != want || err != nil {
			t.Errorf("%q: found %q %v, want %q", names, got, err, want)
		}
	}
	if _, err := FindProgram(path, "a", "b"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "a or b") {
		t.Errorf("error %v", err)
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.py"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for entry, found := range map[string]bool{"main.py": true, "": true, "app.py": false} {
		got, err := Entry(dir, Recipe{Entry: entry})
		var problem *Problem
		if (err == nil) != found || found && got != entry || err != nil && !errors.As(err, &problem) {
			t.Errorf("%q: got %q, %v", entry, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), filepath.Join(dir, entry)) || !strings.Contains(problem.Hint, "--entry")) {
			t.Errorf("error %q, hint %q", err, problem.Hint)
		}
	}
}

func TestFolderName(t *testing.T) {
	t.Parallel()
	a, b := FolderName("/home/ann/my app"), FolderName("/home/bob/my app")
	if a == b || !strings.HasPrefix(a, "my-app-") || FolderName("/home/ann/my app/") != a {
		t.Errorf("%q and %q", a, b)
	}
	if long := FolderName("/" + strings.Repeat("é", 300)); len(long) > 30 {
		t.Errorf("%q is too long for a socket below it", long)
	}
}
