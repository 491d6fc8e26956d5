//go:build unix

package main_test

import (
	"errors"
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
	moves   bool          // its cursor
	drained chan struct{} // closed at the end of the output
}

// atTerminal starts the program. The terminal is an emulated one: questions wait until it tells where its cursor is.
func atTerminal(t *testing.T, p *place, args ...string) *terminal {
	t.Helper()
	return atTerminalOf(t, p, 120, args...)
}

// atTerminalOf is atTerminal with that many columns.
func atTerminalOf(t *testing.T, p *place, columns int, args ...string) *terminal {
	t.Helper()
	shown, answers := &output.Buffer{}, &answers{}
	emulator := vt10x.New(vt10x.WithWriter(answers), vt10x.WithSize(columns, 40))
	console, err := expect.NewConsole(expect.WithStdout(emulator, shown))
	if err != nil {
		unavailable(t, "a terminal", err)
	}
	answers.to = console
	t.Cleanup(func() { _ = console.Close() }) // the program is gone by then
	if err := pty.Setsize(console.Tty(), &pty.Winsize{Rows: 40, Cols: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	c := p.command(t, args...)
	c.Env = append(slices.Clone(p.environ), "TERM=xterm-256color")
	moves := !slices.Contains(p.environ, "TERM=dumb, asked for")
	if !moves {
		c.Env = append(c.Env, "TERM=dumb")
	}
	c.Stdin, c.Stdout, c.Stderr = console.Tty(), console.Tty(), console.Tty()
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	tt := &terminal{console: console, command: c, shown: shown, drained: make(chan struct{}), moves: moves}
	go func() { // all the time, as the emulator answers only what it gets to read
		defer close(tt.drained)
		_, _ = console.Expect(expect.EOF, expect.PTSClosed, expect.WithTimeout(2*patience))
	}()
	return tt
}

// see waits until a text is shown, after what was seen before.
func (tt *terminal) see(t *testing.T, text string) {
	t.Helper()
	tt.until(t, "shown: "+text, func() bool {
		at := strings.Index(tt.shown.String()[tt.seen:], text)
		if at >= 0 {
			tt.seen += at + len(text)
		}
		return at >= 0
	})
}

// until waits for something that the program does.
func (tt *terminal) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = tt.command.Process.Kill() // it waits for what will not come
			t.Fatalf("not %s\n%s", what, tt.shown.String())
		}
	}
}

// A question is how something is asked for, which decides from when on the first key may be typed.
type question int

const (
	aLine      question = iota // to be typed: its reader asks twice where the cursor is before it takes keys
	aSecret                    // the same, unseen
	aMenu                      // to be chosen from
	noQuestion                 // the terminal is as it always is
)

// cursorQuery is how a program asks the terminal where its cursor is.
const cursorQuery = "\x1b[6n"

// answer types what answers the question that was seen last, when it takes keys: before, a secret would be shown. What
// comes right behind the terminal's word on its cursor is lost with it, so where nothing happens it is typed again.
func (tt *terminal) answer(t *testing.T, q question, keys string) {
	t.Helper()
	if q == aSecret || tt.moves && q != noQuestion {
		read := 0 // looks in a row that found everything read: a terminal hands over late what it tells
		tt.until(t, "listening", func() bool {
			told := !tt.moves || q == aMenu || strings.Count(tt.shown.String()[tt.seen:], cursorQuery) >= 2
			if read++; !told || echoes(t, tt.console.Tty()) || unread(t, tt.console.Tty()) > 0 {
				read = 0
			}
			return read == 3
		})
	}
	for range 5 {
		before := len(tt.shown.String())
		if _, err := tt.console.Send(keys); err != nil {
			t.Fatal(err)
		}
		if !tt.moves || q != aLine && q != aSecret {
			return
		}
		for wait := time.Now().Add(20 * time.Second); time.Now().Before(wait); time.Sleep(10 * time.Millisecond) {
			if len(tt.shown.String()) > before {
				return
			}
		}
	}
}

// answers are what the terminal tells by itself: where its cursor is.
type answers struct{ to *expect.Console }

func (a *answers) Write(p []byte) (int, error) { return a.to.Write(p) }

// end waits for the end of the program and returns its status and all that was shown.
func (tt *terminal) end(t *testing.T) (exit int, shown string) {
	t.Helper()
	exit = status(t, tt.command.Wait())
	_ = tt.console.Tty().Close() // the last one who holds it: now it ends
	<-tt.drained
	return exit, tt.shown.String()
}

const (
	enter = "\r"
	down  = "\x1b[B"
	ctrlC = "\x03"
)

// TestTyped holds conversations and looks at what was shown meanwhile: nothing that is secret.
func TestTyped(t *testing.T) {
	t.Parallel()
	type turn struct {
		see  string
		asks question
		send string
	}
	for name, tc := range map[string]struct {
		args  []string
		env   []string
		turns []turn
		file  string // holds, afterwards
		text  string
	}{
		"user and password": {
			args:  []string{"auth", "--add", "--feature", "main_app"},
			turns: []turn{{"User name for the app (username_main_app)", aLine, "ana" + enter}, {"password_main_app", aSecret, "CANARY_typed" + enter}, {"once more", aSecret, "CANARY_typed" + enter}},
			file:  "app/.env", text: "username_main_app=ana\npassword_main_app=CANARY_typed\n",
		},
		"a password with a slip in it": {
			args: []string{"auth", "--add", "--feature", "main_app", "--username", "ana"},
			turns: []turn{
				{"password_main_app", aSecret, "CANARY_typd" + enter}, {"once more", aSecret, "CANARY_typed" + enter}, {"not the same", noQuestion, ""},
				{"password_main_app", aSecret, "CANARY_typed" + enter}, {"once more", aSecret, "CANARY_typed" + enter},
			},
			file: "app/.env", text: "username_main_app=ana\npassword_main_app=CANARY_typed\n",
		},
		"feature chosen with the enter key": {
			args:  []string{"auth", "--add"},
			turns: []turn{{"main_app", aMenu, enter}, {"username_main_app", aLine, "ana" + enter}, {"password_main_app", aSecret, "CANARY_typed" + enter}, {"once more", aSecret, "CANARY_typed" + enter}},
			file:  "app/.env", text: "username_main_app=ana\n",
		},
		"feature chosen with arrow keys": {
			args:  []string{"auth", "--add"},
			turns: []turn{{"main_app", aMenu, down + down + enter}, {"username_api", aLine, "ana" + enter}, {"password_api", aSecret, "CANARY_typed" + enter}, {"once more", aSecret, "CANARY_typed" + enter}},
			file:  "app/.env", text: "username_api=ana\n",
		},
		"an empty answer is asked again": {
			args:  []string{"auth", "--add", "--feature", "main_app"},
			turns: []turn{{"username_main_app", aLine, enter}, {"please enter a value", aLine, "ana" + enter}, {"password_main_app", aSecret, "CANARY_typed" + enter}, {"once more", aSecret, "CANARY_typed" + enter}},
			file:  "app/.env", text: "username_main_app=ana\n",
		},
		"key": {
			args: []string{"key"}, turns: []turn{{"API key", aSecret, "CANARY_typed" + enter}},
			file: "home/.ploomber/stats/config.yaml", text: "CANARY_typed",
		},
		"login with Auth0": {
			args:  []string{"templates", "auth0"},
			turns: []turn{{"AUTH_CLIENT_ID", aLine, "id" + enter}, {"AUTH_CLIENT_SECRET", aSecret, "CANARY_typed" + enter}, {"AUTH_ISSUER_BASE_URL", aLine, "t.auth0.com" + enter}},
			file:  "app/.env", text: "AUTH_CLIENT_SECRET=CANARY_typed\nAUTH_ISSUER_BASE_URL=https://t.auth0.com\n",
		},
		"confirmed": {
			args: []string{"init", "--force"}, turns: []turn{{"Is this correct?", aLine, "y" + enter}},
			file: "app/ploomber-cloud.json", text: "streamlit-app-1",
		},
		"project to delete": {
			args: []string{"delete"}, turns: []turn{{"type 'my-app'", aLine, "yes" + enter}, {"please type", aLine, "my-app" + enter}},
		},
		"project not deleted": {
			args: []string{"delete"}, turns: []turn{{"type 'my-app'", aLine, "n" + enter}}, file: "app/ploomber-cloud.json", text: "my-app",
		},
		"at a terminal without a cursor": {
			args: []string{"auth", "--add", "--feature", "main_app"}, env: []string{"TERM=dumb, asked for"},
			turns: []turn{{"username_main_app", aLine, "ana\n"}, {"password_main_app", aSecret, "CANARY_typed\n"}, {"once more", aSecret, "CANARY_typed\n"}},
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
				tt.answer(t, turn.asks, turn.send)
			}
			exit, shown := tt.end(t)
			if exit != 0 {
				t.Errorf("status %d\n%s", exit, shown)
			}
			if strings.Contains(shown, "CANARY") {
				t.Errorf("what must be hidden is shown:\n%s", shown)
			}
			if tc.file == "" { // of a project that was deleted
				if _, err := os.Stat(filepath.Join(p.app, "ploomber-cloud.json")); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the configuration is there: %v", err)
				}
				return
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
		asks question
	}{
		"text":             {args: []string{"auth", "--add", "--feature", "main_app"}, see: "username_main_app"},
		"password":         {args: []string{"auth", "--add", "--feature", "main_app", "--username", "ana"}, see: "password_main_app", asks: aSecret},
		"menu":             {args: []string{"auth", "--add"}, see: "analytics", asks: aMenu},
		"yes or no":        {args: []string{"init", "--force"}, see: "Is this correct?"},
		"simple text":      {args: []string{"auth", "--add", "--feature", "main_app"}, env: "TERM=dumb, asked for", see: "username_main_app"},
		"simple password":  {args: []string{"auth", "--add", "--feature", "main_app", "--username", "ana"}, env: "TERM=dumb, asked for", see: "password_main_app", asks: aSecret},
		"watching":         {args: []string{"deploy", "--watch"}, see: "Status: pending", asks: noQuestion},
		"watching another": {args: []string{"watch", "--project-id", "my-app"}, see: "Status: pending", asks: noQuestion},
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
			tt.answer(t, tc.asks, ctrlC)
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
		if exit != 2 || !strings.Contains(shown, "--username") {
			t.Errorf("status %d, shown %q", exit, shown)
		}
	})
	t.Run("no question beside JSON", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
		exit, shown := atTerminal(t, p, "auth", "--add", "--feature", "main_app", "--json").end(t)
		if exit != 2 || !strings.HasPrefix(shown, `{"error":`) || !strings.Contains(shown, "--username") {
			t.Errorf("status %d, shown %q", exit, shown)
		}
	})
}
