package dialog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func initOf(d *cmdtest.Setup) dialog.Init {
	return dialog.Init{Folder: d.Folder(), Report: d.IO.Err, Ask: d.Ask, Connect: d.Connect}
}

func TestInit(t *testing.T) {
	t.Parallel()
	const app = "import streamlit"
	create := func(kind string) []string { return []string{"POST /projects/" + kind} }
	for name, tc := range map[string]struct {
		files   map[string]string
		answers []string
		set     func(*dialog.Init)
		asked   []string // requests; none where nil
		kind    string   // "" for an error
		says    string
	}{
		"inferred and right":       {files: map[string]string{"app.py": app}, answers: []string{"y"}, asked: create("streamlit"), kind: "streamlit", says: "Inferred project type: 'streamlit'"},
		"inferred, by default":     {files: map[string]string{"app.py": app}, answers: []string{""}, asked: create("streamlit"), kind: "streamlit"},
		"inferred and wrong":       {files: map[string]string{"app.py": app}, answers: []string{"n", "dash"}, asked: create("dash"), kind: "dash"},
		"inferred with --yes":      {files: map[string]string{"app.py": app}, set: func(i *dialog.Init) { i.Yes = true }, asked: create("streamlit"), kind: "streamlit"},
		"not inferred, with --yes": {answers: []string{"flask"}, set: func(i *dialog.Init) { i.Yes = true }, asked: create("flask"), kind: "flask", says: "Could not infer"},
		"asked again":              {answers: []string{"Streamlit", "", "streamlit"}, asked: create("streamlit"), kind: "streamlit", says: "Please enter one of the listed types"},
		"given":                    {files: map[string]string{"app.py": app}, set: func(i *dialog.Init) { i.Type = "docker" }, asked: create("docker"), kind: "docker"},
		"a framework in Docker":    {files: map[string]string{"app.py": "import fastapi"}, answers: []string{"y"}, asked: create("docker"), kind: "docker", says: "needs a Dockerfile"},
		"nobody confirms":          {files: map[string]string{"app.py": app}, says: "--yes"},
		"nobody chooses":           {says: "--type"},
		"refused, then nobody":     {files: map[string]string{"app.py": app}, answers: []string{"n"}, says: "--type"},
		"a project already":        {files: map[string]string{"ploomber-cloud.json": dashConfig}, says: "already initialized with id: demo"},
		"a broken project":         {files: map[string]string{"ploomber-cloud.json": "{"}, says: "init --force"},
		"nowhere to write":         {set: func(i *dialog.Init) { i.Folder.Config, i.Type = "missing/x.json", "dash" }, says: "mkdir"},
		"no configuration's name":  {set: func(i *dialog.Init) { i.Folder.Config, i.Type = "x.yaml", "dash" }, says: ".json"},
		"a link that leads nowhere": {
			set: func(i *dialog.Init) {
				i.Type, i.Force = "dash", true
				if err := os.Symlink("nowhere", filepath.Join(i.Folder.Dir, project.FileName)); err != nil {
					panic(err)
				}
			},
			says: "a link to nowhere",
		},
		"app.py is a folder": {files: map[string]string{"app.py/x": ""}, says: "app.py"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files, tc.answers...)
			i := initOf(d)
			if tc.set != nil {
				tc.set(&i)
			}
			c, err := i.Run(t.Context())
			if tc.kind == "" != (err != nil) || err == nil && c.Type != tc.kind {
				t.Errorf("%+v, %v; want %q", c, err, tc.kind)
			}
			if asked := d.Asked(); !slices.Equal(asked, tc.asked) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			if said := d.Said(err); !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q", said, tc.says)
			}
			before := tc.files["ploomber-cloud.json"]
			if err == nil {
				before = "{\n    \"id\": \"" + c.ID + "\",\n    \"type\": \"" + tc.kind + "\"\n}"
			}
			if after := d.Read("ploomber-cloud.json"); after != before && !strings.Contains(name, "link") {
				t.Errorf("the configuration is %q, want %q", after, before)
			}
		})
	}
}

func TestInitNeedsKey(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	d.NoKey = true
	i := initOf(d)
	i.Type = "dash"
	if _, err := i.Run(t.Context()); failure.Code(err) != failure.NotAllowed || len(d.Files()) > 0 {
		t.Errorf("exit status %d, files %q", failure.Code(err), d.Files())
	}
}

func TestInitRefusedByPlatform(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": dashConfig})
	d.Cloud.Break(fakecloud.Fault{Method: "POST", Path: "/projects/*", Status: 500})
	i := initOf(d)
	i.Type, i.Force = "dash", true
	if _, err := i.Run(t.Context()); err == nil || d.Read("ploomber-cloud.json") != dashConfig {
		t.Errorf("%v, %q", err, d.Read("ploomber-cloud.json"))
	}
}

// What was set for the folder outlives its project; id and type do not.
func TestInitForceKeepsSettings(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": `{
		"labels": ["a"], "id": "old", "type": "flask", "resources": {"cpu": 0.5, "ram": 1, "gpu": 0}, "template": "node-auth0",
		"secret-keys": ["S"], "ignore": ["data"], "include": ["x.pyc"],
		"authentication": {"username": {"secret": "U"}, "password": "literal"},
		"authentication_analytics": {"username": "u", "password": "p"}}`})
	old, err := d.Folder().Load()
	if err != nil {
		t.Fatal(err)
	}
	i := initOf(d)
	i.Type, i.Force = "dash", true
	c, err := i.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after, err := d.Folder().Load()
	if err != nil || after.ID != c.ID || after.ID == "old" || after.Type != "dash" {
		t.Fatalf("%+v, %v", after, err)
	}
	old.ID, old.Type = after.ID, after.Type
	want, _ := old.Marshal()
	if got, _ := after.Marshal(); string(got) != string(want) {
		t.Errorf("the settings are\n%s\nwant\n%s", got, want)
	}
}

func TestInitForceReplacesWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{"no JSON": "{", "a list": "[]", "null": "null", "an unknown key": `{"id": "a", "type": "dash", "x": 1}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": broken})
			i := initOf(d)
			i.Type, i.Force = "dash", true
			if _, err := i.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c, err := d.Folder().Load(); err != nil || c.ID != "dash-app-1" {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

// The platform's reply is the configuration, as far as a configuration can hold it.
func TestInitTakesTheReply(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	d.Cloud.Break(fakecloud.Fault{
		Method: "POST", Path: "/projects/*", Status: 200, Type: "application/json",
		Body: []byte(`{"labels": ["new"], "id": "x-1", "type": "dash", "owner": {"name": "ann"}}`),
	})
	i := initOf(d)
	i.Type = "dash"
	if _, err := i.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := d.Folder().Load()
	if err != nil || c.ID != "x-1" || !slices.Equal(c.Labels, []string{"new"}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files   map[string]string
		answers []string
		config  string
		id      string
		asked   int
		says    string
	}{
		"there":                {files: map[string]string{"ploomber-cloud.json": dashConfig}, id: "demo"},
		"there under its name": {files: map[string]string{"conf.json": dashConfig}, config: "conf.json", id: "demo"},
		"there but broken":     {files: map[string]string{"ploomber-cloud.json": "{"}, says: "init --force"},
		"made":                 {files: map[string]string{"app.py": "import dash"}, answers: []string{"", ""}, id: "dash-app-1", asked: 1, says: "Your app 'dash-app-1' has been configured successfully!"},
		"refused":              {answers: []string{"n"}, says: "run 'ploomber-cloud init'"},
		"nobody answers":       {says: "'ploomber-cloud init' before this command"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files, tc.answers...)
			i := initOf(d)
			i.Folder.Config = tc.config
			c, err := i.Ensure(t.Context())
			if (tc.id == "") != (err != nil) || err == nil && c.ID != tc.id {
				t.Errorf("%+v, %v; want %q", c, err, tc.id)
			}
			if asked := d.Asked(); len(asked) != tc.asked {
				t.Errorf("asks %q", asked)
			}
			if said := d.Said(err); !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q", said, tc.says)
			}
		})
	}
}
