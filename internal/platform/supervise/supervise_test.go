package supervise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	return resp.StatusCode, body.String()
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	s := spec(t, "serve")
	a := up(t, s)
	if a.URL().Hostname() != "127.0.0.1" {
		t.Errorf("the app listens at %s, want the loopback interface only", a.URL())
	}
	if code, body := get(t, a.URL().String()); code != http.StatusOK {
		t.Errorf("the running app answered %d %s", code, body)
	}
	a.Stop()
	a.Stop() // harmless
	if code, _ := get(t, a.URL().String()); code != 0 {
		t.Errorf("the stopped app answered %d", code)
	}
	if err := a.Err(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if !strings.HasPrefix(s.Log.(*log).String(), listening) {
		t.Errorf("log is %q, want the app's line", s.Log.(*log).String())
	}
}

func TestVariablesOfTheApp(t *testing.T) {
	t.Parallel()
	s := spec(t, "serve")
	s.IsolatedHome = true
	s.Environ = append(s.Environ, "PLOOMBER_CLOUD_KEY=test-key", "PYTHONPATH=/elsewhere", "VIRTUAL_ENV=/mine",
		"KEPT=caller", "SHADOWED=caller", "GREETING=caller")
	s.Vars["SHADOWED"] = "project"
	s.Vars["GREETING"] = "hello world"
	s.Recipe.Env = map[string]string{"GREETING": "{secret}", "ROOT": "{root}", "SECRET": "{secret}"}
	s.Environment.Vars = map[string]string{"VIRTUAL_ENV": "/env"}
	s.Environment.Bin = filepath.Join(t.TempDir(), "bin")
	a := up(t, s)
	_, body := get(t, a.URL().JoinPath("env").String())
	var env []string
	if err := json.Unmarshal([]byte(body), &env); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for name, want := range map[string]string{
		"PLOOMBER_CLOUD_KEY": "", "PYTHONPATH": "", "VIRTUAL_ENV": "/env", "KEPT": "caller", "SHADOWED": "project",
		"GREETING": "hello world", "PYTHONUNBUFFERED": "1", "HOME": s.Home, "ROOT": a.launch.root, "SECRET": a.launch.secret,
	} {
		if got := platform.Lookup(env, name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	if path := platform.Lookup(env, "PATH"); !strings.HasPrefix(path, s.Environment.Bin+string(os.PathListSeparator)) {
		t.Errorf("PATH=%s does not begin with the environment's folder", path)
	}
}

func TestAppThatDoesNotStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode   string
		change func(*Spec)
		want   string
		output string
	}{
		"exits at once": {mode: "fail", want: "the app exited by itself: exited with code 7", output: "no module named nothing"},
		"never listens": {
			mode: "silent", change: func(s *Spec) { s.ReadyTimeout = 300 * time.Millisecond },
			want: "did not answer at http://127.0.0.1:",
		},
		"never healthy": {
			mode: "unhealthy", change: func(s *Spec) { s.ReadyTimeout = time.Second },
			want: "did not answer at http://127.0.0.1:", output: listening,
		},
		"page behind a proxy that is not ready": {
			mode: "unhealthy", change: func(s *Spec) { s.ReadyTimeout, s.Recipe.Lenient = time.Second, true },
			want: "did not answer at http://127.0.0.1:", output: listening,
		},
		"broken health page": {
			mode: "broken", change: func(s *Spec) { s.ReadyTimeout = time.Second },
			want: "did not answer at http://127.0.0.1:", output: listening,
		},
		"file missing": {mode: "serve", change: func(s *Spec) { s.Recipe.Entry = "main.py" }, want: "main.py not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec(t, tc.mode)
			if tc.change != nil {
				tc.change(&s)
			}
			problem := refused(t, s, tc.want)
			for tc.output == listening && len(problem.Output) == 0 && s.ReadyTimeout < time.Minute {
				s.ReadyTimeout *= 4 // on a machine that does other things too the app did not get as far
				problem = refused(t, s, tc.want)
			}
			if !strings.Contains(strings.Join(problem.Output, "\n"), tc.output) {
				t.Errorf("output %q lacks %q", problem.Output, tc.output)
			}
			if len(problem.Output) > tailLines {
				t.Errorf("%d lines of output", len(problem.Output))
			}
			if left, _ := filepath.Glob(filepath.Join(s.Home, runPrefix+"*")); len(left) > 1 { // the common lock stays
				t.Errorf("left %q in the home folder", left)
			}
		})
	}
}

// refused starts an app that does not start, and returns the problem.
func refused(t *testing.T, s Spec, want string) *platform.Problem {
	t.Helper()
	a, err := Start(context.Background(), s)
	if err == nil {
		a.Stop()
		t.Fatal("started")
	}
	var problem *platform.Problem
	if !errors.As(err, &problem) || !strings.Contains(err.Error(), want) {
		t.Fatalf("error %T %q, want a problem with %q", err, err, want)
	}
	return problem
}

func TestSlowStart(t *testing.T) {
	t.Parallel()
	up(t, spec(t, "slow"))
}

func TestAnyAnswerOfALenientAppWillDo(t *testing.T) {
	t.Parallel()
	s := spec(t, "broken")
	s.Recipe.Lenient = true
	up(t, s)
}

func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s := spec(t, "silent")
	s.Notify = func(platform.Event) { time.AfterFunc(200*time.Millisecond, cancel) }
	if _, err := Start(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestPortLostBetweenChoiceAndUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := spec(t, "serve")
	// The program on the port must not respond, or it would be mistaken for the app.
	ports := []int{taken.Addr().(*net.TCPAddr).Port}
	s.freePort = func() (int, error) {
		if len(ports) > 0 {
			port := ports[0]
			ports = nil
			return port, nil
		}
		return freePort()
	}
	a := up(t, s)
	if a.port == taken.Addr().(*net.TCPAddr).Port {
		t.Error("the app kept a port that it cannot have")
	}
}

func TestCrash(t *testing.T) {
	t.Parallel()
	s := spec(t, "serve")
	var mu sync.Mutex
	var phases []platform.Phase
	var crash error
	s.Notify = func(e platform.Event) {
		mu.Lock()
		defer mu.Unlock()
		phases = append(phases, e.Phase)
		if e.Phase == platform.Crashed {
			crash = e.Err
		}
	}
	a := up(t, s)
	before := a.URL().String()
	get(t, a.URL().JoinPath("crash").String())
	eventually(t, "the app answers again", func() bool { code, _ := get(t, before); return code == http.StatusOK })
	eventually(t, "the restart is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Contains(phases, platform.Restarted)
	})
	mu.Lock()
	defer mu.Unlock()
	want := []platform.Phase{platform.Starting, platform.Crashed, platform.Starting, platform.Restarted}
	if !slices.Equal(phases, want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
	var exit *platform.ExitError
	if !errors.As(crash, &exit) || exit.Code != 3 || !slices.Contains(exit.Output, "about to crash") {
		t.Errorf("crash is %#v, want code 3 and the last lines", crash)
	}
}

func TestCrashesWhileRestarting(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		crashes string
		givenUp bool
	}{
		"fewer than allowed": {crashes: "xx"},
		"too many":           {crashes: "xxxxxxxx", givenUp: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec(t, "flaky")
			s.MaxRestarts = 4
			file := filepath.Join(t.TempDir(), "crashes")
			s.Vars["CRASHES"] = file
			a := up(t, s)
			if err := os.WriteFile(file, []byte(tc.crashes), 0o600); err != nil {
				t.Fatal(err)
			}
			get(t, a.URL().JoinPath("crash").String())
			if !tc.givenUp {
				eventually(t, "the app answers again", func() bool { code, _ := get(t, a.URL().String()); return code == http.StatusOK })
				return
			}
			<-a.Done()
			var exit *platform.ExitError
			if err := a.Err(); !errors.As(err, &exit) || exit.Code != 4 || !strings.Contains(err.Error(), "4 restarts") {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestStopDuringBackoff(t *testing.T) {
	t.Parallel()
	s := spec(t, "serve")
	s.Backoff = func(int) time.Duration { return time.Hour }
	crashed := make(chan struct{})
	s.Notify = func(e platform.Event) {
		if e.Phase == platform.Crashed {
			close(crashed)
		}
	}
	a := up(t, s)
	get(t, a.URL().JoinPath("crash").String())
	<-crashed
	a.Stop()
	if err := a.Err(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestProjectIsOnlyRead(t *testing.T) {
	t.Parallel()
	s := spec(t, "serve")
	s.Recipe.Mirror = []string{"chainlit*.md", ".chainlit", "missing"}
	for name, content := range map[string]string{"chainlit.md": "hi", ".chainlit/config.toml": "x = 1", ".chainlit/a/b": "deep"} {
		path := filepath.Join(s.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := snapshot(t, s.Dir)
	a := up(t, s)
	root := a.launch.root
	if got := snapshot(t, root); got != strings.ReplaceAll(before, "app.py \n", "") {
		t.Errorf("mirror:\n%swant\n%s", got, before)
	}
	a.Stop()
	if after := snapshot(t, s.Dir); after != before {
		t.Errorf("project:\n%sbefore\n%s", after, before)
	}
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the run's folder is still there: %v", err)
	}
}

func TestFoldersOfKilledRunsAreRemoved(t *testing.T) {
	t.Parallel()
	s := spec(t, "serve")
	running := up(t, s)
	killed := filepath.Join(s.Home, runPrefix+"killed")
	if err := os.MkdirAll(filepath.Join(killed, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	up(t, s)
	if _, err := os.Stat(killed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a killed run is still there: %v", err)
	}
	if _, err := os.Stat(running.launch.root); err != nil {
		t.Errorf("the folder of another running app has gone: %v", err)
	}
}

// snapshot lists the files of dir with their content.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out.WriteString(filepath.ToSlash(rel) + " " + string(data) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestContainerArguments(t *testing.T) {
	t.Parallel()
	recipe, _ := platform.RecipeFor(platform.Docker, "linux")
	l := launch{
		name: "box", spec: Spec{
			Recipe: recipe, Vars: map[string]string{"TOKEN": "hidden", "A": "b"}, Environ: []string{"HOME=/mine"},
			Environment: platform.Environment{Program: "/bin/docker", Image: "img"},
		},
	}
	c, err := l.command(1234)
	if err != nil {
		t.Fatal(err)
	}
	want := "run --rm --name box --publish 127.0.0.1:1234:80 --env A --env TOKEN img"
	if got := strings.Join(c.Args, " "); got != want {
		t.Errorf("arguments %q, want %q", got, want)
	}
	if got := strings.Join(c.Cleanup, " "); got != "/bin/docker kill box" {
		t.Errorf("cleanup %q", got)
	}
	if platform.Lookup(c.Env, "TOKEN") != "hidden" || platform.Lookup(c.Env, "HOME") != "/mine" {
		t.Errorf("variables %q", c.Env)
	}
}
