package pyenv

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var files []string
	for name, text := range map[string]string{"a": "flask==1\n# a comment\n\nnumpy==2  # another\n", "b": "numpy==2\r\nbokeh==3"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	got, err := merge(files)
	if want := []string{"bokeh==3", "flask==1", "numpy==2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := merge([]string{filepath.Join(dir, "none")}); err == nil {
		t.Error("a missing file is not an error")
	}
}

func TestDefaultCache(t *testing.T) {
	t.Parallel()
	c, err := DefaultCache(func(name string) string { return map[string]string{Variable: "there"}[name] })
	if err != nil || c.Dir != "there" {
		t.Errorf("%v, %v", c, err)
	}
}
