package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// kills is how often the platform is killed; PLOOMBER_TEST_KILLS overrides it.
const kills = 12

// tinyApp says its version and its process on Python's standard library.
const tinyApp = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("%s " + str(os.getpid())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// served is a platform as a process, which is killed and started again.
type servedPlatform struct {
	t      *testing.T
	data   string
	listen [3]string // API, apps, dashboard
	cmd    *exec.Cmd
	key    string
	apps   *http.Client
}

func startPlatform(t *testing.T) *servedPlatform {
	t.Helper()
	p := &servedPlatform{t: t, data: filepath.Join(t.TempDir(), "data")}
	for i := range p.listen {
		p.listen[i] = freeport.Address(t)
	}
	p.apps = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, p.listen[1])
	}}}
	p.start()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		out, err := exec.Command(builds.Path(t), "platform", "stop", "--apps", "--data", p.data).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return p
}

// start starts the platform and waits until it serves.
func (p *servedPlatform) start() {
	p.t.Helper()
	p.cmd = exec.Command(builds.Path(p.t), "platform", "serve", "--json", "--data", p.data,
		"--api-listen", p.listen[0], "--apps-listen", p.listen[1], "--dashboard-listen", p.listen[2])
	p.cmd.Env = append(os.Environ(), "HOME="+p.t.TempDir())
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var at struct {
		OwnerKeyFile string `json:"owner_key_file"`
	}
	if err == nil {
		err = json.Unmarshal(line, &at)
	}
	if err != nil {
		p.t.Fatalf("the platform says %q: %v", line, err)
	}
	key, err := os.ReadFile(at.OwnerKeyFile)
	if err != nil {
		p.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(key)), "\n")
	p.key = lines[len(lines)-1]
}

func (p *servedPlatform) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // killed
}

func (p *servedPlatform) api() *cloudapi.Client {
	return cloudapi.New(cloudapi.Options{BaseURL: "http://" + p.listen[0], Key: p.key, Retries: -1})
}

// visit asks a project for its page, and returns the version that answered and its process.
func (p *servedPlatform) visit(project string) (version, pid string, err error) {
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+project+".localhost/", nil)
	if err != nil {
		return "", "", err
	}
	reply, err := p.apps.Do(r)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	words := strings.Fields(string(body))
	if err == nil && (reply.StatusCode != http.StatusOK || len(words) != 2) {
		err = fmt.Errorf("status %d: %.80s", reply.StatusCode, body)
	}
	if err != nil {
		return "", "", err
	}
	return words[0], words[1], nil
}

// archive is the zip of a version of the app.
func archive(t *testing.T, version string) inMemory {
	t.Helper()
	zipped, err := fakecloud.Zip(map[string]string{"app.py": fmt.Sprintf(tinyApp, version), "Procfile": "web: python app.py\n", "requirements.txt": ""})
	if err != nil {
		t.Fatal(err)
	}
	return zipped
}

// stillApp deploys an app that nothing happens to, and returns its project and its process.
func (p *servedPlatform) stillApp() (project, process string) {
	p.t.Helper()
	api := p.api()
	created, err := api.CreateProject(p.t.Context(), "docker")
	if err != nil {
		p.t.Fatal(err)
	}
	p.deploy(created.ID, "still")
	return created.ID, p.await(created.ID, "still")
}

func (p *servedPlatform) deploy(project, version string) {
	p.t.Helper()
	if _, err := p.api().Deploy(p.t.Context(), cloudapi.DeployRequest{ProjectID: project, Type: "docker", Archive: archive(p.t, version)}); err != nil {
		p.t.Fatal(err)
	}
}

// await waits until a version serves, and returns its process.
func (p *servedPlatform) await(project, version string) (process string) {
	p.t.Helper()
	for {
		got, pid, err := p.visit(project)
		if err == nil && got == version {
			return pid
		}
		status, statusErr := p.api().ProjectStatus(p.t.Context(), project)
		if statusErr != nil || status.State == "failed" || status.State == "stopped" {
			p.t.Fatalf("%s: %v; status %+v, %v", project, err, status, statusErr)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// model is what the platform has promised: what it has answered with success.
type model struct {
	projects map[string]*promised
}

type promised struct {
	deployments int  // accepted
	unsure      bool // a request was cut: it may have been carried out
	deleted     bool
}

type inMemory []byte

func (m inMemory) Size() int64                  { return int64(len(m)) }
func (m inMemory) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m)), nil }

// The platform is killed at random moments while clients change things. What was answered is there afterwards, nothing is
// half done, the apps go on, and nothing is left of what was deleted.
func TestPlatformSurvivesKills(t *testing.T) {
	t.Parallel()
	rounds := kills
	if v, err := strconv.Atoi(os.Getenv("PLOOMBER_TEST_KILLS")); err == nil {
		rounds = v
	}
	p := startPlatform(t)
	still, process := p.stillApp()
	known := &model{projects: map[string]*promised{}}
	seed := uint64(time.Now().UnixNano())    //nolint:gosec // any moment will do
	moment := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same; of the clients' goroutine
	for round := range rounds {
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			known.change(t, p, random, round, stop)
		}()
		time.Sleep(time.Duration(moment.IntN(1500)) * time.Millisecond)
		p.kill()
		close(stop)
		<-done
		p.start()
		known.check(t, p)
		if version, pid, err := p.visit(still); err != nil || version != "still" || pid != process {
			t.Errorf("the app that nobody has touched: version %q, process %s (%v), before %s", version, pid, err, process)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", round+1)
		}
	}
	known.complete(t, p)
}

// change sends requests until stop is closed or one is cut.
func (m *model) change(t *testing.T, p *servedPlatform, random *rand.Rand, round int, stop <-chan struct{}) {
	api := p.api()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id := m.some(random)
		if id == "" || len(m.projects) < 3 && random.IntN(3) == 0 {
			created, err := api.CreateProject(t.Context(), "docker")
			if err != nil {
				return
			}
			m.projects[created.ID] = &promised{}
			continue
		}
		project := m.projects[id]
		var err error
		project.unsure = true
		switch what := random.IntN(8); {
		case what < 4:
			version := fmt.Sprintf("v%d.%d", round, n)
			_, err = api.Deploy(t.Context(), cloudapi.DeployRequest{ProjectID: id, Type: "docker", Archive: archive(t, version)})
			if err == nil {
				project.deployments++
			}
		case what < 6:
			var got *cloudapi.Project
			if got, err = api.Project(t.Context(), id); err == nil && len(got.Jobs) > 0 {
				if random.IntN(2) == 0 {
					err = api.StopService(t.Context(), got.Jobs[0].ID)
				} else {
					err = api.StartService(t.Context(), got.Jobs[0].ID)
				}
			}
		case what == 6:
			_, err = api.Projects(t.Context())
		default:
			if err = api.DeleteProject(t.Context(), id); err == nil {
				project.deleted = true
			}
		}
		var refused *cloudapi.Error
		if err != nil && !errors.As(err, &refused) {
			return // cut by the kill
		}
		if err != nil && refused.Status == 0 {
			return
		}
		project.unsure = false
	}
}

// some is a project that exists.
func (m *model) some(random *rand.Rand) string {
	var ids []string
	for id, project := range m.projects {
		if !project.deleted {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return ids[random.IntN(len(ids))]
}

// check compares what is there with what was promised.
func (m *model) check(t *testing.T, p *servedPlatform) {
	t.Helper()
	api := p.api()
	projects, err := api.Projects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, one := range projects {
		there[one.ID] = true
	}
	for id, project := range m.projects {
		switch {
		case project.unsure && !there[id]:
			project.deleted = true // the cut request was its deletion
		case project.deleted && there[id]:
			t.Errorf("the deleted project %s is there", id)
		case !project.deleted && !there[id]:
			t.Errorf("the project %s is gone", id)
		}
		if project.deleted {
			m.gone(t, p, id)
			delete(m.projects, id)
			continue
		}
		list, err := api.Deployments(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		// One more may have been accepted without the answer getting through.
		if n := len(list); n < min(project.deployments, 10) || !project.unsure && project.deployments < 10 && n != project.deployments {
			t.Errorf("%s has %d deployments, %d were accepted", id, n, project.deployments)
		}
		if len(list) > 0 {
			project.deployments = max(project.deployments, list[0].Number)
		}
		project.unsure = false
	}
}

// gone checks that nothing is left of a deleted project.
func (m *model) gone(t *testing.T, p *servedPlatform, id string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(p.data, "data", id)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("data of the deleted project %s are left (%v)", id, err)
	}
}

// complete checks that every project works in the end: a new deployment of it serves.
func (m *model) complete(t *testing.T, p *servedPlatform) {
	t.Helper()
	api := p.api()
	for id := range m.projects {
		p.deploy(id, "last")
		p.await(id, "last")
	}
	// Each running app belongs to a deployment that the platform knows.
	folders, err := os.ReadDir(filepath.Join(p.data, "apps"))
	if err != nil {
		t.Fatal(err)
	}
	deployments := map[string]bool{}
	projects, err := api.Projects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, project := range projects {
		list, err := api.Deployments(t.Context(), project.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			deployments[d.ID] = true
		}
	}
	for _, f := range folders {
		if !deployments[f.Name()] {
			t.Errorf("the folder of the unknown deployment %s is left", f.Name())
		}
	}
}
