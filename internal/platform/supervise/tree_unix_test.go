//go:build unix

package supervise

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// systemApps are fake apps that need processes and signals as Unix has them.
func systemApps() map[string]func() {
	return map[string]func(){
		// Has a child in its own group and, where we can find such, one in another session; prints their ids.
		"family": func() {
			spawn("sleep", false)
			if runtime.GOOS == "linux" {
				spawn("sleep", true)
			}
			serve(http.StatusOK)
		},
		"stubborn family": func() {
			signal.Ignore(syscall.SIGTERM)
			spawn("deaf", false)
			if runtime.GOOS == "linux" {
				spawn("deaf", true)
			}
			serve(http.StatusOK)
		},
		"deaf": func() {
			signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
			time.Sleep(time.Hour)
		},
		"launcher": launchApp,
		"intruder": intrude,
		// Uses more and more memory once it has been asked for /eat.
		"glutton": func() {
			listen(func(_ http.ResponseWriter, r *http.Request) {
				var all [][]byte
				for r.URL.Path == "/eat" {
					all = append(all, bytes.Repeat([]byte{1}, 1<<20))
				}
				runtime.KeepAlive(all)
			})
		},
		"suicide": func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) },
		// Supervises a family, tells its ids and the app's, and waits to be killed.
		"supervisor": func() {
			dir := os.Args[1]
			self, _ := os.Executable()
			_, err := Start(context.Background(), Spec{
				Recipe: platform.Recipe{Program: "self", Entry: "app.py", Args: []string{"{port}"}, Ready: "/ready"},
				Dir:    dir, Home: dir, Environment: platform.Environment{Program: self}, Environ: os.Environ(),
				Vars: map[string]string{modeName: os.Args[2]}, Log: os.Stdout, Now: time.Now,
			})
			fmt.Println("up", err)
			time.Sleep(time.Hour)
		},
	}
}

// spawn starts the test binary again and prints "child PID".
func spawn(mode string, session bool) {
	self, _ := os.Executable()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), modeName+"="+mode)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("child", cmd.Process.Pid)
}

// children returns the ids in the lines "child PID" of text.
func children(t *testing.T, text string) []int {
	t.Helper()
	var pids []int
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "child "); ok {
			pid, err := strconv.Atoi(rest)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// gone reports whether none of the processes runs.
func gone(pids []int) bool { return !slices.ContainsFunc(pids, running) }

// descendants returns the ids of the children of an app that is up. What it has printed may come after its first answer.
func descendants(t *testing.T, s Spec) []int {
	t.Helper()
	out := s.Log.(*log)
	eventually(t, "the app's first lines", func() bool { return strings.Contains(out.String(), listening) })
	return children(t, out.String())
}

func wantChildren() int {
	if runtime.GOOS == "linux" {
		return 2
	}
	return 1
}

func TestStopEndsDescendants(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"family", "stubborn family"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := spec(t, mode)
			if mode != "family" {
				s.StopTimeout = 300 * time.Millisecond
			}
			a := up(t, s)
			pids := descendants(t, s)
			if len(pids) != wantChildren() || gone(pids[:1]) {
				t.Fatalf("descendants %v do not run: the test proves nothing", pids)
			}
			a.Stop()
			if !gone(pids) {
				t.Errorf("after the stop some of %v still run", pids)
			}
		})
	}
}

func TestCrashEndsDescendants(t *testing.T) {
	t.Parallel()
	s := spec(t, "family")
	s.Backoff = func(int) time.Duration { return time.Hour }
	crashed := make(chan struct{})
	s.Notify = func(e platform.Event) {
		if e.Phase == platform.Crashed {
			close(crashed)
		}
	}
	a := up(t, s)
	pids := descendants(t, s)
	get(t, a.URL().JoinPath("crash").String())
	<-crashed
	if len(pids) != wantChildren() || !gone(pids) {
		t.Errorf("after the crash some of %v still run", pids)
	}
}

// elsewhere supervises a fake app in another process. It returns that process and what the app has printed.
func elsewhere(t *testing.T, mode string) (*exec.Cmd, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, dir, mode)
	cmd.Env = append(os.Environ(), modeName+"=supervisor")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var text string
	lines := bufio.NewScanner(out)
	for up := false; !up || !strings.Contains(text, listening); { // what the app has printed may come later
		if !lines.Scan() {
			t.Fatalf("the supervisor ends after %q, %v", text, lines.Err())
		}
		switch line := lines.Text(); {
		case line == "up <nil>":
			up = true
		case strings.HasPrefix(line, "up "):
			t.Fatalf("the supervisor says %q", line)
		default:
			text += line + "\n"
		}
	}
	return cmd, text
}

// address returns where the fake app listens that printed text.
func address(t *testing.T, text string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, listening)
	if !ok {
		t.Fatalf("no port in %q", text)
	}
	port, _, _ := strings.Cut(rest, "\n")
	return "http://127.0.0.1:" + port
}

func TestKilledSupervisorTakesItsAppAlong(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"family", "stubborn family"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			cmd, text := elsewhere(t, mode)
			pids := children(t, text)
			if code, _ := get(t, address(t, text)); code != http.StatusOK || len(pids) != wantChildren() || gone(pids[:1]) {
				t.Fatalf("answer %d, descendants %v: the test proves nothing", code, pids)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "descendants end", func() bool { return gone(pids) })
			eventually(t, "the app ends", func() bool { code, _ := get(t, address(t, text)); return code == 0 })
		})
	}
}

func TestAppHasItsOwnProcessGroup(t *testing.T) {
	t.Parallel()
	s := spec(t, "family")
	up(t, s)
	pid := descendants(t, s)[0]
	group, err := syscall.Getpgid(pid)
	if err != nil || group == syscall.Getpgrp() {
		t.Errorf("group %d %v: a Ctrl-C in the terminal reaches the app before us", group, err)
	}
}

func TestRunIsCancelled(t *testing.T) {
	t.Parallel()
	s := spec(t, "family")
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := s.Log.(*log)
	ended := make(chan error)
	go func() {
		ended <- Run(ctx, platform.Command{
			Path: s.Environment.Program, Args: []string{strconv.Itoa(port)}, Dir: s.Dir,
			Env: append(os.Environ(), modeName+"=family"), Output: out,
		})
	}()
	eventually(t, "the command works", func() bool { return len(children(t, out.String())) == wantChildren() })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if pids := children(t, out.String()); !gone(pids) {
		t.Errorf("some of %v still run", pids)
	}
}
