package project_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file string
		want project.Config
	}{
		"least": {`{"id": "a-1", "type": "dash"}`, project.Config{ID: "a-1", Type: "dash"}},
		"byte order mark": {
			"\ufeff" + `{"id": "a-1", "type": "dash"}`, project.Config{ID: "a-1", Type: "dash"},
		},
		"all": {
			`{"id": "a", "type": "shiny-r", "resources": {"gpu": 0, "ram": 2, "cpu": 0.5}, "template": "node-auth0",
			  "labels": ["x"], "secret-keys": ["K"], "ignore": ["a", 1], "include": [],
			  "authentication": {"username": "u", "password": {"secret": "password_main_app"}}}`,
			project.Config{
				ID: "a", Type: "shiny-r", Resources: &project.Resources{CPU: 0.5, RAM: 2}, Template: "node-auth0",
				Labels: []string{"x"}, SecretKeys: []string{"K"}, Ignore: []string{"a"}, Include: []string{},
				Authentication: &project.Credentials{
					Username: project.Value{Text: "u"}, Password: project.Value{Secret: "password_main_app"},
				},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := project.Parse([]byte(tc.file))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&tc.want, got, cmpopts.IgnoreUnexported(project.Config{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseNamesEveryMistake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file string
		want []string // each in one problem, in order
	}{
		"empty":            {"", []string{"empty"}},
		"blank":            {" \n", []string{"empty"}},
		"no JSON":          {"{\n  not", []string{"line 2, column 3"}},
		"cut off":          {`{"id": "a"`, []string{"line 1"}},
		"two documents":    {`{} {}`, []string{"not valid JSON"}},
		"not UTF-8":        {"{\n\"id\": \"\xff\"}", []string{"UTF-8 text (line 2)"}},
		"list":             {`[]`, []string{"not a list"}},
		"null":             {`null`, []string{"not null"}},
		"missing":          {`{}`, []string{`"id" is missing`, `"type" is missing`}},
		"unknown":          {`{"id": "a", "type": "dash", "label": []}`, []string{`unknown key "label" (did you mean "labels"?)`}},
		"case":             {`{"id": "a", "type": "dash", "Type": "dash"}`, []string{`did you mean "type"`}},
		"repeated":         {`{"id": "a", "type": "dash", "id": "b"}`, []string{`"id" appears twice`}},
		"repeated below":   {`{"id": "a", "type": "dash", "resources": {"cpu": 1.0, "cpu": 2.0, "ram": 2, "gpu": 0}}`, []string{`"cpu" appears`}},
		"repeated in list": {`{"id": "a", "type": "dash", "ignore": [{"x": 1, "x": 2}]}`, []string{`"x" appears`}},
		"empty text":       {`{"id": "", "type": "dash"}`, []string{`"id" is empty`}},
		"number":           {`{"id": 5, "type": "dash"}`, []string{`"id" must be a string, not a number`}},
		"null list":        {`{"id": "a", "type": "dash", "labels": null}`, []string{"not null"}},
		"type":             {`{"id": "a", "type": "streamlet"}`, []string{`did you mean "streamlit"`}},
		"list entry":       {`{"id": "a", "type": "dash", "labels": ["x", 1]}`, []string{"entry 2 is a number"}},
		"resources": {
			`{"id": "a", "type": "dash", "resources": {"cpu": 1, "ram": 2.0, "tpu": 1}}`,
			[]string{"cpu must be", "ram must be", `"tpu"`, `lacks "gpu"`},
		},
		"resources text": {`{"id": "a", "type": "dash", "resources": "big"}`, []string{"not text"}},
		"credentials": {
			`{"id": "a", "type": "dash", "authentication": {"username": "", "pass": "x"}}`,
			[]string{"username is empty", `unknown key "pass"`, `lacks "password"`},
		},
		"several": {`{"id": 1, "kind": "x", "labels": "y"}`, []string{`"id"`, `"kind"`, `"labels"`, `"type"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := project.Parse([]byte(tc.file))
			var invalid *project.Invalid
			if !errors.As(err, &invalid) || c == nil {
				t.Fatalf("config %v, error %v", c, err)
			}
			if len(invalid.Problems) != len(tc.want) {
				t.Fatalf("problems %q, want %q", invalid.Problems, tc.want)
			}
			for i, p := range invalid.Problems {
				if !strings.Contains(p, tc.want[i]) {
					t.Errorf("problem %q lacks %q", p, tc.want[i])
				}
			}
		})
	}
}

func TestMarshalKeepsOrderAndShape(t *testing.T) {
	t.Parallel()
	const file = `{
    "type": "dash",
    "ignore": [
        "a",
        1
    ],
    "id": "ü<&>",
    "resources": {
        "cpu": 2.0,
        "ram": 4,
        "gpu": 0
    }
}`
	c, err := project.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := c.Marshal(); string(got) != file {
		t.Errorf("unchanged config is written as\n%s", got)
	}
	c.Labels = []string{}
	c.SetCredentials(project.MainApp, project.Reference("username_main_app", "password_main_app"))
	got, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(file, "\n}") + `,
    "labels": [],
    "authentication": {
        "username": {
            "secret": "username_main_app"
        },
        "password": {
            "secret": "password_main_app"
        }
    }
}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		"": "ploomber-cloud.json", "prod": "prod/ploomber-cloud.json", "prod.json": "prod.json",
		"a/b.json": "a/b.json", ".": "ploomber-cloud.json", "..": "../ploomber-cloud.json",
		".hidden": ".hidden/ploomber-cloud.json", "c.yaml": "", "c.JSON": "", "conf.d/": "",
	} {
		got, err := project.Path(config)
		if filepath.ToSlash(got) != want || (err == nil) != (want != "") {
			t.Errorf("Path(%q) = %q, %v; want %q", config, got, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var invalid *project.Invalid
	if _, err := project.Load(dir); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "folder") {
		t.Errorf("folder: %v", err)
	}
	path := filepath.Join(dir, "c.json")
	if _, err := project.Load(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("missing: %v", err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := project.Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("mistake: %v", err)
	}
}

// A command that sets one key anew may go on where nothing else is wrong, and must not where it would lose more.
func TestInvalidOnly(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{
		`{"id": "a", "type": "dash", "resources": {"cpu": 1, "disk": 2}}`:              true,
		`{"id": "a", "type": "dash", "resources": null}`:                               true,
		`{"id": "a", "type": "dash", "resources": null, "labels": null}`:               false,
		`{"id": "a", "type": "dash", "resources": null, "other": 1}`:                   false,
		`{"id": "a", "type": "dash", "other": 1}`:                                      false,
		`{"id": "a", "resources": {}}`:                                                 false,
		`{"id": "a", "type": "dash", "resources": {"cpu": 1.0, "cpu": 1.0, "ram": 1}}`: false,
		`{"id": "a", "type": "dash", "resources": {}`:                                  false,
		`[]`: false,
		``:   false,
	} {
		_, err := project.Parse([]byte(file))
		var invalid *project.Invalid
		if !errors.As(err, &invalid) || invalid.Only("resources") != want {
			t.Errorf("%s: %v, want %v", file, err, want)
		}
	}
}

func TestInfer(t *testing.T) {
	t.Parallel()
	app := func(source string) map[string]string { return map[string]string{"app.py": source} }
	for name, tc := range map[string]struct {
		files map[string]string
		want  project.Guess
	}{
		"nothing":         {nil, project.Guess{}},
		"import":          {app("import streamlit as st"), project.Guess{Type: "streamlit"}},
		"from":            {app("from flask import Flask"), project.Guess{Type: "flask"}},
		"module below":    {app("from flask.views import View"), project.Guess{}},
		"longer name":     {app("import dash2, panel_x"), project.Guess{}},
		"second hit":      {app("import dash_x\nimport dash"), project.Guess{Type: "dash"}},
		"first name":      {app("import streamlit\nimport dash"), project.Guess{Type: "dash"}},
		"comment":         {app("# import voila"), project.Guess{Type: "voila"}},
		"two spaces":      {app("import  dash"), project.Guess{}},
		"byte order mark": {app("\ufeffimport dash"), project.Guess{Type: "dash"}},
		"letter before":   {app("éimport dash"), project.Guess{}},
		"not UTF-8":       {app("# caf\xe9\nimport dash"), project.Guess{Type: "dash"}},
		"gradio":          {app("import gradio as gr"), project.Guess{Type: "docker", Framework: "gradio"}},
		"gradio in Docker": {
			map[string]string{"app.py": "import gradio", "Dockerfile": ""},
			project.Guess{Type: "docker", Framework: "gradio", HasDockerfile: true},
		},
		"Dockerfile first": {
			map[string]string{"app.py": "import dash", "Dockerfile": "", "app.R": ""},
			project.Guess{Type: "docker", HasDockerfile: true},
		},
		"R first":  {map[string]string{"app.R": "", "app.ipynb": ""}, project.Guess{Type: "shiny-r"}},
		"notebook": {map[string]string{"app.ipynb": "", "app.py": "import dash"}, project.Guess{Type: "voila"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fstest.MapFS{}
			for path, text := range tc.files {
				dir[path] = &fstest.MapFile{Data: []byte(text)}
			}
			got, err := project.Infer(dir)
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"id": "a", "type": "dash"}`, `{"id": 1}`, `[{"a": {}}]`, `{"ignore": [1, {"a": "b", "a": 1}]}`,
		`{"authentication": {"username": {"secret": "x"}, "password": ""}}`, "\ufeff{}", "{\n\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := project.Parse(data)
		if err != nil {
			if len(err.Error()) > 100*(len(data)+10) {
				t.Errorf("message of %d bytes for %d", len(err.Error()), len(data))
			}
			return
		}
		out, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(t, data, out) {
			t.Errorf("%s is written as %s", data, out)
		}
	})
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(a), "\ufeff")), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return cmp.Equal(x, y)
}
