package localcloud

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// page is an app on Python's standard library that says its version, its process and who is logged in. It echoes what is
// sent over a WebSocket.
const page = `
import base64, hashlib, http.server, os, pathlib, sys
VERSION = "%s"
data = pathlib.Path(os.environ["PLOOMBER_DATA_DIR"], "visits")
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self.socket()
        if self.path == "/crash":
            os._exit(3)
        with data.open("a") as f: f.write("x")
        body = f"{VERSION} {os.getpid()} {self.headers.get('X-Auth-Name', 'nobody')} {os.environ.get('GREETING', '')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def socket(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                self.close_connection = True
                return
            mask = self.rfile.read(4)
            text = bytes(b ^ mask[i %% 4] for i, b in enumerate(self.rfile.read(head[1] & 127)))
            text = VERSION.encode() + b" " + text
            self.wfile.write(bytes([0x81, len(text)]) + text)
            self.wfile.flush()
print("listening on http://localhost:" + os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// cloud is a platform for one test, and a client with the owner's key.
type cloud struct {
	*Platform
	t       *testing.T
	options ServeOptions
	api     *cloudapi.Client
	log     *output.Buffer
	client  *http.Client
}

// newCloud starts a platform in a new folder.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, log: &output.Buffer{}}
	c.options = ServeOptions{
		Data: filepath.Join(t.TempDir(), "data"), API: "127.0.0.1:0", Apps: "127.0.0.1:0", Dashboard: "127.0.0.1:0", Domain: "localhost",
		Environments: environments(t), SleepAfter: time.Hour, Environ: environ(t), Entry: "PLOOMBER_ENTRY", Version: "test", Now: time.Now, Random: rand.Reader,
		Log: slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	c.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port)) // whatever is below localhost
	}}}
	c.start()
	t.Cleanup(func() {
		c.client.CloseIdleConnections()
		c.Close()
		if _, err := StopApps(c.options.Data); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(c.log.String())
		}
	})
	return c
}

// environments is a folder for environments that all tests share if there is one: each has to be made once.
func environments(t *testing.T) string {
	t.Helper()
	if cache := os.Getenv("PLOOMBER_TEST_CACHE"); cache != "" {
		return filepath.Join(cache, "environments")
	}
	return t.TempDir()
}

// start starts the platform, the second time at the addresses of the first.
func (c *cloud) start() {
	c.t.Helper()
	var err error
	if c.Platform, err = Serve(context.Background(), c.options); err != nil {
		c.t.Fatal(err)
	}
	for i, address := range []*string{&c.options.API, &c.options.Apps, &c.options.Dashboard} {
		*address = c.listeners[i].Addr().String()
	}
	c.api = c.as(c.ownerKeyText())
}

func (c *cloud) ownerKeyText() string {
	c.t.Helper()
	key, err := c.folder.readOwnerKey()
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

// as is a client with a key.
func (c *cloud) as(key string) *cloudapi.Client {
	return cloudapi.New(cloudapi.Options{BaseURL: c.Addresses().API, Key: key, Transport: http.DefaultTransport.(*http.Transport).Clone()})
}

// project makes a project.
func (c *cloud) project() string {
	c.t.Helper()
	p, err := c.api.CreateProject(c.t.Context(), string(platform.Docker))
	if err != nil {
		c.t.Fatal(err)
	}
	return p.ID
}

// deploy deploys a version of the page and returns the ID of the deployment.
func (c *cloud) deploy(project, version string) string {
	c.t.Helper()
	return c.deployFiles(project, map[string]string{"app.py": fmt.Sprintf(page, version), "Procfile": "web: python app.py\n", "requirements.txt": ""})
}

func (c *cloud) deployFiles(project string, files map[string]string) string {
	c.t.Helper()
	archive, err := fakecloud.Zip(files)
	if err != nil {
		c.t.Fatal(err)
	}
	d, err := c.api.Deploy(c.t.Context(), cloudapi.DeployRequest{
		ProjectID: project, Type: string(platform.Docker), Archive: uploaded(archive),
		Secrets: []cloudapi.Secret{{Key: "GREETING", Value: "hello"}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return d.ID
}

// uploaded is an archive in memory.
type uploaded []byte

func (u uploaded) Size() int64                  { return int64(len(u)) }
func (u uploaded) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(u)), nil }

// waitFor waits until a deployment has one of states, and returns its last status.
func (c *cloud) waitFor(deployment string, states ...platform.State) platform.Status {
	c.t.Helper()
	for {
		d, err := c.store.Deployment(c.t.Context(), deployment)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, s := range states {
			if d.State == s {
				return d.Status
			}
		}
		if d.State == platform.StateFailed || d.State == platform.StateStopped || d.State == platform.StateReplaced {
			c.t.Fatalf("deployment %d is %s (%+v), want one of %v", d.Number, d.State, d.Problem, states)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// get returns what users get at the address of a project.
func (c *cloud) get(project, path string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.AppURL(project)+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	reply, err := c.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = reply.Body.Close() }()
	body, _ := io.ReadAll(reply.Body)
	return reply.StatusCode, string(body)
}

func (c *cloud) want(project, version string) (pid string) {
	c.t.Helper()
	status, body := c.get(project, "/")
	words := strings.Fields(body)
	if status != http.StatusOK || len(words) != 4 || words[0] != version || words[2] != "nobody" || words[3] != "hello" {
		c.t.Fatalf("status %d, page %q, want version %s", status, body, version)
	}
	return words[1]
}

func TestServe(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.project()
	if status, body := c.get(id, "/"); status != http.StatusNotFound && status != http.StatusServiceUnavailable {
		t.Errorf("before a deployment: %d %s", status, body)
	}
	first := c.deploy(id, "one")
	c.waitFor(first, platform.StateRunning)
	pid := c.want(id, "one")

	// The app outlives the platform.
	c.Close()
	c.start()
	if again := c.want(id, "one"); again != pid {
		t.Errorf("process %s after a restart of the platform, %s before", again, pid)
	}

	// A socket stays with the version that it began with; new pages get the new version.
	socket, reply, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(c.AppURL(id), "http")+"/socket", &websocket.DialOptions{HTTPClient: c.client})
	if err != nil {
		t.Fatal(err)
	}
	_ = reply.Body
	defer func() { _ = socket.CloseNow() }()
	say := func(text, want string) {
		t.Helper()
		if err := socket.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := socket.Read(t.Context()); err != nil || string(got) != want {
			t.Fatalf("the socket says %q (%v), want %q", got, err, want)
		}
	}
	say("hello", "one hello")
	second := c.deploy(id, "two")
	c.waitFor(second, platform.StateRunning)
	c.want(id, "two")
	say("still here", "one still here")
	c.waitFor(first, platform.StateDraining)

	// A version that fails leaves the one that serves.
	broken := c.deployFiles(id, map[string]string{"app.py": "import no_such_module_at_all\n", "Procfile": "web: python app.py\n", "requirements.txt": ""})
	if status := c.waitFor(broken, platform.StateFailed); status.Problem.Reason == "" || status.Problem.Message == "" {
		t.Errorf("it failed because of %+v", status.Problem)
	}
	c.want(id, "two")
	say("and here", "one and here")

	d, err := c.scheduler.Rollback(t.Context(), id, 1, "owner", "")
	if err != nil {
		t.Fatal(err)
	}
	c.waitFor(d.ID, platform.StateRunning)
	c.want(id, "one")
	say("to the end", "one to the end")

	if err := c.scheduler.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, _, err := socket.Read(t.Context()); err == nil {
		t.Error("the socket of a stopped app is open")
	}
	if status, _ := c.get(id, "/"); status == http.StatusOK {
		t.Error("a stopped app answers")
	}
	if err := c.scheduler.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	c.waitFor(d.ID, platform.StateRunning)
	c.want(id, "one")
	for line := range c.runner.logs.App(d.ID).Watch(t.Context(), time.Time{}) {
		if at, ok := strings.CutPrefix(line.Text, "listening on "); ok {
			if at != c.AppURL(id) {
				t.Errorf("in its log the app is at %s", at)
			}
			break
		}
	}
	if visits, err := os.ReadFile(filepath.Join(c.folder.data(id), "visits")); err != nil || len(visits) < 5 {
		t.Errorf("its data folder holds %q (%v)", visits, err)
	}

	if err := c.api.DeleteProject(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if status, _ := c.get(id, "/"); status != http.StatusNotFound {
		t.Errorf("a deleted app: %d", status)
	}
	for _, left := range []string{c.folder.data(id), c.folder.join("apps", first), c.folder.join("apps", d.ID)} {
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", left, err)
		}
	}
}

// A request wakes a sleeping app, after a restart of the platform too.
func TestWake(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.project()
	d := c.deploy(id, "one")
	c.waitFor(d, platform.StateRunning)
	pid := c.want(id, "one")
	c.Close()
	if n, err := StopApps(c.options.Data); n != 1 || err != nil {
		t.Fatalf("%d apps stopped, error %v", n, err)
	}
	c.start()
	c.waitFor(d, platform.StateAsleep)
	if again := c.want(id, "one"); again == pid {
		t.Error("the app did not stop")
	}
	c.waitFor(d, platform.StateRunning)
}

func TestCrashedAppStartsAgain(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.project()
	c.waitFor(c.deploy(id, "one"), platform.StateRunning)
	pid := c.want(id, "one")
	if status, _ := c.get(id, "/crash"); status == http.StatusOK {
		t.Error("it did not crash")
	}
	for { // it starts again after a pause
		if status, body := c.get(id, "/"); status == http.StatusOK {
			if strings.Fields(body)[1] == pid {
				continue // not over yet
			}
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A platform that was killed on a full disk starts again: it does not depend on a file that it cannot write.
func TestServeWithoutPid(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.Close()
	if err := errors.Join(os.Remove(c.folder.pidFile()), os.MkdirAll(filepath.Join(c.folder.pidFile(), "full"), 0o700)); err != nil {
		t.Fatal(err)
	}
	c.start()
	if _, err := c.api.Projects(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var problem *platform.Problem
	if _, err := Serve(t.Context(), c.options); !errors.As(err, &problem) || !errors.Is(err, errInUse) ||
		strings.Count(err.Error(), errInUse.Error()) != 1 || problem.Hint == "" {
		t.Errorf("a second platform on one folder: %v", err)
	}
	other := c.options
	other.Data = filepath.Join(t.TempDir(), "other")
	if _, err := Serve(t.Context(), other); !errors.As(err, &problem) || !errors.Is(err, platform.ErrTaken) || !strings.Contains(problem.Hint, "--api-listen") {
		t.Errorf("a second platform at one address: %v (%+v)", err, problem)
	}
}

// Everything in the data folder is for the platform's user alone.
func TestDataFolderIsPrivate(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	id := c.project()
	c.waitFor(c.deploy(id, "one"), platform.StateRunning)
	info, err := os.Stat(c.options.Data)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	for _, name := range []string{OwnerKeyFile, "secrets.key", "sessions.key", "platform.db"} {
		if info, err := os.Stat(c.folder.join(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if strings.Contains(c.log.String(), c.ownerKeyText()) {
		t.Error("the owner's key is in the log")
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	users, err := OpenUsers(t.Context(), c.options.Data, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = users.Close() }()
	key, err := users.Add(t.Context(), "ann", platform.Teams)
	if err != nil {
		t.Fatal(err)
	}
	ann := c.as(key)
	p, err := ann.CreateProject(t.Context(), "streamlit")
	if err != nil {
		t.Fatal(err)
	}
	_, next, err := users.RotateKey(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ann.Projects(t.Context()); !errors.Is(err, cloudapi.ErrUnauthorized) {
		t.Errorf("the former key: %v", err)
	}
	ann = c.as(next)
	if projects, err := ann.Projects(t.Context()); err != nil || len(projects) != 1 || projects[0].ID != p.ID {
		t.Errorf("%v, %v", projects, err)
	}
	if err := users.Remove(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := ann.Projects(t.Context()); !errors.Is(err, cloudapi.ErrUnauthorized) {
		t.Errorf("a removed user: %v", err)
	}
	if projects, err := c.api.Projects(t.Context()); err != nil || len(projects) != 1 {
		t.Errorf("the owner has %v, %v", projects, err)
	}
	former := c.api
	if _, _, err := users.RotateKey(t.Context(), platform.OwnerName); err != nil {
		t.Fatal(err)
	}
	if _, err := former.Projects(t.Context()); !errors.Is(err, cloudapi.ErrUnauthorized) {
		t.Errorf("the owner's former key: %v", err)
	}
	if _, err := c.as(c.ownerKeyText()).Projects(t.Context()); err != nil {
		t.Errorf("the key in the file: %v", err)
	}
	if _, err := OpenUsers(t.Context(), t.TempDir(), time.Now, rand.Reader); err == nil {
		t.Error("users of a folder without a platform")
	}
}
