package flow_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/flow"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	write := func(name, text string) func(dir string) error {
		return func(dir string) error {
			path := filepath.Join(dir, filepath.FromSlash(name))
			return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600))
		}
	}
	const config = `{"id": "demo", "type": "dash", "ignore": ["data"]}`
	for name, tc := range map[string]struct {
		change func(dir string) error
		config string
		same   bool
	}{
		"nothing":                {change: func(string) error { return nil }, same: true},
		"another size":           {change: write("app.py", "import dash # more")},
		"a new file":             {change: write("sub/new.py", "")},
		"a removed file":         {change: func(dir string) error { return os.Remove(filepath.Join(dir, "app.py")) }},
		"a renamed file":         {change: func(dir string) error { return os.Rename(dir+"/app.py", dir+"/b.py") }},
		"a secret":               {change: write(".env", "A=another")},
		"no secrets":             {change: func(dir string) error { return os.Remove(filepath.Join(dir, ".env")) }},
		"ignored secrets":        {change: write(".env", "A=another"), config: `{"id": "demo", "type": "dash", "ignore": [".env", "data"]}`, same: true},
		"an ignored file":        {change: write("data/x.csv", "1"), same: true},
		"a new ignored file":     {change: write("data/y.csv", "1"), same: true},
		"a passed over file":     {change: write("README.md", "more"), same: true},
		"the configuration":      {change: write("ploomber-cloud.json", config+"\n"), same: true},
		"a repository":           {change: write(".git/index", "x"), same: true},
		"a virtual environment":  {change: write("env/pyvenv.cfg", ""), same: true},
		"an environment's files": {change: write("venv/lib/x.py", "more"), same: true},
		"another time": {change: func(dir string) error {
			later := time.Now().Add(time.Hour)
			return os.Chtimes(filepath.Join(dir, "app.py"), later, later)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tc.config == "" {
				tc.config = config
			}
			for file, text := range map[string]string{
				"app.py": "import dash", "README.md": "x", "data/x.csv": "", ".env": "A=1", "ploomber-cloud.json": tc.config,
				"venv/pyvenv.cfg": "", "venv/lib/x.py": "",
			} {
				if err := write(file, text)(dir); err != nil {
					t.Fatal(err)
				}
			}
			d := flow.Deploy{Folder: flow.Folder{Dir: dir}}
			look := func() *flow.Snapshot {
				s, err := d.Snapshot(t.Context(), func(name string) bool { return name == "README.md" })
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			before := look()
			for file, want := range map[string]bool{"venv/": true, "data/": true, "app.py": false, "README.md": false} {
				if before.LeftOut(file) != want {
					t.Errorf("%s is left out: %t", file, !want)
				}
			}
			if err := tc.change(dir); err != nil {
				t.Fatal(err)
			}
			if before.Equal(look()) != tc.same {
				t.Errorf("equal is %t", !tc.same)
			}
		})
	}
}

func TestSnapshotNeedsProject(t *testing.T) {
	t.Parallel()
	d := flow.Deploy{Folder: flow.Folder{Dir: t.TempDir()}}
	if s, err := d.Snapshot(t.Context(), func(string) bool { return false }); err == nil || s != nil {
		t.Errorf("%v, %v", s, err)
	}
}
