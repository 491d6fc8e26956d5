package initcmd

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// A download removes what others that were killed have left a day ago or more, and its own.
func TestFromExistingCleansUp(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	archive, err := fakecloud.Zip(map[string]string{"app.py": "import dash"})
	if err != nil {
		t.Fatal(err)
	}
	d.Cloud.AddProject(fakecloud.Project{ID: "p", Type: "dash", Files: archive})
	o := options(t, d, Flags{FromExisting: true, Project: "p", Dest: "."})
	now := time.Now()
	temp := t.TempDir()
	o.Now, o.TempDir = func() time.Time { return now }, func() string { return temp }
	for name, age := range map[string]time.Duration{
		"ploomber-cloud-download-1": 25 * time.Hour, "ploomber-cloud-download-2": 23 * time.Hour, "ploomber-cloud-demo-1": 25 * time.Hour, "mine": 25 * time.Hour,
	} {
		path := filepath.Join(temp, name)
		if err := os.MkdirAll(filepath.Join(path, "project"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := initialise(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"mine", "ploomber-cloud-demo-1", "ploomber-cloud-download-2"}; !slices.Equal(left, want) {
		t.Errorf("the temporary folder holds %q, want %q", left, want)
	}
}
