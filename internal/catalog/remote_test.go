package catalog_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/unzip"
)

const (
	top  = "ploomber-doc-1a2b3c4"
	meta = ".ploomber/.ploomber-cloud-metadata"
)

// docs is the tree of the documentation's repository that the fake server has.
var docs = map[string]string{
	"README.md":                                 "doc repo\n",
	"examples/README.md":                        "# All examples\n",
	"examples/streamlit/hello/app.py":           "import streamlit as st\n",
	"examples/streamlit/hello/README.md":        "# Hello app\n\nA first app\nin two lines.\n\nMore text.\n",
	"examples/streamlit/charts/app.py":          "import streamlit\n",
	"examples/streamlit/charts/assets/logo.svg": "<svg/>",
	"examples/dash/board/readme.md":             "## Board\nShows a board.\n",
	"examples/docker/node/Dockerfile":           "FROM node\n",
}

func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	if _, err := w.Create(top + "/"); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out, err := w.Create(top + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// server stands for the download; it counts the requests.
type server struct {
	body   []byte
	err    error
	asked  int
	header http.Header
}

func (s *server) fetch(_ context.Context, _ string, header http.Header, _ int64, w io.Writer) error {
	s.asked++
	s.header = header
	if _, err := w.Write(s.body); err != nil {
		return err
	}
	return s.err
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 250_000_000, time.UTC)

func at(home string, s *server, now time.Time) catalog.Catalog {
	return catalog.Catalog{Home: home, Now: func() time.Time { return now }, URL: "https://docs.test/zip", Fetch: s.fetch}
}

// tree reads all files below dir, by slash path.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

func TestLoadDownloads(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := &server{body: zipped(t, docs)}
	set, err := at(home, s, noon).Load(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"dash/board", "docker/node", "streamlit/charts", "streamlit/hello"}
	if got := set.Names(); !slices.Equal(got, want) {
		t.Errorf("examples %v, want %v", got, want)
	}
	if got := s.header.Get("Accept"); s.asked != 1 || got != "application/vnd.github+json" {
		t.Errorf("%d requests, Accept %q", s.asked, got)
	}
	files := tree(t, home)
	var cached any
	if err := json.Unmarshal([]byte(files[meta]), &cached); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string {
		return filepath.Join(home, ".ploomber", "doc-repo", top, "examples", filepath.FromSlash(name))
	}
	example := func(title, description, name string, parsed bool) map[string]any {
		return map[string]any{"title": title, "description": description, "path": at(name), "parsed": parsed}
	}
	wantJSON, _ := json.Marshal(map[string]any{"timestamp": 1795176000.25, "examples": map[string]any{
		"dash":   map[string]any{"board": example("Board", "Shows a board.", "dash/board", true)},
		"docker": map[string]any{"node": example("node", "", "docker/node", false)},
		"streamlit": map[string]any{
			"charts": example("charts", "", "streamlit/charts", false),
			"hello":  example("Hello app", "A first appin two lines.", "streamlit/hello", true),
		},
	}})
	if got, _ := json.Marshal(cached); !bytes.Equal(got, wantJSON) {
		t.Errorf("cache file\n%s, want\n%s", got, wantJSON)
	}
	delete(files, meta)
	for name, data := range docs {
		path := ".ploomber/doc-repo/" + top + "/" + name
		if strings.Count(name, "/") > 0 && files[path] != data {
			t.Errorf("%s is %q", path, files[path])
		}
		delete(files, path)
	}
	if len(files) > 0 {
		t.Errorf("home also holds %v", slices.Sorted(maps.Keys(files)))
	}
}

func TestLoadUsesTheCache(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		later   time.Duration
		refresh bool
		damage  func(t *testing.T, home string)
		asked   int
	}{
		"at once":          {asked: 0},
		"within the day":   {later: 24*time.Hour - time.Second, asked: 0},
		"a day later":      {later: 24 * time.Hour, asked: 1},
		"clock went back":  {later: -25 * time.Hour, asked: 1},
		"asked to refresh": {refresh: true, asked: 1},
		"cut off": {asked: 1, damage: func(t *testing.T, home string) {
			put(t, filepath.Join(home, meta), "{broken")
		}},
		"of another kind": {asked: 1, damage: func(t *testing.T, home string) {
			put(t, filepath.Join(home, meta), `{"timestamp": "now", "examples": []}`)
		}},
		"empty": {asked: 1, damage: func(t *testing.T, home string) {
			put(t, filepath.Join(home, meta), `{"timestamp": 1795176000, "examples": {}}`)
		}},
		"files gone": {asked: 1, damage: func(t *testing.T, home string) {
			if err := os.RemoveAll(filepath.Join(home, ".ploomber", "doc-repo")); err != nil {
				t.Fatal(err)
			}
		}},
		// A changed cache file must not make us copy the user's keys into a project that is then deployed.
		"pointing elsewhere": {asked: 1, damage: func(t *testing.T, home string) {
			put(t, filepath.Join(home, ".ssh", "examples", "x", "y", "id"), "key")
			put(t, filepath.Join(home, meta), `{"timestamp": 1795176000, "examples": {"x": {"y": {"title": "t", "path": `+
				strconv.Quote(filepath.Join(home, ".ssh", "examples", "x", "y"))+`}}}}`)
		}},
		"climbing": {asked: 1, damage: func(t *testing.T, home string) {
			put(t, filepath.Join(home, ".ssh", "id"), "key")
			put(t, filepath.Join(home, meta), `{"timestamp": 1795176000, "examples": {"..": {"..": {"title": "t", "path": `+
				strconv.Quote(home+"/.ploomber/doc-repo/a/examples/../../../../.ssh")+`}}}}`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			first := &server{body: zipped(t, docs)}
			if _, err := at(home, first, noon).Load(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if tc.damage != nil {
				tc.damage(t, home)
			}
			s := &server{body: zipped(t, docs)}
			set, err := at(home, s, noon.Add(tc.later)).Load(t.Context(), tc.refresh)
			if err != nil {
				t.Fatal(err)
			}
			if s.asked != tc.asked {
				t.Errorf("%d requests, want %d", s.asked, tc.asked)
			}
			if got := set.Names(); len(got) != 4 {
				t.Errorf("examples %v", got)
			}
			e, err := set.Find("streamlit", "hello")
			if err != nil || e.Title != "Hello app" {
				t.Errorf("%+v, %v", e, err)
			}
		})
	}
}

func put(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	refused := errors.New("403 Forbidden")
	for name, tc := range map[string]struct {
		server server
		want   error
	}{
		"refused":            {server: server{body: []byte("rate"), err: refused}, want: refused},
		"not a zip":          {server: server{body: []byte("oops")}, want: unzip.ErrNotZip},
		"nothing":            {server: server{}, want: unzip.ErrNotZip},
		"no folder":          {server: server{body: rezip(t, "app.py")}, want: catalog.ErrDownload},
		"no examples":        {server: server{body: rezip(t, "top/README.md")}, want: catalog.ErrDownload},
		"examples, no apps":  {server: server{body: rezip(t, "top/examples/README.md")}, want: catalog.ErrDownload},
		"climbing":           {server: server{body: rezip(t, "top/", "top/examples/../../../evil")}, want: unzip.ErrUnsafe},
		"climbing top":       {server: server{body: rezip(t, "../examples/dash/a/app.py")}, want: catalog.ErrDownload},
		"outside of the top": {server: server{body: rezip(t, "top/", "/evil")}, want: unzip.ErrUnsafe},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			s := tc.server
			if _, err := at(home, &s, noon).Load(t.Context(), false); !errors.Is(err, tc.want) || !errors.Is(err, catalog.ErrDownload) {
				t.Errorf("error %v", err)
			}
			if got := tree(t, home); len(got) != 0 {
				t.Errorf("left %v", got)
			}
		})
	}
}

func rezip(t *testing.T, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestLoadFailingKeepsTheOldCache(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := &server{body: zipped(t, docs)}
	c := at(home, s, noon)
	if _, err := c.Load(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	before := tree(t, home)
	s.body = []byte("oops")
	if _, err := c.Load(t.Context(), true); err == nil {
		t.Fatal("no error")
	}
	if !maps.Equal(tree(t, home), before) {
		t.Error("the cache changed")
	}
	if got := c.Cached().Names(); len(got) != 4 {
		t.Errorf("cached %v", got)
	}
}

func TestCachedNeverFetches(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := &server{body: zipped(t, docs)}
	if got := at(home, s, noon).Cached().Names(); len(got) != 0 || s.asked != 0 {
		t.Errorf("%v after %d requests", got, s.asked)
	}
	if _, err := at(home, s, noon).Load(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if got := at(home, s, noon.AddDate(1, 0, 0)).Cached().Names(); len(got) != 4 || s.asked != 1 {
		t.Errorf("%v after %d requests", got, s.asked)
	}
}

func TestLoadPrunesOldSnapshots(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	repo := filepath.Join(home, ".ploomber", "doc-repo")
	for name, age := range map[string]time.Duration{"old": 8 * 24 * time.Hour, "young": time.Hour} {
		put(t, filepath.Join(repo, name, "examples", "a", "b", "c"), "")
		if err := os.Chtimes(filepath.Join(repo, name), noon.Add(-age), noon.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := at(home, &server{body: zipped(t, docs)}, noon).Load(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(repo)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := []string{top, "young"}; !slices.Equal(got, want) {
		t.Errorf("snapshots %v, want %v", got, want)
	}
}
