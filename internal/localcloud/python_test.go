package localcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/testkit/wire"
)

// pythonTool is the Python tool ploomber-cloud 0.4.5 as it was published, with the address of a platform in place of the hosted
// service's.
type pythonTool struct {
	c    *cloud
	path string
	env  []string
	dir  string // where it runs
}

func newPythonTool(t *testing.T, c *cloud) *pythonTool {
	t.Helper()
	python := os.Getenv("PLOOMBER_TEST_PYTHON")
	tool := filepath.Join(filepath.Dir(python), "ploomber-cloud")
	if _, err := os.Stat(tool); python == "" || err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatalf("PLOOMBER_TEST_PYTHON=%q must name a Python beside the Python tool", python)
		}
		t.Skip("PLOOMBER_TEST_PYTHON does not name a Python beside the Python tool")
	}
	hook := t.TempDir()
	if err := os.WriteFile(filepath.Join(hook, "sitecustomize.py"), []byte(wire.ReferenceHook), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	return &pythonTool{c: c, path: tool, dir: t.TempDir(), env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "USERPROFILE=" + home, "PYTHONPATH=" + hook, "PYTHONDONTWRITEBYTECODE=1",
		"PLOOMBER_CLOUD_API_URL=" + c.Addresses().API, "_PLOOMBER_CLOUD_ENV=local", "PLOOMBER_STATS_ENABLED=false",
		"PLOOMBER_VERSION_CHECK_DISABLED=true", "LANG=C.UTF-8",
	}}
}

// run runs the tool with answers on its standard input, and returns what it printed.
func (p *pythonTool) run(answers string, args ...string) string {
	p.c.t.Helper()
	out, err := p.try(answers, args...)
	if err != nil {
		p.c.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *pythonTool) try(answers string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(p.c.t.Context(), p.path, args...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.dir, p.env, strings.NewReader(answers), &out, &out
	err := cmd.Run()
	return out.String(), err
}

// says runs the tool and checks that it prints all of want.
func (p *pythonTool) says(answers string, want []string, args ...string) string {
	p.c.t.Helper()
	out := p.run(answers, args...)
	for _, text := range want {
		if !strings.Contains(out, text) {
			p.c.t.Errorf("%s says\n%s\nwant %q", strings.Join(args, " "), out, text)
		}
	}
	return out
}

func (p *pythonTool) write(files map[string]string) {
	p.c.t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			p.c.t.Fatal(err)
		}
	}
}

// config returns the project's ploomber-cloud.json.
func (p *pythonTool) config() (c struct {
	ID, Type  string
	Labels    []string
	Resources struct {
		CPU      float64
		RAM, GPU int
	}
}) {
	p.c.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, "ploomber-cloud.json"))
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		p.c.t.Fatal(err)
	}
	return c
}

// The Python tool takes a project through its whole life on a platform that is not the one it was written for.
func TestPythonTool(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := newPythonTool(t, c)
	p.write(map[string]string{"app.py": fmt.Sprintf(page, "one"), "Procfile": "web: python app.py\n", "requirements.txt": ""})

	if out, err := p.try("docker\n", "init"); err == nil || !strings.Contains(out, "API key not found") {
		t.Errorf("without a key: %v\n%s", err, out)
	}
	p.run("", "key", "nonsense")
	if out, err := p.try("docker\n", "init"); err == nil || !strings.Contains(out, "Invalid API key") {
		t.Errorf("with a wrong key: %v\n%s", err, out)
	}
	p.run("", "key", c.ownerKeyText())
	p.says("docker\n", []string{"has been configured successfully"}, "init")
	id := p.config().ID
	if !platform.ValidProjectID(id) || p.config().Type != "docker" {
		t.Errorf("configuration %+v", p.config())
	}
	p.says("0\n1\n2\n", []string{"Resources successfully configured"}, "resources")
	p.says("", []string{"New set of labels: 'demo'"}, "labels", "--add", "demo")
	p.says("ann\ns3cret\n", nil, "auth", "--add", "--feature", "main_app")
	env, err := os.ReadFile(filepath.Join(p.dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(map[string]string{".env": string(env) + "\nGREETING=hello\n"})

	p.says("", []string{"Deployment success", c.AppURL(id), "Web status page: http://localhost:3000/applications/" + id}, "deploy", "--watch")
	if status, _ := c.get(id, "/"); status != http.StatusUnauthorized {
		t.Errorf("without the password: status %d, want 401", status)
	}
	if got := p.visit(id); !strings.HasPrefix(got, "one ") || !strings.HasSuffix(got, " ann hello") {
		t.Errorf("the app says %q", got)
	}
	p.says("", []string{"Showing build-docker logs", "Showing app logs", " listening"}, "logs", "--project-id", id)

	p.write(map[string]string{"app.py": fmt.Sprintf(page, "two")})
	out := p.says("", []string{"Deployment success", "Status: running", " listening"}, "deploy", "--watch-incremental")
	if n := strings.Count(out, " listening"); n != 1 {
		t.Errorf("the line of the app is shown %d times:\n%s", n, out)
	}
	if got := p.visit(id); !strings.HasPrefix(got, "two ") {
		t.Errorf("the app says %q after the second deployment", got)
	}

	p.run("", "stop", "--project-id", id)
	if got := p.visit(id); !strings.HasPrefix(got, "status 503") {
		t.Errorf("a stopped app: %q", got)
	}
	p.run("", "start", "--project-id", id)
	c.waitFor(c.latest(id), platform.StateRunning)
	if got := p.visit(id); !strings.HasPrefix(got, "two ") {
		t.Errorf("a started app: %q", got)
	}

	copied := filepath.Join(t.TempDir(), "copy")
	there := &pythonTool{c: c, path: p.path, env: p.env, dir: t.TempDir()}
	there.says("1\n"+copied+"\n", []string{"authentication enabled for the main application", "has been downloaded successfully"}, "init", "--from-existing")
	there.dir = copied
	if got := there.config(); got.ID != id || got.Type != "docker" || !slices.Equal(got.Labels, []string{"demo"}) || got.Resources.CPU != 1 || got.Resources.RAM != 2 {
		t.Errorf("the copy has the configuration %+v", got)
	}
	if data, err := os.ReadFile(filepath.Join(copied, "app.py")); err != nil || string(data) != fmt.Sprintf(page, "two") {
		t.Errorf("the copy of app.py is %.60q, %v", data, err)
	}

	// A deployment that cannot run is reported as such.
	p.write(map[string]string{"Procfile": "web: python nothing.py\n"})
	p.says("", []string{"Deployment failed"}, "deploy", "--watch")
	if got := p.visit(id); !strings.HasPrefix(got, "two ") {
		t.Errorf("the app says %q after a deployment that failed", got)
	}

	p.says("", []string{"has been successfully deleted"}, "delete", "--project-id", id)
	if status, _ := c.get(id, "/"); status != http.StatusNotFound {
		t.Errorf("a deleted app: status %d, want 404", status)
	}
	p.says("", []string{"no existing projects"}, "init", "--from-existing")
}

// What the Python tool writes for a login with Auth0 is a login on the platform.
func TestPythonToolAuth0(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := newPythonTool(t, c)
	p.run("", "key", c.ownerKeyText())
	p.write(map[string]string{"app.py": fmt.Sprintf(page, "one"), "Procfile": "web: python app.py\n", "requirements.txt": ""})
	p.run("docker\n", "init")
	p.run("client\nsecret\nhttps://127.0.0.1:1/\n", "templates", "auth0")
	p.says("", []string{"Deployment success"}, "deploy", "--watch")
	if status, body := c.get(p.config().ID, "/"); status == http.StatusOK || strings.HasPrefix(body, "one ") {
		t.Errorf("the app is public: status %d %s", status, body)
	}
}

// visit returns what the app says to the user with the password, or the status.
func (p *pythonTool) visit(id string) string {
	p.c.t.Helper()
	r, err := http.NewRequestWithContext(p.c.t.Context(), http.MethodGet, p.c.AppURL(id)+"/", nil)
	if err != nil {
		p.c.t.Fatal(err)
	}
	r.SetBasicAuth("ann", "s3cret")
	resp, err := p.c.client.Do(r)
	if err != nil {
		p.c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		p.c.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Sprintf("status %d: %s", resp.StatusCode, &body)
	}
	return body.String()
}

// latest returns the ID of the newest deployment of a project.
func (c *cloud) latest(project string) string {
	c.t.Helper()
	d, err := c.store.Latest(c.t.Context(), project)
	if err != nil {
		c.t.Fatal(err)
	}
	return d.ID
}
