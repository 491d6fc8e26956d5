package supervise

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// An app that will not come is not waited for: what is wrong is named, with what to do.
func TestHopelessStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode, want, hint string
		linux            bool
	}{
		"below another path":    {mode: "lost", want: "has no page at http://127.0.0.1:", hint: "base path"},
		"https":                 {mode: "tls", want: "the app uses https", hint: "certificate"},
		"at another port":       {mode: "elsewhere", want: "not on the one assigned to it", hint: "PORT", linux: true},
		"ends without an error": {mode: "hello", want: "the app exited by itself: exited with code 0", hint: "must keep running"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.linux && runtime.GOOS != "linux" {
				t.Skip("which process has a port is not to be seen here")
			}
			s := spec(t, tc.mode)
			s.ReadyTimeout, s.wrongAnswerLimit = time.Hour, time.Nanosecond
			if problem := refused(t, s, tc.want); !strings.Contains(problem.Hint, tc.hint) {
				t.Errorf("hint %q, want %q", problem.Hint, tc.hint)
			}
		})
	}
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	const trace = "Traceback (most recent call last):\n  File \"/venv/lib/x/site-packages/gunicorn/util.py\", line 370, in import_app\n    mod = f()\n" +
		"  File \"DIR/app.py\", line 3, in <module>\n    x()\n"
	for name, tc := range map[string]struct {
		printed, message, hint string
	}{
		"a missing package":            {trace + "ModuleNotFoundError: No module named 'PIL.Image'\n[1] [INFO] Worker exiting\n", "needs the module PIL.Image", `"pillow"`},
		"a file of another folder":     {trace + "ModuleNotFoundError: No module named 'helpers'\n", "the project contains " + filepath.Join("src", "helpers.py"), "--entry"},
		"a syntax error":               {"  File \"DIR/app.py\", line 7\n    x = (\n        ^\nSyntaxError: '(' was never closed\n", "app.py, line 7: SyntaxError: '(' was never closed", "correct"},
		"a variable that is unset":     {trace + "  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'API_TOKEN'\n", "the variable API_TOKEN", "secrets set API_TOKEN"},
		"a key that is not a variable": {trace + "KeyError: 'x'\n", "app.py, line 3: KeyError: 'x'", ""},
		"an error of the app":          {trace + "mylib.errors.DatabaseError: no host\n", "app.py, line 3: mylib.errors.DatabaseError: no host", ""},
		"the last of several":          {"Traceback (most recent call last):\nValueError: old\nfine\n" + trace + "TypeError: new\n", "TypeError: new", ""},
		"one that led to another":      {trace + "ValueError: a\n\nDuring handling of the above exception, another exception occurred:\n\n" + trace + "RuntimeError: b\n", "RuntimeError: b", ""},
		"a port that is taken":         {trace + "OSError: [Errno 98] Address already in use\n", "port is in use by another program", "PORT"},
		"nothing of the app reached":   {trace[:strings.Index(trace, "\n")+1] + "ModuleNotFoundError: No module named 'ipykernel'\n", "needs the module ipykernel", `"ipykernel"`},
		"our own launcher":             {"NoApplication: no WSGI application in app.py; name it\n", "no WSGI application in app.py", ""},
		"a library of the system":      {trace + "ImportError: libGL.so.1: cannot open shared object file\n", "libGL.so.1", "opencv-python-headless"},
		"lines of uvicorn":             {"ERROR:    Traceback (most recent call last):\n  File \"DIR/app.py\", line 3, in f\nValueError: x\n", "app.py, line 3: ValueError: x", ""},
		"no cause":                     {"bye\n", "the app exited by itself", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec(t, "print")
			if err := os.MkdirAll(filepath.Join(s.Dir, "src"), 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{"src/helpers.py": "", "text": strings.ReplaceAll(tc.printed, "DIR", s.Dir)} {
				if len(text)%2 == 0 && file == "text" {
					text += "\n" // or the app ends without an error
				}
				if err := os.WriteFile(filepath.Join(s.Dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s.Vars["TEXT"] = filepath.Join(s.Dir, "text")
			problem := refused(t, s, tc.message)
			if !strings.Contains(problem.Hint, tc.hint) || !problem.Shown || !strings.Contains(problem.Error(), "exited with code 1") {
				t.Errorf("%q, hint %q, want %q", problem, problem.Hint, tc.hint)
			}
		})
	}
}

// A saved file is what runs next; one that is broken is waited for, not for ever tried again.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := spec(t, "saved")
	save := func(text string) {
		if err := os.WriteFile(filepath.Join(s.Dir, "app.py"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("one")
	changes := make(chan []string)
	s.Changes = changes
	events := make(chan platform.Event, 100)
	s.Notify = func(e platform.Event) { events <- e }
	a := up(t, s)
	next := func(want platform.Phase) platform.Event {
		t.Helper()
		for {
			e := <-events
			if e.Phase == platform.Noticed {
				continue
			}
			if e.Phase != want {
				t.Fatalf("%v (%s, %v), want %v", e.Phase, e.Message, e.Err, want)
			}
			return e
		}
	}
	next(platform.Starting)
	says := func(want string) {
		t.Helper()
		if _, body := get(t, a.URL().String()); body != want {
			t.Errorf("the app says %q, want %q", body, want)
		}
	}
	says("one")
	save("two")
	changes <- []string{"app.py"}
	if e := next(platform.Starting); !strings.Contains(e.Message, "app.py changed") {
		t.Errorf("says %q", e.Message)
	}
	next(platform.Restarted)
	says("two")
	save("")
	changes <- []string{"app.py", "b.py"}
	next(platform.Starting)
	if e := next(platform.Crashed); e.Delay != 0 || !strings.Contains(e.Err.Error(), "app.py, line 3: SyntaxError") {
		t.Errorf("%v after %v", e.Err, e.Delay)
	}
	save("three")
	changes <- []string{"app.py"}
	next(platform.Starting)
	next(platform.Restarted)
	says("three")
}

// While an app that does not start waits for a file it can be stopped.
func TestStopWhileWaitingForAFile(t *testing.T) {
	t.Parallel()
	s := spec(t, "saved")
	file := filepath.Join(s.Dir, "app.py")
	if err := os.WriteFile(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	changes := make(chan []string)
	s.Changes = changes
	crashed := make(chan struct{})
	s.Notify = func(e platform.Event) {
		if e.Phase == platform.Crashed {
			close(crashed)
		}
	}
	a := up(t, s)
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	changes <- []string{"app.py"}
	<-crashed
	a.Stop()
	if err := a.Err(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// The path below which an app serves is told, and its lines lead to the login and not past it.
func TestBaseAndBanner(t *testing.T) {
	t.Parallel()
	s := spec(t, "based")
	s.Public = "http://app.localhost:8080"
	s.Recipe.Env = map[string]string{"ROOT": "{root}"}
	a := up(t, s)
	if a.Base() != "/x/" {
		t.Errorf("base %q", a.Base())
	}
	printed := s.Log.(*log).String()
	if !strings.Contains(printed, "Running on http://app.localhost:8080/x/ (Press") || strings.Contains(printed, "127.0.0.1") {
		t.Errorf("printed %q", printed)
	}
	s = spec(t, "serve")
	s.Recipe.Base, s.Recipe.Ready = "/env", ""
	if a := up(t, s); a.Base() != "/env/" {
		t.Errorf("base %q", a.Base())
	}
}

// The first page of an app is looked at, also where another one leads to it.
func TestFirstPageIsAnError(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{"broken": "500 Internal Server Error", "leads on": "500 Internal Server Error): the app needs the module PIL", "error page": "printed an error: the app needs the module PIL"} {
		s := spec(t, mode)
		s.Recipe.Lenient = true
		var mu sync.Mutex
		var notices []string
		s.Notify = func(e platform.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Phase == platform.Noticed {
				notices = append(notices, e.Message)
			}
		}
		up(t, s)
		mu.Lock()
		if len(notices) != 1 || !strings.Contains(notices[0], want) {
			t.Errorf("%s: notices %q", mode, notices)
		}
		mu.Unlock()
	}
}

func TestCommandOfTheShell(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the command below is one of a Unix shell")
	}
	s := spec(t, "serve")
	recipe, ok := platform.App{Framework: platform.Shell, Command: `exec "$SELF" "$PORT"`, Runtime: platform.Plain}.Recipe(runtime.GOOS)
	if !ok {
		t.Fatal("no recipe")
	}
	s.Vars["SELF"], s.Vars["PORT"] = s.Environment.Program, "9"
	s.Recipe, s.Environment = recipe, platform.Environment{}
	a := up(t, s)
	if code, _ := get(t, a.URL().String()); code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
}

// A launcher is a module that finds the app by the names that it was given, whatever they hold.
func TestLauncher(t *testing.T) {
	t.Parallel()
	s := spec(t, "serve")
	s.Recipe.Launcher, s.Recipe.Object = "run({entry_text}, {object_text}, {port})", `a"b`
	s.Recipe.Entry = "-app.py"
	s.Vars["PYTHONPATH"], s.Environment.Vars = "mine", map[string]string{"PYTHONPATH": "src"}
	if err := os.WriteFile(filepath.Join(s.Dir, "-app.py"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a := up(t, s)
	text, err := os.ReadFile(filepath.Join(a.launch.root, platform.LauncherName+".py"))
	if err != nil || !strings.HasPrefix(string(text), platform.LauncherSource()) || !strings.Contains(string(text), "\nrun(\"./-app.py\", \"a\\\"b\", ") {
		t.Errorf("%s, %v", text, err)
	}
	want := "PYTHONPATH=" + strings.Join([]string{a.launch.root, "mine", "src"}, string(os.PathListSeparator)) + `"`
	if _, body := get(t, a.URL().JoinPath("env").String()); !strings.Contains(body, want) {
		t.Errorf("modules are not found: %s, want %s", body, want)
	}
}

// An app that listens on every address is reached past the login; one on the loopback interface is not.
func TestReachable(t *testing.T) {
	t.Parallel()
	for host, open := range map[string]bool{"127.0.0.1": false, "0.0.0.0": true} {
		l, err := net.Listen("tcp4", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		at := reachable(port)
		if at != "" && (!open || !strings.HasSuffix(at, ":"+strconv.Itoa(port))) {
			t.Errorf("%s is reached at %q", l.Addr(), at)
		}
		if open && at == "" && hasOtherAddress(t) {
			t.Errorf("%s is not seen to be open", l.Addr())
		}
	}
}

func hasOtherAddress(t *testing.T) bool {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return true
		}
	}
	return false
}
