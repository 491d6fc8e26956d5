//go:build unix

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	expect "github.com/Netflix/go-expect"
	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// terminal is one run of the program at a terminal with a person who types.
type terminal struct {
	console *expect.Console
	command *exec.Cmd
	shown   *output.Buffer
	seen    int           // bytes of shown that see has passed
	drained chan struct{} // closed at the end of the output
}

// atTerminal starts the program. The terminal is an emulated one: questions wait until it tells where its cursor is.
func atTerminal(t *testing.T, p *place, args ...string) *terminal {
	t.Helper()
	answers, screen, err := pty.Open()
	if err != nil {
		unavailable(t, "a terminal", err)
	}
	shown := &output.Buffer{}
	emulator := vt10x.New(vt10x.WithWriter(screen), vt10x.WithSize(120, 40))
	console, err := expect.NewConsole(expect.WithStdin(answers), expect.WithStdout(emulator, shown),
		expect.WithCloser(answers, screen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = console.Close() }) // the program is gone by then
	if err := pty.Setsize(console.Tty(), &pty.Winsize{Rows: 40, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	c := p.command(t, args...)
	c.Env = append(slices.Clone(p.environ), "TERM=xterm-256color")
	if i := slices.IndexFunc(p.environ, func(v string) bool { return v == "TERM=dumb, asked for" }); i >= 0 {
		c.Env = append(c.Env, "TERM=dumb")
	}
	c.Stdin, c.Stdout, c.Stderr = console.Tty(), console.Tty(), console.Tty()
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	tt := &terminal{console: console, command: c, shown: shown, drained: make(chan struct{})}
	go func() { // all the time, as the emulator answers only what it gets to read
		defer close(tt.drained)
		_, _ = console.Expect(expect.EOF, expect.PTSClosed, expect.WithTimeout(time.Minute)) // or the end of patience
	}()
	return tt
}

// see waits until a text is shown, after what was seen before.
func (tt *terminal) see(t *testing.T, text string) {
	t.Helper()
	for range 1500 {
		if at := strings.Index(tt.shown.String()[tt.seen:], text); at >= 0 {
			tt.seen += at + len(text)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = tt.command.Process.Kill() // it waits for what will not come
	t.Fatalf("%q is not shown:\n%s", text, tt.shown.String())
}

func (tt *terminal) send(t *testing.T, text string) {
	t.Helper()
	if _, err := tt.console.Send(text); err != nil {
		t.Fatal(err)
	}
}

// end waits for the end of the program and returns its status and all that was shown.
func (tt *terminal) end(t *testing.T) (exit int, shown string) {
	t.Helper()
	exit = status(t, tt.command.Wait())
	_ = tt.console.Tty().Close() // the last one who holds it: now it ends
	<-tt.drained
	return exit, tt.shown.String()
}

// reaction is the time from a question to the first key: before, the terminal tells where its cursor is, and what
// is typed meanwhile would be taken for that.
const reaction = 400 * time.Millisecond

const (
	enter = "\r"
	down  = "\x1b[B"
	ctrlC = "\x03"
)

// TestTyped holds conversations and looks at what was shown meanwhile: nothing that is secret.
func TestTyped(t *testing.T) {
	t.Parallel()
	type turn struct{ see, send string }
	for name, tc := range map[string]struct {
		args  []string
		env   []string
		turns []turn
		file  string // holds, afterwards
		text  string
	}{
		"user and password": {
			args:  []string{"auth", "--add", "--feature", "main_app"},
			turns: []turn{{"username_main_app", "ana" + enter}, {"password_main_app", "CANARY_typed" + enter}},
			file:  "app/.env", text: "username_main_app=ana\npassword_main_app=CANARY_typed\n",
		},
		"feature chosen with arrow keys": {
			args:  []string{"auth", "--add"},
			turns: []turn{{"main_app", down + enter}, {"username_main_app", "ana" + enter}, {"password_main_app", "CANARY_typed" + enter}},
			file:  "app/.env", text: "username_main_app=ana\n",
		},
		"an empty answer is asked again": {
			args:  []string{"auth", "--add", "--feature", "main_app"},
			turns: []turn{{"username_main_app", enter}, {"please enter a value", "ana" + enter}, {"password_main_app", "CANARY_typed" + enter}},
			file:  "app/.env", text: "username_main_app=ana\n",
		},
		"key": {
			args: []string{"key"}, turns: []turn{{"API key", "CANARY_typed" + enter}},
			file: "home/.ploomber/stats/config.yaml", text: "CANARY_typed",
		},
		"login with Auth0": {
			args:  []string{"templates", "auth0"},
			turns: []turn{{"AUTH_CLIENT_ID", "id" + enter}, {"AUTH_CLIENT_SECRET", "CANARY_typed" + enter}, {"AUTH_ISSUER_BASE_URL", "t.auth0.com" + enter}},
			file:  "app/.env", text: "AUTH_CLIENT_SECRET=CANARY_typed\nAUTH_ISSUER_BASE_URL=https://t.auth0.com\n",
		},
		"confirmed": {
			args: []string{"init", "--force"}, turns: []turn{{"Is this correct?", "y" + enter}},
			file: "app/ploomber-cloud.json", text: "streamlit-app-1",
		},
		"at a terminal without a cursor": {
			args: []string{"auth", "--add", "--feature", "main_app"}, env: []string{"TERM=dumb, asked for"},
			turns: []turn{{"username_main_app", "ana\n"}, {"password_main_app", "CANARY_typed\n"}},
			file:  "app/.env", text: "username_main_app=ana\npassword_main_app=CANARY_typed\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject, "app.py": "import streamlit\n"})
			p.environ = append(p.environ, tc.env...)
			tt := atTerminal(t, p, tc.args...)
			for _, turn := range tc.turns {
				tt.see(t, turn.see)
				time.Sleep(reaction)
				tt.send(t, turn.send)
			}
			exit, shown := tt.end(t)
			if exit != 0 {
				t.Errorf("status %d\n%s", exit, shown)
			}
			if strings.Contains(shown, "CANARY") {
				t.Errorf("what must be hidden is shown:\n%s", shown)
			}
			data, err := os.ReadFile(filepath.Join(p.root, filepath.FromSlash(tc.file)))
			if err != nil || !strings.Contains(string(data), tc.text) {
				t.Errorf("%s holds %q (%v), want %q", tc.file, data, err, tc.text)
			}
		})
	}
}

// TestCtrlC ends every kind of question, and a watch, with the status of an interrupt and nothing changed.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		env  string
		see  string
	}{
		"text":             {args: []string{"auth", "--add", "--feature", "main_app"}, see: "username_main_app"},
		"password":         {args: []string{"auth", "--add", "--feature", "main_app", "--username", "ana"}, see: "password_main_app"},
		"menu":             {args: []string{"auth", "--add"}, see: "analytics"},
		"yes or no":        {args: []string{"init", "--force"}, see: "Is this correct?"},
		"simple text":      {args: []string{"auth", "--add", "--feature", "main_app"}, env: "TERM=dumb, asked for", see: "username_main_app"},
		"simple password":  {args: []string{"auth", "--add", "--feature", "main_app", "--username", "ana"}, env: "TERM=dumb, asked for", see: "password_main_app"},
		"watching":         {args: []string{"deploy", "--watch"}, see: "Status: pending"},
		"watching another": {args: []string{"watch", "--project-id", "my-app"}, see: "Status: pending"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject, "app.py": "import streamlit\n"})
			p.environ = append(p.environ, tc.env)
			p.cloud.SetFate("pending")
			p.cloud.EditJob("job-0", func(j *fakecloud.Job) { j.Statuses = []string{"pending"} })
			before := readTree(t, p.app)
			tt := atTerminal(t, p, tc.args...)
			tt.see(t, tc.see)
			time.Sleep(reaction)
			tt.send(t, ctrlC)
			exit, shown := tt.end(t)
			if exit != 130 {
				t.Errorf("status %d\n%s", exit, shown)
			}
			unchanged(t, before, readTree(t, p.app))
		})
	}
}

// TestShown looks at colours and progress, which are for terminals.
func TestShown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env, flag string
		colour    bool
	}{
		"terminal":         {colour: true},
		"NO_COLOR":         {env: "NO_COLOR=1"},
		"never":            {flag: "--color=never"},
		"dumb":             {env: "TERM=dumb, asked for"},
		"always, NO_COLOR": {env: "NO_COLOR=1", flag: "--color=always", colour: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
			p.environ = append(p.environ, tc.env)
			exit, shown := atTerminal(t, p, append([]string{"labels", "--add", "x"}, strings.Fields(tc.flag)...)...).end(t)
			if colour := strings.Contains(shown, "\x1b["); exit != 0 || colour != tc.colour {
				t.Errorf("status %d, colour %v, want %v: %q", exit, colour, tc.colour, shown)
			}
		})
	}
	t.Run("progress", func(t *testing.T) {
		t.Parallel()
		files := map[string]string{"ploomber-cloud.json": myProject, "data.bin": noiseText(8 << 20)}
		p := newPlace(t, files)
		if exit, shown := atTerminal(t, p, "deploy").end(t); exit != 0 || !strings.Contains(shown, "\r\x1b[K") || !strings.Contains(shown, " MB (") {
			t.Errorf("status %d, shown %q", exit, shown)
		}
		p = newPlace(t, files)
		if exit, stdout, stderr := p.run(t, "", "deploy"); exit != 0 || strings.ContainsAny(stdout+stderr, "\r\x1b%") {
			t.Errorf("status %d, in a pipe %q, %q", exit, stdout, stderr)
		}
	})
	t.Run("nobody on a build server", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
		p.environ = append(p.environ, "CI=true")
		exit, shown := atTerminal(t, p, "auth", "--add", "--feature", "main_app").end(t)
		if exit != 1 || !strings.Contains(shown, "--username") {
			t.Errorf("status %d, shown %q", exit, shown)
		}
	})
}
