package localcloud

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// The next step after a missing entry is one that the owner of a deployment can take: deploy has no flags for it.
func TestEntryMissing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		framework platform.Framework
		files     map[string]string
		entry     string
		hint      string
	}{
		"no app of the type":        {framework: "flask", files: map[string]string{"notes.txt": ""}, hint: "such as PLOOMBER_ENTRY=src/app.py"},
		"no Dockerfile":             {framework: platform.Docker, files: map[string]string{"notes.txt": ""}, hint: "add a Dockerfile, or a Procfile"},
		"a name that is not a file": {framework: "flask", files: map[string]string{"app.py": "import flask"}, entry: "main.py", hint: "name a file"},
		"a name outside the files":  {framework: "flask", files: map[string]string{"app.py": "import flask"}, entry: "../app.py", hint: "name a file"},
		"several apps":              {framework: "flask", files: map[string]string{"a.py": "import flask", "b.py": "import flask"}, hint: "such as PLOOMBER_ENTRY=a.py"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &runner{folder: folder(t.TempDir()), entry: "PLOOMBER_ENTRY"}
			d := platform.Deployment{ID: "d1"}
			d.Type = tc.framework
			if err := os.MkdirAll(r.folder.code(d), 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range tc.files {
				if err := os.WriteFile(filepath.Join(r.folder.code(d), file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			vars := map[string]string{}
			if tc.entry != "" {
				vars[r.entry] = tc.entry
			}
			_, err := r.recipe(d, vars)
			var problem *platform.Problem
			if !errors.As(err, &problem) || problem.Reason != platform.ReasonEntryMissing {
				t.Fatalf("error %v, want one with reason %s", err, platform.ReasonEntryMissing)
			}
			if !strings.Contains(problem.Hint, tc.hint) || strings.Contains(problem.Hint, "--") {
				t.Errorf("hint %q, want one with %q", problem.Hint, tc.hint)
			}
		})
	}
}
