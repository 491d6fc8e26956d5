package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// TestNobodyToAsk runs each command that asks where nobody can answer: the flag that is missing is named before anything
// is shown, asked of the platform or written. Where answers end early instead, that is a failure.
func TestNobodyToAsk(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args    []string
		files   map[string]string
		names   string // what the message names
		asks    bool   // the question depends on what the platform says
		noCheck bool   // an empty pipe is not a failure: it is not read as answers
	}{
		"type":              {args: []string{"init"}, files: map[string]string{"x.txt": ""}, names: "--type"},
		"inferred type":     {args: []string{"init"}, files: map[string]string{"app.py": "import flask"}, names: "--yes"},
		"no type":           {args: []string{"init", "--yes"}, files: map[string]string{"x.txt": ""}, names: "--type"},
		"project":           {args: []string{"init", "--from-existing"}, names: "--project, --dest"},
		"folder":            {args: []string{"init", "--from-existing", "--project", "my-app"}, names: "--dest"},
		"feature":           {args: []string{"auth", "--add"}, files: initialised(), names: "--feature"},
		"feature to remove": {args: []string{"auth", "--remove"}, files: initialised(), names: "--feature"},
		"user name":         {args: []string{"auth", "--add", "--feature", "main_app"}, files: initialised(), names: "--username, --password-stdin"},
		"password":          {args: []string{"auth", "--add", "--feature", "main_app", "--username", "ana"}, files: initialised(), names: "--password-stdin"},
		"offline":           {args: []string{"auth", "--add", "--feature", "main_app", "--offline"}, names: "--username"},
		"project to auth":   {args: []string{"auth", "--add", "--feature", "main_app"}, names: "ploomber-cloud init"},
		"client id":         {args: []string{"templates", "auth0"}, files: initialised(), names: "--client-id, --client-secret-stdin, --issuer"},
		"client secret":     {args: []string{"templates", "auth0", "--client-id", "x", "--issuer", "https://a.example"}, files: initialised(), names: "--client-secret-stdin"},
		"project to auth0":  {args: []string{"templates", "auth0"}, names: "ploomber-cloud init"},
		"model":             {args: []string{"templates", "vllm"}, names: "--model, --deploy"},
		"deploy the model":  {args: []string{"templates", "vllm", "--model", "a/b"}, names: "--deploy"},
		"example":           {args: []string{"examples"}, names: "examples streamlit/basic-app --dest"},
		"example's folder":  {args: []string{"examples", "streamlit/basic-app"}, names: "--dest"},
		"offline example":   {args: []string{"examples", "streamlit/basic-app", "--offline"}, names: "--dest"},
		"resources":         {args: []string{"resources"}, files: initialised(), names: "--gpu, --cpu, --ram"},
		"memory":            {args: []string{"resources", "--gpu", "0", "--cpu", "1"}, files: initialised(), names: "--ram"},
		"workflow":          {args: []string{"github"}, files: map[string]string{".git/HEAD": "x"}, names: "--yes"},
		"delete all":        {args: []string{"delete", "--all"}, names: "--confirm"},
		"lost secrets":      {args: []string{"deploy"}, files: map[string]string{"ploomber-cloud.json": `{"id": "other", "type": "streamlit"}`, ".env": "B=1\n"}, names: "--prune-secrets", asks: true},
		"secret":            {args: []string{"secrets", "set", "A"}, files: initialised(), names: "--stdin"},
		"key":               {args: []string{"key"}, names: "--stdin", noCheck: true},
	} {
		for from, ci := range map[string]string{"null device": "", "null device in CI": "CI=true", "empty pipe in CI": "CI=true", "empty pipe": ""} {
			if ci != "" && tc.asks {
				continue // a build server is told at once, and asked nothing
			}
			t.Run(name+"/"+from, func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, tc.files)
				p.cloud.AddProject(fakecloud.Project{ID: "other", Type: "streamlit", Secrets: []string{"A"}, Jobs: []string{"job-1"}})
				p.environ = append(p.environ, ci)
				before := readTree(t, p.app)
				c := p.command(t, tc.args...)
				want := 2
				if strings.HasPrefix(from, "null") {
					null, err := os.Open(os.DevNull)
					if err != nil {
						t.Fatal(err)
					}
					defer null.Close()
					c.Stdin = null
				} else {
					c.Stdin = strings.NewReader("")
					if ci == "" && !tc.noCheck {
						want = 1
					}
				}
				exit, stdout, stderr := finish(t, c)
				if exit != want || want == 2 && !strings.Contains(stderr, tc.names) {
					t.Errorf("status %d, want %d and %q named", exit, want, tc.names)
				}
				if asked := p.cloud.Seen(); want == 2 && !tc.asks && len(asked) > 0 {
					t.Errorf("the platform was asked first: %v", asked)
				}
				if told := strings.TrimSpace(stderr); want == 2 && !tc.asks && (!strings.HasPrefix(told, "Error: ") || strings.Count(told, "\n") > 1) {
					t.Error("something is told before the error")
				}
				if stdout != "" {
					t.Errorf("printed %q", stdout)
				}
				unchanged(t, before, readTree(t, p.app))
				if t.Failed() {
					t.Log(stderr)
				}
			})
		}
	}
}

func initialised() map[string]string { return map[string]string{"ploomber-cloud.json": myProject} }
