package build

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"-r base.txt":                       {"base.txt"},
		"-rbase.txt":                        {"base.txt"},
		"-c constraints.txt # why":          {"constraints.txt"},
		"--requirement=base.txt":            {"base.txt"},
		"--requirement base.txt":            {"base.txt"},
		"--constraint\tc.txt":               {"c.txt"},
		"--constraint \\\n  c.txt":          {"c.txt"},
		"-r \\\r\n  c.txt\r\nflask\r\n-c d": {"c.txt", "d"},
		"  -r spaced.txt  ":                 {"spaced.txt"},
		"flask\n-r a\n\n# -r b\n-c c":       {"a", "c"},
		"--requirements other":              nil,
		"--require-hashes":                  nil,
		"rich -r":                           nil,
		"-r":                                nil,
		"--requirement":                     nil,
		"--requirement=":                    nil,
		"":                                  nil,
		"-e ./pkg":                          nil,
		"-r https://host.example/base.txt":  {"https://host.example/base.txt"},
		"-r \"quoted name.txt\"":            {"quoted name.txt"},
	} {
		if got := references(line); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func FuzzReferences(f *testing.F) {
	f.Add("-r a.txt\n--constraint=b # c\nflask\\\n-r x")
	f.Add("--requirement")
	f.Fuzz(func(t *testing.T, content string) {
		for _, ref := range references(content) {
			if ref == "" || strings.ContainsAny(ref, "\n") {
				t.Errorf("reference %q", ref)
			}
		}
	})
}

func TestReadRequirements(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"requirements.txt": "-r sub/more.txt\n-c pins.txt\n-r https://host.example/x.txt\nflask\n",
		"sub/more.txt":     "-r ../requirements.txt\n-c ../pins.txt\n",
		"pins.txt":         "flask==3\n",
	})
	got, err := readRequirements(dir, "flask")
	if err != nil || len(got) != 3 {
		t.Errorf("read %q, %v; want each of the three files once", got, err)
	}
}

func TestLocalPackages(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]string{
		"./pkg\n../other[extra]\n/abs/x.whl ; python_version > '3'\n": {"./pkg", "../other", "/abs/x.whl"},
		"pkg @ file:///home/ann/pkg":                                  {"/home/ann/pkg"},
		"-e ./pkg\nflask\n# ./no\n-e file:///x":                       nil,
	} {
		if got := localPackages(content); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
}

func TestChangedLocalPackageIsInstalledAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"requirements.txt": "./pkg\n", "pkg/setup.py": "", "pkg/src/a.py": ""})
	state := func() string {
		t.Helper()
		contents, err := readRequirements(dir, "flask")
		if err != nil {
			t.Fatal(err)
		}
		return digest(contents...)
	}
	first := state()
	write(t, dir, map[string]string{"pkg/build/lib/a.py": "x", "pkg/p.egg-info/PKG-INFO": "x", "pkg/.git/HEAD": "x", "app.py": "x"})
	if state() != first {
		t.Error("what a build leaves in the package counts as a change")
	}
	write(t, dir, map[string]string{"pkg/src/a.py": "changed"})
	if state() == first {
		t.Error("a changed package counts as the same")
	}
}

func TestReadRequirementsMissing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files      map[string]string
		want, hint string
	}{
		"all":        {want: "requirements.txt not found", hint: `"streamlit"`},
		"referenced": {files: map[string]string{"requirements.txt": "-r gone.txt"}, want: "gone.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, tc.files)
			_, err := readRequirements(dir, "streamlit")
			var problem *platform.Problem
			if !errors.As(err, &problem) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(problem.Hint, tc.hint) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"Looking in https://ann:s3cret@host.example/simple":    "Looking in https://***@host.example/simple",
		"git+ssh://git@host.example/a, http://t0ken@b.example": "git+ssh://***@host.example/a, http://***@b.example",
		"https://a:p@ss@host.example":                          "https://***@host.example",
		"https://host.example/a@b":                             "https://host.example/a@b",
		"flask @ https://host.example/":                        "flask @ https://host.example/",
		"no address":                                           "no address",
		"://":                                                  "://",
	} {
		if got := redact(line); got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("x https://", "user:pass")
	f.Fuzz(func(t *testing.T, before, secret string) {
		if secret == "" || secret == "***" || strings.ContainsAny(secret, "/?# \t\"'<>@") {
			return // the authority of an address ends at these
		}
		if got := redact(before + "://" + secret + "@host.example/"); strings.HasSuffix(got, "://"+secret+"@host.example/") {
			t.Errorf("%q still holds %q", got, secret)
		}
	})
}
