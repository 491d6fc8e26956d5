package build

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRebuild changes what a project leans on: what can change the installation makes another environment, nothing
// else does.
func TestRebuild(t *testing.T) {
	t.Parallel()
	type step struct {
		what  string
		files map[string]string
		vars  []string
		same  bool
		want  string
	}
	archive := func(t *testing.T, version string, requires ...string) string {
		_, content := wheelOf(t, "thing", version, requires...)
		return string(content)
	}
	for name, steps := range map[string]func(t *testing.T) []step{
		"requirements": func(*testing.T) []step {
			return []step{
				{what: "first", files: map[string]string{"requirements.txt": "six\n"}, want: "six==2.0"},
				{what: "again", same: true, want: "six==2.0"},
				{what: "a comment", files: map[string]string{"requirements.txt": "# why\nsix   # this\n\n"}, same: true, want: "six==2.0"},
				{what: "another line", files: map[string]string{"requirements.txt": "six<2\n"}, want: "six==1.0"},
				{what: "the first again", files: map[string]string{"requirements.txt": "six\n"}, same: true, want: "six==2.0"},
			}
		},
		"variables": func(*testing.T) []step {
			return []step{
				{what: "first", files: map[string]string{"requirements.txt": "-r ${REQS_DIR}/base.txt\n", "reqs/base.txt": "six\n"}, vars: []string{"REQS_DIR=reqs"}, want: "six==2.0"},
				{what: "file", files: map[string]string{"reqs/base.txt": "six==1.0\n"}, want: "six==1.0"},
				{what: "variable", files: map[string]string{"other/base.txt": "seven\n"}, vars: []string{"REQS_DIR=other"}, want: "seven==2.0"},
			}
		},
		"encodings": func(*testing.T) []step {
			return []step{
				{what: "first", files: map[string]string{
					"requirements.txt": "\xef\xbb\xbf-r base.txt\n", "base.txt": "\xef\xbb\xbf-r deeper.txt\n", "deeper.txt": "six\n",
				}, want: "six==2.0"},
				{what: "deeper", files: map[string]string{"deeper.txt": "\xef\xbb\xbfsix\nseven\n"}, want: "seven==2.0 six==2.0"},
				{what: "UTF-16", files: map[string]string{"deeper.txt": utf16le("seven\r\n")}, want: "seven==2.0"},
				{what: "Latin-1", files: map[string]string{"deeper.txt": "# coding: latin-1\n# \xe9\nsix<2\n"}, want: "six==1.0"},
			}
		},
		"an editable package": func(*testing.T) []step {
			files := local("pkg", "thing", "1.0")
			files["requirements.txt"] = "-e ./pkg\n"
			return []step{
				{what: "first", files: files, want: "thing==1.0"},
				{what: "again", same: true, want: "thing==1.0"},
				{what: "code", files: map[string]string{"pkg/inner/code.py": "x"}, want: "thing==1.0"},
				{what: "changed code", files: map[string]string{"pkg/inner/code.py": "y"}, same: true, want: "thing==1.0"},
				{what: "a dependency", files: local("pkg", "thing", "1.0", "six"), want: "six==2.0 thing==1.0"},
				{what: "what builds leave", files: map[string]string{
					"pkg/build/lib/x.py": "", "pkg/thing.egg-info/PKG-INFO": "", "pkg/__pycache__/thing.pyc": "", "pkg/.git/HEAD": "",
				}, same: true, want: "six==2.0 thing==1.0"},
			}
		},
		"a package": func(*testing.T) []step {
			files := local("pkg", "thing", "1.0")
			files["requirements.txt"] = "./pkg\n"
			return []step{
				{what: "first", files: files, want: "thing==1.0"},
				{what: "again", same: true, want: "thing==1.0"},
				{what: "the app", files: map[string]string{"app.py": "x = 1"}, same: true, want: "thing==1.0"},
				{what: "its code", files: map[string]string{"pkg/thing.py": "STATE = 2\n"}, want: "thing==1.0"},
				{what: "a dependency", files: local("pkg", "thing", "1.0", "six"), want: "six==2.0 thing==1.0"},
			}
		},
		"a package by its name": func(*testing.T) []step {
			files := local("pkg", "thing", "1.0")
			files["requirements.txt"] = "thing @ file://${HERE}/pkg\n"
			return []step{
				{what: "first", files: files, want: "thing==1.0"},
				{what: "a dependency", files: local("pkg", "thing", "1.0", "six"), want: "six==2.0 thing==1.0"},
				{what: "again", same: true, want: "six==2.0 thing==1.0"},
			}
		},
		"a package of a package": func(*testing.T) []step {
			files := local("pkg", "thing", "1.0", "below @ file://HERE/below")
			maps.Copy(files, local("below", "below", "1.0"))
			files["requirements.txt"] = "./pkg\n"
			return []step{
				{what: "first", files: files, want: "below==1.0 thing==1.0"},
				{what: "below", files: local("below", "below", "1.0", "seven"), want: "below==1.0 seven==2.0 thing==1.0"},
				{what: "again", same: true, want: "below==1.0 seven==2.0 thing==1.0"},
			}
		},
		"a package whose build writes into it": func(*testing.T) []step {
			files := local("pkg", "thing", "1.0")
			files["pkg/backend.py"] = strings.Replace(backend, "def wheel(folder, editable):",
				"def wheel(folder, editable):\n    open('version.py', 'w').write('1')\n    open('made.c', 'a').write('x')", 1)
			files["requirements.txt"] = "-e ./pkg\n"
			return []step{
				{what: "first", files: files, want: "thing==1.0"},
				{what: "again", same: true, want: "thing==1.0"},
				{what: "what was written is changed", files: map[string]string{"pkg/version.py": "2"}, want: "thing==1.0"},
				{what: "its configuration", files: local("pkg", "thing", "2.0"), want: "thing==2.0"},
				{what: "and again", same: true, want: "thing==2.0"},
			}
		},
		"a wheel": func(t *testing.T) []step {
			return []step{
				{what: "first", files: map[string]string{
					"requirements.txt": "wheelhouse/thing-1.0-py3-none-any.whl\n", "wheelhouse/thing-1.0-py3-none-any.whl": archive(t, "1.0"),
				}, want: "thing==1.0"},
				{what: "made anew", files: map[string]string{"wheelhouse/thing-1.0-py3-none-any.whl": archive(t, "1.0", "six")}, want: "six==2.0 thing==1.0"},
				{what: "another beside it", files: map[string]string{"wheelhouse/x-1.0-py3-none-any.whl": "x"}, same: true, want: "six==2.0 thing==1.0"},
			}
		},
		"a folder of wheels": func(t *testing.T) []step {
			return []step{
				{what: "first", files: map[string]string{
					"requirements.txt": "-r sub/base.txt\n", "sub/base.txt": "--find-links wheels\nthing\n", "sub/wheels/thing-1.0-py3-none-any.whl": archive(t, "1.0"),
				}, want: "thing==1.0"},
				{what: "a newer one", files: map[string]string{"sub/wheels/thing-2.0-py3-none-any.whl": archive(t, "2.0")}, want: "thing==2.0"},
				{what: "again", same: true, want: "thing==2.0"},
			}
		},
		"the user's constraints": func(*testing.T) []step {
			return []step{
				{what: "first", files: map[string]string{"requirements.txt": "six\n", "mine.txt": "six<2\n"}, vars: []string{"PIP_CONSTRAINT=mine.txt"}, want: "six==1.0"},
				{what: "changed", files: map[string]string{"mine.txt": "six<3\n"}, want: "six==2.0"},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReal(t, Auto)
			r.set("HERE=" + r.dir)
			for _, s := range steps(t) {
				for name, content := range s.files {
					write(t, r.dir, map[string]string{name: strings.ReplaceAll(content, "file://HERE", "file://"+r.dir)})
				}
				r.set(s.vars...)
				r.expect(s.what, !s.same, strings.Fields(s.want)...)
			}
		})
	}
}

// TestChangedSourceIsInstalled sees that the code which is imported is that of the folder, not of an installer's cache.
func TestChangedSourceIsInstalled(t *testing.T) {
	t.Parallel()
	r := newReal(t, UV)
	files := local("pkg", "thing", "1.0")
	files["requirements.txt"] = "./pkg\n"
	write(t, r.dir, files)
	r.expect("first", true, "thing==1.0")
	write(t, r.dir, map[string]string{"pkg/thing.py": "STATE = 2\n"})
	r.expect("changed", true, "thing==1.0")
	current, _, err := readPointer(r.builder.pointer(Project{Dir: r.dir}))
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(r.builder.envs(), current, "venv", "lib", "*", "site-packages", "thing.py"))
	if err != nil || len(found) != 1 {
		t.Fatalf("found %q, %v", found, err)
	}
	if content, err := os.ReadFile(found[0]); err != nil || string(content) != "STATE = 2\n" {
		t.Errorf("installed %q, %v", content, err)
	}
}

func TestChangesInPlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		local [][]any
		want  bool
	}{
		"nothing local":                    {nil, false},
		"a folder with a package":          {[][]any{{"tree", "/elsewhere/lib", "1"}}, true},
		"a wheelhouse of the project":      {[][]any{{"links", "/project/wheels", "1"}}, true},
		"a wheelhouse for all projects":    {[][]any{{"links", "/opt/wheels", "1"}}, false},
		"both":                             {[][]any{{"links", "/opt/wheels", "1"}, {"file", "/project/a.whl", "1"}}, true},
		"a folder whose name begins alike": {[][]any{{"links", "/project-wheels", "1"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (report{dir: "/project", Local: tc.local}).changesInPlace(); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
