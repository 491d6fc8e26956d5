package main_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// TestEditsOfOthersAreKept saves the project's two files while a command waits for a response of the platform.
func TestEditsOfOthersAreKept(t *testing.T) {
	t.Parallel()
	const (
		bare      = "{\n    \"id\": \"my-app\",\n    \"type\": \"streamlit\"\n}"
		labelled  = "{\n    \"id\": \"my-app\",\n    \"labels\": [\"mine\"],\n    \"type\": \"streamlit\"\n}"
		protected = `{"id": "my-app", "type": "streamlit", ` + credentials + `}`
	)
	files := func(env, config string) map[string]string {
		m := map[string]string{"app.py": "import streamlit\n"}
		if env != "" {
			m[".env"] = env
		}
		if config != "" {
			m["ploomber-cloud.json"] = config
		}
		return m
	}
	for name, tc := range map[string]struct {
		command string
		request string // at which the edit is made, after the files were read
		answers string
		before  map[string]string
		edit    map[string]string // "" deletes the file
		exit    int
		env     string // afterwards
		config  string // afterwards, without white space; "" is not compared
		says    string
	}{
		"auth --add, a new secret": {
			command: "auth --add --feature main_app", request: "/users/me", answers: "ana\nhush\n", before: files("A=1\n", bare),
			edit: map[string]string{".env": "A=2 # mine\nB=3\n"},
			env:  "A=2 # mine\nB=3\nusername_main_app=ana\npassword_main_app=hush\n", config: protected,
		},
		"auth --add, the same secret": {
			command: "auth --add --feature main_app", request: "/users/me", answers: "ana\nhush\n", before: files("A=1\n", bare),
			edit: map[string]string{".env": "A=1\npassword_main_app=theirs\n"}, exit: 1,
			env: "A=1\npassword_main_app=theirs\n", config: bare, says: "password_main_app has another value now",
		},
		"auth --add, a deleted file": {
			command: "auth --add --feature main_app", request: "/users/me", answers: "ana\nhush\n", before: files("A=1\n", bare),
			edit: map[string]string{".env": ""}, exit: 1, config: bare, says: ".env was deleted while this command ran; nothing was written",
		},
		"auth --add, a new file": {
			command: "auth --add --feature main_app", request: "/users/me", answers: "ana\nhush\n", before: files("", bare),
			edit: map[string]string{".env": "A=1\n"}, exit: 1, env: "A=1\n", config: bare,
			says: ".env was created by another program while this command ran; nothing was written",
		},
		"auth --remove": {
			command: "auth --remove --feature main_app --offline", before: files("username_main_app=ana\npassword_main_app=hush\n", protected),
			config: bare,
		},
		"resources": {
			command: "resources", request: "/users/me", answers: "0\n1\n2\n", before: files("", bare), edit: map[string]string{"ploomber-cloud.json": labelled},
			config: `{"id": "my-app", "labels": ["mine"], "type": "streamlit", "resources": {"cpu": 1.0, "ram": 2, "gpu": 0}}`,
		},
		"resources, a broken value": {
			command: "resources --force --cpu 1 --ram 2 --gpu 0", request: "/users/me",
			before: files("", `{"id": "my-app", "type": "streamlit", "resources": []}`),
			edit:   map[string]string{"ploomber-cloud.json": `{"id": "my-app", "labels": ["mine"], "type": "streamlit", "resources": 7}`},
			config: `{"id": "my-app", "labels": ["mine"], "type": "streamlit", "resources": {"cpu": 1.0, "ram": 2, "gpu": 0}}`,
		},
		"labels --add": {
			command: "labels --add new", request: "labels", before: files("", bare),
			edit:   map[string]string{"ploomber-cloud.json": `{"id": "my-app", "type": "streamlit", "ignore": [1, "data/"]}`},
			config: `{"id": "my-app", "type": "streamlit", "ignore": [1, "data/"], "labels": ["new"]}`,
		},
		"labels --add, the same key": {
			command: "labels --add new", request: "labels", before: files("", bare),
			edit: map[string]string{"ploomber-cloud.json": labelled}, exit: 1, config: labelled, says: "labels --sync",
		},
		"init": {
			command: "init --type dash", request: "/projects/dash", before: files("", ""), edit: map[string]string{"ploomber-cloud.json": bare},
			exit: 1, config: bare, says: "was created by another program",
		},
		"init --from-existing": {
			command: "init --from-existing --only-config --project my-app", request: "/projects/my-app", before: files("", ""),
			edit: map[string]string{"ploomber-cloud.json": labelled}, exit: 1, config: labelled, says: "was created by another program",
		},
		"init --from-existing --force": {
			command: "init --from-existing --only-config --force --project my-app", request: "/projects/my-app", before: files("", bare),
			edit:   map[string]string{"ploomber-cloud.json": `{"id": "my-app", "type": "streamlit", "include": ["data"]}`},
			config: `{"id": "my-app", "type": "streamlit", "include": ["data"]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, tc.before)
			edit := func() {
				for file, text := range tc.edit {
					path := filepath.Join(p.app, file)
					err := os.WriteFile(path, []byte(text), 0o600)
					if text == "" {
						err = os.Remove(path)
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
			edited := tc.request == ""
			p.cloud.Observe(func(r fakecloud.Request) {
				if tc.request != "" && !edited && strings.Contains(r.Path, tc.request) {
					edited = true
					edit()
				}
			})
			exit, _, said := p.run(t, tc.answers, strings.Fields(tc.command)...)
			if exit != tc.exit || !strings.Contains(said, tc.says) || !edited {
				t.Errorf("exit status %d, edited %t; want %d, true, and %q\n%s", exit, edited, tc.exit, tc.says, said)
			}
			if got := p.content(t, ".env"); got != tc.env {
				t.Errorf(".env is %q, want %q", got, tc.env)
			}
			flat := strings.NewReplacer(" ", "", "\n", "").Replace
			if got := flat(p.content(t, "ploomber-cloud.json")); tc.config != "" && got != flat(tc.config) {
				t.Errorf("the configuration is %s, want %s", got, flat(tc.config))
			}
		})
	}
}

const credentials = `"authentication": {"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}`

// content returns a file of the project, "" if there is none.
func (p *place) content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.app, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}
