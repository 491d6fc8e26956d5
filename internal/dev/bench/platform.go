package bench

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Platform measures a platform of the program with a Streamlit app: builds, redeployments under load, waking, a kill and a
// list of many projects. pip, which installs the same packages in the same run, is what the first build is compared with.
func Platform(ctx context.Context, out io.Writer, ours, python string, rounds int) error {
	dir, err := os.MkdirTemp("", "bench-platform-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &platformBench{ctx: ctx, ours: ours, dir: dir, rounds: rounds}
	defer b.end()
	if err := b.start(); err != nil {
		return err
	}
	fmt.Fprintln(out, "| figure | measured | must | aim |")
	fmt.Fprintln(out, "| --- | --- | --- | --- |")
	for _, measure := range []func(io.Writer) error{
		func(out io.Writer) error { return b.builds(out, python) }, b.redeploys, b.wakes, b.killed, b.lists,
	} {
		if err := measure(out); err != nil {
			return err
		}
	}
	return nil
}

// platformBench is one platform and its client.
type platformBench struct {
	ctx    context.Context
	ours   string
	dir    string
	rounds int

	cmd     *exec.Cmd
	at      struct{ API, Apps, Port, Key string } // Apps is where the gateway listens
	api     *cloudapi.Client
	apps    *http.Client
	project string // with the Streamlit app
	files   map[string]string
}

func (b *platformBench) data() string { return filepath.Join(b.dir, "data") }

// start starts the platform, the second time at the same addresses.
func (b *platformBench) start() error {
	args := []string{"platform", "serve", "--json", "--data", b.data()}
	for _, l := range []struct{ flag, at string }{{"--api-listen", b.at.API}, {"--apps-listen", b.at.Apps}, {"--dashboard-listen", ""}} {
		if l.at == "" {
			l.at = "127.0.0.1:0"
		}
		args = append(args, l.flag, strings.TrimPrefix(l.at, "http://"))
	}
	b.cmd = exec.CommandContext(b.ctx, b.ours, args...)
	b.cmd.Env = append(os.Environ(), "HOME="+b.dir)
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return err
	}
	var at struct {
		API          string `json:"api"`
		Apps         string `json:"apps"`
		OwnerKeyFile string `json:"owner_key_file"`
	}
	if err := json.Unmarshal(line, &at); err != nil {
		return err
	}
	key, err := os.ReadFile(at.OwnerKeyFile)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(key)), "\n")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(at.Apps, "http://"))
	if err != nil {
		return err
	}
	b.at.API, b.at.Apps, b.at.Port, b.at.Key = at.API, "127.0.0.1:"+port, port, lines[len(lines)-1]
	b.api = cloudapi.New(cloudapi.Options{BaseURL: b.at.API, Key: b.at.Key, Retries: -1})
	b.apps = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, b.at.Apps)
	}}}
	return nil
}

func (b *platformBench) end() {
	if b.cmd != nil && b.cmd.Process != nil {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
		_ = exec.Command(b.ours, "platform", "stop", "--apps", "--data", b.data()).Run() //nolint:gosec // our own program
	}
}

// deploy deploys files, and returns the time until the app runs.
func (b *platformBench) deploy(files map[string]string) (time.Duration, error) {
	var zipped bytes.Buffer
	w := zip.NewWriter(&zipped)
	for name, content := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, content)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	began := time.Now()
	d, err := b.api.Deploy(b.ctx, cloudapi.DeployRequest{ProjectID: b.project, Type: "streamlit", Archive: zipBytes(zipped.Bytes())})
	if err != nil {
		return 0, err
	}
	for {
		job, err := b.api.Job(b.ctx, d.ID)
		switch {
		case err != nil:
			return 0, err
		case job.Status == "running":
			return time.Since(began), nil
		case job.Status == "failed", job.Status == "docker-failed":
			logs, _ := b.api.Logs(b.ctx, d.ID, time.Time{})
			return 0, fmt.Errorf("the deployment failed: %s%s", logs.Build, logs.App)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

type zipBytes []byte

func (z zipBytes) Size() int64                  { return int64(len(z)) }
func (z zipBytes) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(z)), nil }

// builds measures the first deployment, further ones, and the disk that they need.
func (b *platformBench) builds(out io.Writer, python string) error {
	created, err := b.api.CreateProject(b.ctx, "streamlit")
	if err != nil {
		return err
	}
	b.project = created.ID
	b.files = map[string]string{
		"app.py":           "import streamlit as st\nimport pandas as pd\nst.title('hello')\nst.dataframe(pd.DataFrame({'a': [1, 2]}))\n",
		"requirements.txt": "streamlit\npandas\n",
	}
	first, err := b.deploy(b.files)
	if err != nil {
		return err
	}
	began := time.Now()
	venv := filepath.Join(b.dir, "pip")
	for _, c := range [][]string{{python, "-m", "venv", venv}, {filepath.Join(venv, "bin", "pip"), "install", "-q", "streamlit", "pandas"}} {
		if said, err := exec.CommandContext(b.ctx, c[0], c[1:]...).CombinedOutput(); err != nil { //nolint:gosec // the benchmark's own
			return fmt.Errorf("%s: %w: %s", c[0], err, said)
		}
	}
	pip := time.Since(began)
	fmt.Fprintf(out, "| first deployment until it runs, uv fetched too; pip installs the same in %.1f s | %.1f s | 8 s | 3 s |\n", pip.Seconds(), first.Seconds())
	var again series.Series
	before := diskOf(b.data())
	for i := range b.rounds {
		b.files["app.py"] += fmt.Sprintf("# %d\n", i)
		took, err := b.deploy(b.files)
		if err != nil {
			return err
		}
		again = append(again, took.Seconds())
	}
	same := float64(diskOf(b.data())-before) / float64(b.rounds) / 1e6
	fmt.Fprintf(out, "| further deployment, same requirements, until it runs (the framework's start included) | %.2f s | 3 s + start | 1 s + start |\n", again.Median())
	before = diskOf(b.data())
	b.files["requirements.txt"] += "humanize\n"
	if _, err := b.deploy(b.files); err != nil {
		return err
	}
	other := float64(diskOf(b.data())-before) / 1e6
	fmt.Fprintf(out, "| disk of a further deployment, same / other requirements | %.1f / %.1f MB | 20 MB | 1 / 8 MB |\n", same, other)
	return nil
}

// host is where users find the app.
func (b *platformBench) host() string { return b.project + ".localhost:" + b.at.Port }

// get requests a page of the app, and returns the time to the first byte and to the end.
func (b *platformBench) get(path string) (first, whole time.Duration, err error) {
	r, err := http.NewRequestWithContext(b.ctx, http.MethodGet, "http://"+b.host()+path, nil)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	reply, err := b.apps.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = reply.Body.Close() }()
	first = time.Since(began)
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return 0, 0, err
	}
	if reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", reply.StatusCode)
	}
	return first, time.Since(began), err
}

// redeploys deploys again and again while clients ask for pages and hold WebSockets open.
func (b *platformBench) redeploys(out io.Writer) error {
	var sockets []*websocket.Conn
	for range 5 {
		c, _, err := websocket.Dial(b.ctx, "ws://"+b.host()+"/_stcore/stream", &websocket.DialOptions{ //nolint:bodyclose // there is none: see Dial
			HTTPClient: b.apps, Subprotocols: []string{"streamlit"}, HTTPHeader: http.Header{"Origin": {"http://" + b.host()}},
		})
		if err != nil {
			return err
		}
		c.SetReadLimit(-1)
		sockets = append(sockets, c)
	}
	ctx, stop := context.WithCancel(b.ctx)
	type count struct{ asked, lost int }
	counts := make(chan count)
	const clients = 4
	for range clients {
		go func() {
			var n count
			for ctx.Err() == nil {
				n.asked++
				if _, _, err := b.get("/"); err != nil {
					n.lost++
				}
			}
			counts <- n
		}()
	}
	var err error
	for i := 0; i < 2*b.rounds && err == nil; i++ {
		b.files["app.py"] += fmt.Sprintf("# redeployed %d\n", i)
		_, err = b.deploy(b.files)
	}
	stop()
	var sum count
	for range clients {
		n := <-counts
		sum.asked, sum.lost = sum.asked+n.asked, sum.lost+n.lost
	}
	if err != nil {
		return err
	}
	cut := 0
	for _, c := range sockets {
		pinging, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		c.CloseRead(pinging)
		if c.Ping(pinging) != nil {
			cut++
		}
		cancel()
		_ = c.CloseNow()
	}
	fmt.Fprintf(out, "| %d redeployments under load: requests lost of %d / sessions cut of %d | %d / %d | 0 / 0 | 0 / 0 |\n",
		2*b.rounds, sum.asked, len(sockets), sum.lost, cut)
	return nil
}

// wakes measures how long users wait for an app that is frozen, and for one that was stopped.
func (b *platformBench) wakes(out io.Writer) error {
	soon := cloudapi.SleepAfter(4 * time.Second) // the scheduler looks every five
	if _, err := b.api.ChangeSettings(b.ctx, b.project, cloudapi.SettingsChange{SleepAfter: &soon}); err != nil {
		return err
	}
	for _, w := range []struct{ state, figure, must, aim string }{
		{"frozen", "a frozen app wakes, first byte, p95", "50 ms", "10 ms"},
		{"asleep", "a stopped app wakes, its page complete, p95", "2 s", "0.5 s"},
	} {
		var took series.Series
		for range b.rounds {
			if err := b.awaitState(w.state); err != nil {
				return err
			}
			first, whole, err := b.get("/")
			if err != nil {
				return err
			}
			if w.state == "frozen" {
				whole = first
			}
			took = append(took, whole.Seconds()*1000)
		}
		fmt.Fprintf(out, "| %s (%d times) | %.0f ms | %s | %s |\n", w.figure, b.rounds, took.Quantile(0.95), w.must, w.aim)
	}
	never := cloudapi.Never
	_, err := b.api.ChangeSettings(b.ctx, b.project, cloudapi.SettingsChange{SleepAfter: &never})
	return err
}

func (b *platformBench) awaitState(state string) error {
	for range 2400 { // two minutes
		status, err := b.api.ProjectStatus(b.ctx, b.project)
		if err != nil || status.State == state {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("the app did not become %s", state)
}

// killed measures how long the apps cannot be reached when the platform is killed and started again at once.
func (b *platformBench) killed(out io.Writer) error {
	var gaps series.Series
	for range b.rounds {
		if _, _, err := b.get("/"); err != nil {
			return err
		}
		began := time.Now()
		if err := b.cmd.Process.Kill(); err != nil {
			return err
		}
		_ = b.cmd.Wait() // killed
		if err := b.start(); err != nil {
			return err
		}
		for {
			if _, _, err := b.get("/"); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		gaps = append(gaps, time.Since(began).Seconds())
	}
	fmt.Fprintf(out, "| kill -9 of the platform and a start: no answer for, p95 (%d times) | %.2f s | 2 s | 0.2 s |\n", b.rounds, gaps.Quantile(0.95))
	return nil
}

// lists measures the list of a thousand projects.
func (b *platformBench) lists(out io.Writer) error {
	const projects = 1000
	for range projects - 1 {
		if _, err := b.api.CreateProject(b.ctx, "streamlit"); err != nil {
			return err
		}
	}
	var took series.Series
	for range 20 {
		began := time.Now()
		list, err := b.api.Projects(b.ctx)
		if err != nil || len(list) != projects {
			return errors.Join(err, fmt.Errorf("%d projects", len(list)))
		}
		took = append(took, time.Since(began).Seconds()*1000)
	}
	fmt.Fprintf(out, "| list of %d projects | %.1f ms | 50 ms | 10 ms |\n", projects, took.Median())
	return nil
}

// diskOf is the space that the files below dir occupy, each once however many names it has.
func diskOf(dir string) int64 {
	said, err := exec.Command("du", "-s", "--block-size=1", dir).Output() //nolint:gosec // the benchmark's own folder
	if err != nil {
		return 0
	}
	var n int64
	_, _ = fmt.Sscan(string(said), &n) // 0 if it says something else
	return n
}
