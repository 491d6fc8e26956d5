//go:build unix

package supervise

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// instanceSpec returns what launches a fake app.
func instanceSpec(t *testing.T, mode string) InstanceSpec {
	t.Helper()
	s, dir := spec(t, mode), t.TempDir()
	return InstanceSpec{
		Recipe: s.Recipe, Dir: s.Dir, Environment: s.Environment, Environ: s.Environ, Vars: s.Vars, Now: s.Now, freePort: s.freePort,
		Home: filepath.Join(dir, "home"), Data: filepath.Join(dir, "data"), Output: filepath.Join(dir, "output"),
	}
}

// launched starts s, and stops it at the end of the test.
func launched(t *testing.T, s InstanceSpec) *Instance {
	t.Helper()
	i, err := Launch(context.Background(), s)
	if err != nil {
		t.Fatalf("launch: %v", err)
	}
	t.Cleanup(func() { i.Stop(time.Minute) })
	return i
}

// output returns what an app has printed once it holds text.
func output(t *testing.T, s InstanceSpec, text string) string {
	t.Helper()
	var data []byte
	eventually(t, "the app prints "+text, func() bool { data, _ = os.ReadFile(s.Output); return strings.Contains(string(data), text) })
	return string(data)
}

func answers(t *testing.T, i *Instance) bool {
	t.Helper()
	code, _ := get(t, i.URL().String())
	return code == http.StatusOK
}

func TestLaunch(t *testing.T) {
	t.Parallel()
	s := instanceSpec(t, "serve")
	s.Environ = append(s.Environ, "PLATFORM_SECRET=hidden", "PLOOMBER_CLOUD_KEY=hidden", "HOME=/of/the/platform")
	s.Vars["GREETING"] = "hello world"
	i := launched(t, s)
	_, body := get(t, i.URL().JoinPath("env").String())
	var env []string
	if err := json.Unmarshal([]byte(body), &env); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for name, want := range map[string]string{
		"PLATFORM_SECRET": "", "PLOOMBER_CLOUD_KEY": "", "HOME": s.home(), "TMPDIR": s.tmp(), "PLOOMBER_DATA_DIR": s.Data,
		"GREETING": "hello world", "PATH": platform.Lookup(s.Environ, "PATH"),
	} {
		if got := platform.Lookup(env, name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	for _, dir := range []string{s.home(), s.tmp(), s.Data} {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
	output(t, s, listening)
	session, err := syscall.Getpgid(i.record.PID)
	if err != nil || session != i.record.PID {
		t.Errorf("the app is in group %d, %v", session, err)
	}
	i.Stop(time.Minute)
	i.Stop(time.Minute) // harmless
	if err := i.Err(); err != nil || answers(t, i) {
		t.Errorf("the stopped app answers or ended with %v", err)
	}
	if _, err := Adopt(s.Home); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("adopting a stopped app: %v", err)
	}
}

// The app outlives the process that launched it, and the next one finds it.
func TestAdopt(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"family", "stubborn family"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := instanceSpec(t, mode)
			launchAndKill(t, s)
			i, err := Adopt(s.Home)
			if err != nil {
				t.Fatalf("adopt: %v", err)
			}
			t.Cleanup(func() { i.Stop(0) })
			pids := children(t, output(t, s, listening))
			if !answers(t, i) || len(pids) != wantChildren() || gone(pids[:1]) {
				t.Fatalf("the app does not answer, or its descendants %v do not run", pids)
			}
			grace := time.Minute
			if mode != "family" {
				grace = 100 * time.Millisecond
			}
			i.Stop(grace)
			if !gone(append(pids, i.record.PID)) || answers(t, i) || i.Err() != nil {
				t.Errorf("after the stop some of %v still run: %v", pids, i.Err())
			}
		})
	}
}

// launchAndKill launches a fake app in another process, and kills that.
func launchAndKill(t *testing.T, s InstanceSpec) {
	t.Helper()
	cmd := exec.Command(s.Environment.Program, s.Dir, s.Home, s.Output, s.Vars[modeName])
	cmd.Env = append(os.Environ(), modeName+"=launcher")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(stdout).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if said != "launched <nil>\n" {
		t.Fatalf("the launcher says %q, %v", said, err)
	}
}

func TestAdoptedAppCrashes(t *testing.T) {
	t.Parallel()
	s := instanceSpec(t, "family")
	launchAndKill(t, s)
	i, err := Adopt(s.Home)
	if err != nil {
		t.Fatal(err)
	}
	pids := children(t, output(t, s, listening))
	get(t, i.URL().JoinPath("crash").String())
	<-i.Done()
	var problem *platform.Problem
	if !errors.As(i.Err(), &problem) || problem.Reason != platform.ReasonCrash || !slices.Contains(problem.Output, "about to crash") {
		t.Errorf("ended with %v, want a problem with the last lines", i.Err())
	}
	if !gone(pids) {
		t.Errorf("some of %v still run", pids)
	}
}

func TestLaunchedAppCrashes(t *testing.T) {
	t.Parallel()
	i := launched(t, instanceSpec(t, "serve"))
	if i.Err() != nil {
		t.Errorf("runs with %v", i.Err())
	}
	get(t, i.URL().JoinPath("crash").String())
	<-i.Done()
	var exit *platform.ExitError
	if !errors.As(i.Err(), &exit) || exit.Code != 3 {
		t.Errorf("ended with %v", i.Err())
	}
}

// What does not run or never responded is not adopted, and nothing is left of it.
func TestNothingToAdopt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *record){
		"the number is another process's":        func(r *record) { r.Started++ },
		"the machine was restarted":              func(r *record) { r.Boot = "before"; r.PID = os.Getpid() },
		"the app had not responded":              func(r *record) { r.Ready = false },
		"killed before the process was recorded": func(r *record) { r.Ready, r.PID, r.Started = false, 0, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := instanceSpec(t, "family")
			i := launched(t, s)
			pids := append(children(t, output(t, s, listening)), i.record.PID)
			other := i.record
			change(&other)
			if err := other.write(s.Home); err != nil {
				t.Fatal(err)
			}
			if _, err := Adopt(s.Home); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("error %v", err)
			}
			if _, err := readRecord(s.Home); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the record is still there: %v", err)
			}
			survives := other.Boot == "before"
			if runtime.GOOS == "linux" && gone(pids) == survives {
				t.Errorf("processes %v: gone %v", pids, !survives)
			}
		})
	}
	home := t.TempDir()
	for _, content := range []string{"", "{", "{}", "null"} {
		if err := os.WriteFile(filepath.Join(home, recordName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Adopt(home); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("record %q: error %v", content, err)
		}
	}
}

// A second launch in one home leaves nothing of the first.
func TestLaunchAgain(t *testing.T) {
	t.Parallel()
	s := instanceSpec(t, "serve")
	first := launched(t, s)
	if err := os.WriteFile(filepath.Join(s.tmp(), "old"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second := launched(t, s)
	<-first.Done()
	if !answers(t, second) || answers(t, first) {
		t.Error("the first app answers, or the second does not")
	}
	if left, _ := os.ReadDir(s.tmp()); len(left) > 0 {
		t.Errorf("left %v of the first", left)
	}
}

func TestLaunchFails(t *testing.T) {
	t.Parallel()
	const trace = "Traceback (most recent call last):\n  File \"app.py\", line 3, in <module>\n"
	for name, tc := range map[string]struct {
		mode, printed string
		change        func(*InstanceSpec)
		reason        platform.Reason
		says, hint    string
		linux         bool
	}{
		"no entry file": {
			change: func(s *InstanceSpec) { s.Recipe.Entry = "main.py" },
			reason: platform.ReasonEntryMissing, says: "main.py not found in the project", hint: "this name",
		},
		"missing module": {
			mode: "print", printed: trace + "ModuleNotFoundError: No module named 'PIL'\n",
			reason: platform.ReasonImport, says: "needs the module PIL", hint: "ploomber-cloud deploy",
		},
		"failed import": {
			mode: "print", printed: trace + "ImportError: cannot import name 'x' from 'y'\n",
			reason: platform.ReasonImport, says: "cannot import name 'x'", hint: "logs --type web",
		},
		"out of memory": {
			mode: "print", printed: trace + "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8 EiB\n",
			reason: platform.ReasonMemory, says: "Unable to allocate", hint: "ploomber-cloud resources",
		},
		"full disk": {
			mode: "print", printed: trace + "OSError: [Errno 28] No space left on device\n",
			reason: platform.ReasonDisk, says: "the disk is full", hint: "make room",
		},
		"another port": {mode: "elsewhere", reason: platform.ReasonPort, says: "not on the one assigned", hint: "PORT", linux: true},
		"https":        {mode: "tls", reason: platform.ReasonPort, says: "uses https", hint: "certificate"},
		"too slow": {
			mode: "silent", change: func(s *InstanceSpec) { s.ReadyTimeout = 300 * time.Millisecond },
			reason: platform.ReasonSlow, says: "did not answer at", hint: "ploomber-cloud logs",
		},
		"crash":         {mode: "fail", reason: platform.ReasonCrash, says: "exited with code 7", hint: "logs --type web"},
		"ends early":    {mode: "hello", reason: platform.ReasonCrash, says: "exited with code 0", hint: "must keep running"},
		"killed itself": {mode: "suicide", reason: platform.ReasonCrash, says: "signal killed", hint: "memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.linux && runtime.GOOS != "linux" {
				t.Skip("which process has a port is not to be seen here")
			}
			s := instanceSpec(t, tc.mode)
			s.wrongAnswerLimit = time.Nanosecond
			if len(tc.printed)%2 == 0 {
				tc.printed += "\n" // or the app ends without an error
			}
			s.Vars["TEXT"] = filepath.Join(t.TempDir(), "text")
			if err := os.WriteFile(s.Vars["TEXT"], []byte(tc.printed), 0o600); err != nil {
				t.Fatal(err)
			}
			if tc.change != nil {
				tc.change(&s)
			}
			i, err := Launch(context.Background(), s)
			if err == nil {
				i.Stop(0)
				t.Fatal("launched")
			}
			var problem *platform.Problem
			if !errors.As(err, &problem) || problem.Reason != tc.reason || !strings.Contains(err.Error(), tc.says) || !strings.Contains(problem.Hint, tc.hint) {
				t.Errorf("error %#v, want %s: %s, %s", err, tc.reason, tc.says, tc.hint)
			}
			if _, err := readRecord(s.Home); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the record is still there: %v", err)
			}
		})
	}
}

func TestLaunchIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s := instanceSpec(t, "silent")
	var pid int
	go func() {
		defer cancel()
		eventually(t, "the process is recorded", func() bool { r, err := readRecord(s.Home); pid = r.PID; return err == nil && pid > 0 })
	}()
	if _, err := Launch(ctx, s); !errors.Is(err, context.Canceled) || !gone([]int{pid}) {
		t.Errorf("error %v, process %d runs: %v", err, pid, !gone([]int{pid}))
	}
}

// A program that took the app's port and responds there is not mistaken for the app.
func TestPortLostToAWebServer(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("which process has a port is not to be seen here")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Minute}
	go func() { _ = other.Serve(taken) }()
	t.Cleanup(func() { _ = other.Close() })
	s := instanceSpec(t, "serve")
	ports := []int{taken.Addr().(*net.TCPAddr).Port}
	free := s.freePort
	s.freePort = func() (int, error) {
		if len(ports) > 0 {
			port := ports[0]
			ports = nil
			return port, nil
		}
		return free()
	}
	if i := launched(t, s); i.URL().Host == taken.Addr().String() {
		t.Error("the app is said to be at the address of another program")
	}
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	s := instanceSpec(t, "family")
	i := launched(t, s)
	output(t, s, listening)
	if i.Frozen() {
		t.Error("frozen from the start")
	}
	if err := i.Freeze(); err != nil {
		t.Fatal(err)
	}
	for _, r := range i.members() {
		if !r.stopped {
			t.Errorf("process %d is not frozen", r.pid)
		}
	}
	if !i.Frozen() || len(i.members()) != 1+wantChildren() {
		t.Errorf("frozen %v, %d processes", i.Frozen(), len(i.members()))
	}
	again, err := Adopt(s.Home)
	if err != nil || !again.Frozen() {
		t.Fatalf("a frozen app is not adopted as such: %v", err)
	}
	if err := again.Thaw(); err != nil || again.Frozen() || !answers(t, again) {
		t.Errorf("the thawed app does not answer: %v", err)
	}
	again.Release()
	if err := i.Freeze(); err != nil {
		t.Fatal(err)
	}
	i.Stop(time.Minute) // a frozen app gets the request to stop
	if err := i.Freeze(); !errors.Is(err, platform.ErrState) {
		t.Errorf("freezing a stopped app: %v", err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	s := instanceSpec(t, "family")
	i := launched(t, s)
	output(t, s, listening)
	if runtime.GOOS == "linux" {
		eventually(t, "CPU time is used", func() bool { return answers(t, i) && i.Usage().CPU > 0 })
	}
	if u := i.Usage(); u.Processes != 1+wantChildren() || runtime.GOOS == "linux" && u.Memory < 1<<20 {
		t.Errorf("%+v", u)
	}
	if err := os.WriteFile(filepath.Join(s.Data, "kept"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if size, err := DiskUsage(s.Data, filepath.Join(s.Data, "none")); size != 1000 || err != nil {
		t.Errorf("%d bytes, %v", size, err)
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	rows := []row{
		{pid: 1}, {pid: 10, parent: 1, group: 10, session: 10},
		{pid: 11, parent: 10, group: 11, session: 10},             // another group
		{pid: 12, parent: 1, group: 10, session: 10},              // its parent has ended
		{pid: 13, parent: 12, group: 13, session: 13},             // another session
		{pid: 14, parent: 1, group: 14, session: 14},              // a daemon, with the mark
		{pid: 15, parent: 14, group: 15, session: 15},             // its child
		{pid: 16, parent: 10, group: 10, session: 10, dead: true}, // a zombie
		{pid: 20, parent: 1, group: 20, session: 20},              // a stranger
		{pid: 21, parent: 21},                                     // whatever that is
	}
	marked := func(pid int) bool { return pid == 14 }
	for name, tc := range map[string]struct {
		leader int
		want   []int
	}{
		"with the leader":    {10, []int{10, 11, 12, 13, 14, 15}},
		"without the leader": {0, []int{14, 15}},
	} {
		if got := pids(family(rows, tc.leader, marked)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// launchApp is the fake app that launches another one and waits to be killed.
func launchApp() {
	self, _ := os.Executable()
	_, err := Launch(context.Background(), InstanceSpec{
		Recipe: platform.Recipe{Program: "self", Entry: "app.py", Args: []string{"{port}"}, Ready: "/ready"},
		Dir:    os.Args[1], Home: os.Args[2], Output: os.Args[3], Environment: platform.Environment{Program: self}, Environ: os.Environ(),
		Vars: map[string]string{modeName: os.Args[4]}, Now: time.Now,
	})
	fmt.Println("launched", err)
	time.Sleep(time.Hour)
}
