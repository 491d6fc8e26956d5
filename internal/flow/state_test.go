package flow_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func folderWith(t *testing.T, env, config string) flow.Folder {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{flow.EnvName: env, project.FileName: config} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return flow.Folder{Dir: dir}
}

func TestStateOf(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, ok := map[string]string{
			"/projects/new":  `{"type": "flask"}`,
			"/projects/old":  `{"jobs": [{"id": "j2", "auth_analytics_enabled": true}, {"id": "j1", "auth_enabled": true}]}`,
			"/jobs/j2":       `{"status": "stopped"}`,
			"/projects/lost": `{"jobs": [{"id": "gone"}]}`,
		}[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(reply))
	}))
	t.Cleanup(server.Close)
	api := cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: "k"})
	if s, err := flow.StateOf(t.Context(), api, "new"); err != nil || s.Newest != nil || s.Job != nil || s.Project.Type != "flask" ||
		len(s.Protected()) > 0 {
		t.Errorf("new: %v, %+v", err, s)
	}
	s, err := flow.StateOf(t.Context(), api, "old")
	if err != nil || s.Newest.ID != "j2" || s.Job.Status != "stopped" ||
		!slices.Equal(s.Protected(), []project.Feature{project.Analytics}) {
		t.Errorf("old: %v, %+v", err, s)
	}
	for _, id := range []string{"lost", "none"} {
		if _, err := flow.StateOf(t.Context(), api, id); err == nil {
			t.Errorf("%s was found", id)
		}
	}
}

func TestSecretNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env, config string
		want        []string
		source      string // flow.EnvName stands for its path
	}{
		"file":        {"B=1\nA=\nNULL\n", `{"id": "p", "type": "flask", "secret-keys": ["C"]}`, []string{"B", "A"}, flow.EnvName},
		"names":       {"", `{"id": "p", "type": "flask", "secret-keys": ["C"]}`, []string{"C"}, "secret-keys"},
		"ignored":     {"B=1\n", `{"id": "p", "type": "flask", "ignore": [".env"], "secret-keys": ["C"]}`, []string{"C"}, "secret-keys"},
		"nothing":     {"", `{"id": "p", "type": "flask"}`, nil, ""},
		"empty files": {"# none\n", `{"id": "p", "type": "flask"}`, []string{}, flow.EnvName},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := folderWith(t, tc.env, tc.config)
			c, err := f.Load()
			if err != nil {
				t.Fatal(err)
			}
			if tc.source == flow.EnvName {
				tc.source = f.EnvPath()
			}
			env, err := f.Env()
			if err != nil {
				t.Fatal(err)
			}
			got, source := env.SecretNames(c)
			if !slices.Equal(got, tc.want) || (got == nil) != (tc.want == nil) || source != tc.source {
				t.Errorf("%q from %q, want %q from %q", got, source, tc.want, tc.source)
			}
		})
	}
}

func TestProjectID(t *testing.T) {
	t.Parallel()
	f := folderWith(t, "", `{"id": "p", "type": "flask"}`)
	for given, want := range map[string]string{"": "p", "q": "q"} {
		if id, err := f.ProjectID(given); err != nil || id != want {
			t.Errorf("given %q: %q, %v", given, id, err)
		}
	}
	empty := flow.Folder{Dir: t.TempDir()}
	if id, err := empty.ProjectID("q"); err != nil || id != "q" {
		t.Errorf("without configuration: %q, %v", id, err)
	}
	if _, err := empty.ProjectID(""); err == nil {
		t.Error("a folder without configuration has an id")
	}
}

// TestLoginSource has authproxy read what a folder says.
func TestLoginSource(t *testing.T) {
	t.Parallel()
	f := folderWith(t, "username_main_app=ann\npassword_main_app=${P}\nNULL\n", `{"id": "p", "type": "flask", "authentication":
		{"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`)
	c, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	environ := func(name string) (string, bool) {
		v, ok := map[string]string{"P": "from the environment", "username_main_app": "not bob"}[name]
		return v, ok
	}
	env, err := f.Env()
	if err != nil {
		t.Fatal(err)
	}
	source := f.LoginSource(env, c, environ)
	login, err := config.From(source)
	if err != nil || len(login.Passwords) != 1 {
		t.Fatalf("%v: %+v", err, login.Passwords)
	}
	for name, want := range map[string]string{
		"username_main_app": "ann", "password_main_app": "from the environment", "P": "from the environment",
	} {
		if got, ok := source.Lookup(name); !ok || got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	// A list of people that someone has not finished writing must not let everybody in.
	if v, ok := source.Lookup("NULL"); !ok || v != "" || !slices.Contains(source.Names, "NULL") {
		t.Errorf("a name without a value is %q, %v", v, ok)
	}
	c.Template = project.TemplateAuth0
	if _, err := config.From(f.LoginSource(env, c, environ)); err == nil {
		t.Error("a template that promises a provider's login works without one")
	}
}
