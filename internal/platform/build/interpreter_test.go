package build

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func TestWantedPython(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		want  wanted
	}{
		"nothing":              {},
		"pyenv":                {map[string]string{".python-version": "3.12.4\n"}, wanted{"3.12", ".python-version"}},
		"uv":                   {map[string]string{".python-version": "cpython-3.13\n"}, wanted{"3.13", ".python-version"}},
		"several":              {map[string]string{".python-version": "# mine\nmyenv\n3.10\n3.11\n"}, wanted{"3.10", ".python-version"}},
		"Heroku":               {map[string]string{"runtime.txt": "python-3.11.9\n"}, wanted{"3.11", "runtime.txt"}},
		"both":                 {map[string]string{"runtime.txt": "python-3.11", ".python-version": "3.12"}, wanted{"3.12", ".python-version"}},
		"another program":      {map[string]string{"runtime.txt": "nodejs-20\n"}, wanted{}},
		"another Python":       {map[string]string{".python-version": "pypy3.10-7.3\n"}, wanted{}},
		"a name":               {map[string]string{".python-version": "3.12-dev/envs/x\n"}, wanted{}},
		"without minor":        {map[string]string{".python-version": "3\n"}, wanted{}},
		"not there, the other": {map[string]string{".python-version": "system\n", "runtime.txt": "3.9"}, wanted{"3.9", "runtime.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, tc.files)
			if got := wantedPython(dir); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// TestWhichPython has a machine with several interpreters, whose versions are in their names.
func TestWhichPython(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		programs, elsewhere string // on PATH, and below the home folder
		broken              string // a program that does not work
		wants, requires     string // contents of .python-version, and the only version that the project allows
		want, warning       string
		problem             string
	}{
		"the default":                  {programs: "python3 python3.12", want: "python3"},
		"the one that is asked for":    {programs: "python3 python3.12 python3.13", wants: "3.12", want: "python3.12"},
		"the default, as asked for":    {programs: "python3 python3.11", wants: "3.11.2", want: "python3"},
		"of pyenv":                     {programs: "python3", elsewhere: ".pyenv/versions/3.12.9/bin/python3.12 .pyenv/versions/3.12.10/bin/python3.12", wants: "3.12", want: "3.12.10/bin/python3.12"},
		"of uv":                        {programs: "python3", elsewhere: ".local/share/uv/python/cpython-3.12.1-linux/bin/python3.12", wants: "3.12", want: "bin/python3.12"},
		"not there":                    {programs: "python3 python3.12", wants: "3.13", want: "python3", warning: "asks for Python 3.13, which is not installed here; Python 3.11.7 is used"},
		"a shim that refuses":          {programs: "python3 python3.12", broken: "python3", wants: "3.13", want: "python3.12", warning: "asks for Python 3.13"},
		"the project allows":           {programs: "python3 python3.12 python3.13", requires: "3.12", want: "python3.12"},
		"asked for, but not allowed":   {programs: "python3 python3.12 python3.13", wants: "3.13", requires: "3.12", want: "python3.12", warning: "asks for Python 3.13"},
		"none that the project allows": {programs: "python3", requires: "3.12", problem: "requires Python 3.12, but python3 is 3.11.7"},
		"none that works":              {programs: "python3", broken: "python3", problem: "does not work as Python 3"},
		"none":                         {wants: "3.12", problem: "Python is not installed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, strings.Fields(tc.programs)...)
			home := t.TempDir()
			for _, path := range strings.Fields(tc.elsewhere) {
				m.program(filepath.Join(home, filepath.FromSlash(path)))
			}
			m.fail = tc.broken
			if m.fail != "" {
				m.fail += " -I" // and no other program whose name begins like that
			}
			m.report = func(r *report) {
				if _, minor, ok := strings.Cut(filepath.Base(r.Path), "python3."); ok {
					r.Version = "3." + strings.TrimSuffix(minor, ".exe") + ".1"
				}
				if tc.requires != "" && !strings.HasPrefix(r.Version, tc.requires) {
					r.Requires = tc.requires
				}
			}
			b := m.builder(t.TempDir())
			b.Environ = append(b.Environ, "HOME="+home)
			p := flask(t)
			write(t, p.Dir, map[string]string{".python-version": tc.wants})
			r, err := b.inspect(context.Background(), p, wantedPython(p.Dir))
			if tc.problem != "" {
				if problem := problemOf(err); problem == nil || problem.Reason != platform.ReasonPython || !strings.Contains(problem.Error(), tc.problem) {
					t.Errorf("error %v, want %q", err, tc.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if path := strings.TrimSuffix(filepath.ToSlash(r.Path), ".exe"); !strings.HasSuffix(path, "/"+tc.want) {
				t.Errorf("Python %s, want %s", r.Path, tc.want)
			}
			if said := strings.Join(r.Warnings, "|"); !strings.Contains(said, tc.warning) || (said == "") != (tc.warning == "") {
				t.Errorf("warnings %q, want %q", said, tc.warning)
			}
		})
	}
}
