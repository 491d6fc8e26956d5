package initcmd

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Flags
		config string
	}
	flagtest.Run(t, func(got *parsed) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = parsed{o.Flags, o.Folder.Config}; return nil })
	}, flagtest.Cases[parsed]{
		"nothing":              {},
		"a new project":        {Args: []string{"-f", "-y", "--type=dash", "-c", "x.json"}, Want: parsed{Flags: Flags{Force: true, Yes: true, Type: "dash"}, config: "x.json"}},
		"an existing one":      {Args: []string{"--from-existing", "--project=p", "--dest=d"}, Want: parsed{Flags: Flags{FromExisting: true, Project: "p", Dest: "d"}}},
		"its configuration":    {Args: []string{"--from-existing", "--only-config"}, Want: parsed{Flags: Flags{FromExisting: true, OnlyConfig: true}}},
		"a project to make":    {Args: []string{"--project=p"}, Code: failure.Usage},
		"only a configuration": {Args: []string{"--only-config"}, Want: parsed{Flags: Flags{OnlyConfig: true}}},
		"a destination":        {Args: []string{"--dest=d"}, Code: failure.Usage},
		"an existing type":     {Args: []string{"--from-existing", "--type=dash"}, Code: failure.Usage},
		"nothing to download":  {Args: []string{"--from-existing", "--only-config", "--dest=d"}, Code: failure.Usage},
		"no type":              {Args: []string{"--type=Dash"}, Code: failure.Failed},
	})
}

func options(t *testing.T, d *cmdtest.Setup, f Flags) *Options {
	t.Helper()
	temp := t.TempDir()
	t.Cleanup(func() {
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("leaves %v behind (%v)", left, err)
		}
	})
	return &Options{
		IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, TempDir: func() string { return temp }, Now: time.Now, Flags: f,
		Workflow: flow.Workflow{Fetch: func(context.Context, string, int64) ([]byte, error) { return []byte("name: new\n"), nil }},
	}
}

func TestInit(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{".git/HEAD": "x", ".github/workflows/ploomber-cloud.yaml": "old"})
	d.JSON()
	if err := initialise(t.Context(), options(t, d, Flags{Type: "dash"})); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal([]byte(d.Out()), &r); err != nil || r.ID != "dash-app-1" || r.Type != "dash" || !strings.HasSuffix(r.Config, "ploomber-cloud.json") {
		t.Errorf("%s: %v", d.Out(), err)
	}
	if said := d.Said(nil); !strings.Contains(said, "outdated") {
		t.Errorf("says %q", said)
	}
}

// platform gives the user two projects, whose archive holds the given files.
func platform(t *testing.T, d *cmdtest.Setup, files map[string]string) {
	t.Helper()
	archive, err := fakecloud.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	d.Cloud.AddProject(fakecloud.Project{ID: "one", Type: "dash"})
	d.Cloud.AddProject(fakecloud.Project{
		ID: "two", Name: "Second", Type: "streamlit", Labels: []string{"a"}, Jobs: []string{"j"}, CPU: "0.5", RAM: "1.0", GPU: "0",
		Auth: true, Analytics: true, Files: archive,
	})
}

func TestFromExisting(t *testing.T) {
	t.Parallel()
	const (
		all    = "GET /projects"
		config = `{"id":"two","type":"streamlit","labels":["a"],"resources":{"cpu":0.5,"ram":1,"gpu":0}}`
	)
	app := map[string]string{"app.py": "new", "sub/x.txt": "x", "ploomber-cloud.json": "theirs"}
	for name, tc := range map[string]struct {
		files   map[string]string
		archive map[string]string // app if nil
		answers []string
		flags   Flags
		none    bool // the user has no project
		asked   []string
		want    map[string]string // new files; their configuration is compared as JSON
		code    int
		says    string
	}{
		"by number": {answers: []string{"2"}, flags: Flags{OnlyConfig: true}, asked: []string{all, all + "/two"}, want: map[string]string{"ploomber-cloud.json": config}, says: "two (Second)"},
		"by id":     {answers: []string{"two"}, flags: Flags{OnlyConfig: true}, asked: []string{all, all + "/two"}, want: map[string]string{"ploomber-cloud.json": config}},
		"by name":   {answers: []string{"Second"}, flags: Flags{OnlyConfig: true}, asked: []string{all, all + "/two"}, want: map[string]string{"ploomber-cloud.json": config}},
		"as listed": {answers: []string{"two (Second)"}, flags: Flags{OnlyConfig: true}, asked: []string{all, all + "/two"}, want: map[string]string{"ploomber-cloud.json": config}},
		"asked again": {
			answers: []string{"0", "9", "three", "1"}, flags: Flags{OnlyConfig: true}, asked: []string{all, all + "/one"},
			want: map[string]string{"ploomber-cloud.json": `{"id":"one","type":"dash"}`}, says: "Please enter a valid choice",
		},
		"by flag, a name":    {flags: Flags{OnlyConfig: true, Project: "Second"}, asked: []string{all, all + "/two"}, want: map[string]string{"ploomber-cloud.json": config}, says: "auth --add --feature main_app"},
		"by flag, unknown":   {flags: Flags{OnlyConfig: true, Project: "three"}, asked: []string{all}, code: failure.Failed, says: "no project"},
		"left by number":     {answers: []string{"3"}, asked: []string{all}},
		"left by name":       {answers: []string{"exit"}, asked: []string{all}},
		"nobody chooses":     {asked: []string{all}, code: failure.Failed, says: "--project"},
		"no projects":        {none: true, asked: []string{all}, says: "no existing projects"},
		"none, one by flag":  {none: true, flags: Flags{OnlyConfig: true, Project: "two"}, asked: []string{all}, code: failure.Failed, says: `no project "two"`},
		"a project already":  {files: map[string]string{"ploomber-cloud.json": `{"id": "mine", "type": "dash"}`}, code: failure.Failed, says: "already initialized with id: mine"},
		"a project replaced": {files: map[string]string{"ploomber-cloud.json": `{"id": "mine", "type": "dash"}`}, flags: Flags{Force: true, OnlyConfig: true, Project: "two"}, asked: []string{all, all + "/two"}, want: map[string]string{"ploomber-cloud.json": config}},
		"downloaded": {
			answers: []string{"2", ""}, asked: []string{all, all + "/two", "GET /jobs/two/files"},
			want: map[string]string{"two/app.py": "new", "two/sub/x.txt": "x", "two/ploomber-cloud.json": config}, says: "[./two]",
		},
		"downloaded here, beside others": {
			files: map[string]string{"mine.txt": "mine"}, flags: Flags{Project: "two", Dest: "."}, asked: []string{all, all + "/two", "GET /jobs/two/files"},
			want: map[string]string{"mine.txt": "mine", "app.py": "new", "sub/x.txt": "x", "ploomber-cloud.json": config},
		},
		"a file in the way": {
			files: map[string]string{"app.py": "mine"}, flags: Flags{Project: "two", Dest: "."}, asked: []string{all, all + "/two", "GET /jobs/two/files"},
			code: failure.Failed, says: "--dest",
		},
		"a folder in the way": {
			files: map[string]string{"app.py/x": "mine"}, flags: Flags{Project: "two", Dest: "."}, asked: []string{all, all + "/two", "GET /jobs/two/files"},
			code: failure.Failed, says: "app.py",
		},
		"to a project": {
			files: map[string]string{"d/ploomber-cloud.json": "{}"}, flags: Flags{Project: "two", Dest: "d"}, asked: []string{all, all + "/two"},
			code: failure.Failed, says: "is already a project",
		},
		"no files": {flags: Flags{Project: "one", Dest: "d"}, asked: []string{all, all + "/one", "GET /jobs/one/files"}, code: failure.Failed, says: "no files"},
		"an entry that climbs out": {
			archive: map[string]string{"app.py": "new", "../escaped.txt": "x"}, flags: Flags{Project: "two", Dest: "d"},
			asked: []string{all, all + "/two", "GET /jobs/two/files"}, code: failure.Failed, says: "unsafe entry",
		},
		"an entry from the root": {
			archive: map[string]string{"app.py": "new", "/etc/escaped": "x"}, flags: Flags{Project: "two", Dest: "d"},
			asked: []string{all, all + "/two", "GET /jobs/two/files"}, code: failure.Failed, says: "unsafe entry",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files, tc.answers...)
			if tc.archive == nil {
				tc.archive = app
			}
			if !tc.none {
				platform(t, d, tc.archive)
			}
			tc.flags.FromExisting = true
			err := initialise(t.Context(), options(t, d, tc.flags))
			if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
			}
			if asked := d.Asked(); !slices.Equal(asked, append([]string{}, tc.asked...)) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			got := map[string]string{}
			for _, f := range d.Files() {
				if got[f] = d.Read(f); strings.HasSuffix(f, ".json") && tc.want != nil {
					var flat bytes.Buffer
					if err := json.Compact(&flat, []byte(got[f])); err != nil {
						t.Errorf("%s: %v", f, err)
					}
					got[f] = strings.ReplaceAll(flat.String(), ".0", "")
				}
			}
			if tc.want == nil {
				tc.want = tc.files
			}
			if !maps.Equal(got, tc.want) {
				t.Errorf("the folder holds %q, want %q", got, tc.want)
			}
		})
	}
}

// What is not an archive, or holds a link, leaves nothing.
func TestFromExistingBadArchives(t *testing.T) {
	t.Parallel()
	var linked bytes.Buffer
	w := zip.NewWriter(&linked)
	h := &zip.FileHeader{Name: "passwd"}
	h.SetMode(fs.ModeSymlink | 0o777)
	f, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("/etc/passwd")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"no archive": []byte("<html>"), "nothing": {}, "a link": linked.Bytes()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			d.Cloud.AddProject(fakecloud.Project{ID: "p", Type: "dash", Files: body})
			err := initialise(t.Context(), options(t, d, Flags{FromExisting: true, Project: "p", Dest: "d"}))
			if failure.Code(err) != failure.Failed || len(d.Files()) > 0 {
				t.Errorf("%v, leaves %q", err, d.Files())
			}
		})
	}
}

// The hint is about the folder that was made, not about the one above it.
func TestFromExistingHint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dest string
		want bool
	}{"here": {".", true}, "below": {"d", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{".git/HEAD": "x"})
			platform(t, d, map[string]string{"app.py": ""})
			if err := initialise(t.Context(), options(t, d, Flags{FromExisting: true, Project: "two", Dest: tc.dest})); err != nil {
				t.Fatal(err)
			}
			if said := d.Said(nil); strings.Contains(said, "ploomber-cloud github") != tc.want {
				t.Errorf("says %q", said)
			}
		})
	}
}
