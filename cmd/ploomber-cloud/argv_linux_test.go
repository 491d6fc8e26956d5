package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// standIn plays every program that commands start. It writes down its arguments before it does anything.
const standIn = `
name=${0##*/}
{ printf '%s' "$name"; for a in "$@"; do printf ' <%s>' "$a"; done; echo; } >> "$STAND_IN_LOG"
serve() {
	for a in "$@"; do
		case "$a" in 127.0.0.1:*) port=${a#127.0.0.1:}; port=${port%:80};; esac
	done
	exec "$STAND_IN_PYTHON" -m http.server --bind 127.0.0.1 --directory "$STAND_IN_EMPTY" "$port"
}
case "$name $*" in
"python3 -I -W ignore "*) exec "$STAND_IN_PYTHON" "$@" ;; # the reader of requirements
"uv venv "*)
	for venv in "$@"; do :; done
	mkdir -p "$venv/bin" && ln -s "$0" "$venv/bin/python" && ln -s "$0" "$venv/bin/gunicorn" ;;
"uv pip compile "*)
	while [ "$1" != --output-file ]; do shift; done
	printf '%s==1.0 --hash=sha256:%064d\n' flask 0 gunicorn 0 > "$2" ;;
"gunicorn "*|"docker run "*) serve "$@" ;;
*--version*) echo "$name 1.0" ;;
"git "*rev-parse*) echo true ;;
esac
`

// standInEnviron makes the programs that p's commands find stand-ins, which write to the file log.
func (p *place) standInEnviron(t *testing.T, log string) []string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		unavailable(t, "python3", err)
	}
	bin, empty := filepath.Join(p.root, "bin"), filepath.Join(p.root, "empty")
	for _, dir := range []string{bin, empty} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// An app does not get the variables of the command, so they are in the file.
	text := fmt.Sprintf("#!/bin/sh\nSTAND_IN_LOG='%s' STAND_IN_PYTHON='%s' STAND_IN_EMPTY='%s'\n", log, python, empty) + standIn
	for _, name := range []string{"uv", "python3", "docker", "git", "xdg-open"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return append(p.environ, "PATH="+bin+":"+os.Getenv("PATH"),
		"DISPLAY=:99", "NO_PROXY=127.0.0.1,localhost", "HTTPS_PROXY=http://ana:CANARY_proxy@127.0.0.1:1",
		"UV_INDEX_URL=https://ana:CANARY_index@127.0.0.1:1/simple", "PIP_INDEX_URL=https://ana:CANARY_index@127.0.0.1:1/simple")
}

// TestArgumentsOfOtherPrograms runs the commands that start programs, with secrets in every place where people have
// them, and reads the arguments of all that they start: those of short programs from the stand-ins, those of what
// runs on from the system, as every user of the machine can.
func TestArgumentsOfOtherPrograms(t *testing.T) {
	t.Parallel()
	const (
		env  = "username_main_app=ana\npassword_main_app=CANARY_password\nDB_URL='postgres://ana:CANARY_db@db/x'\nTOKEN=\"CANARY\n_two lines\"\n"
		oidc = "AUTH_CLIENT_ID=id\nAUTH_CLIENT_SECRET=CANARY_client_secret\nAUTH_SECRET=CANARY_q8Zr2Lx0vT5nWm3KcY7dHs1JpB6f\n" +
			"AUTH_ISSUER_BASE_URL=https://127.0.0.1:1\nTOKEN=CANARY_token\n"
		index = "--extra-index-url https://ana:CANARY_index@127.0.0.1:1/simple\nflask\n"
	)
	python := map[string]string{"ploomber-cloud.json": `{"id": "my-app", "type": "flask"}`, "app.py": "import flask\n", "requirements.txt": index, ".env": env}
	container := map[string]string{"ploomber-cloud.json": `{"id": "my-app", "type": "docker"}`, "Dockerfile": "FROM x\n", ".env": oidc}
	for name, tc := range map[string]struct {
		files  map[string]string
		args   []string
		serves bool     // until it is interrupted
		starts []string // beginnings of lines that the stand-ins must have written
	}{
		"up with Python":      {python, []string{"up", "--json", "--no-input", "--open"}, true, []string{"python3 ", "uv <venv>", "uv <pip>", "gunicorn ", "xdg-open "}},
		"up with a container": {container, []string{"up", "--json", "--no-input"}, true, []string{"docker <info>", "docker <build>", "docker <run>"}},
		"up, with the provider": {
			python, []string{"up", "--json", "--no-input", "--dev-login"}, true, []string{"gunicorn "},
		},
		"demo":                    {nil, []string{"demo", "--json", "--example", "flask/basic-app"}, true, []string{"uv <pip>", "gunicorn "}},
		"demo, with the provider": {nil, []string{"demo", "--json", "--example", "flask/app-with-auth0"}, true, []string{"gunicorn "}},
		"doctor":                  {python, []string{"doctor"}, false, []string{"git <-c>", "python3 <--version>"}},
		"doctor with a container": {container, []string{"doctor"}, false, []string{"docker <--version>"}},
		"open":                    {python, []string{"open"}, false, []string{"xdg-open "}},
		"deploy":                  {python, []string{"deploy"}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, tc.files)
			log := filepath.Join(p.root, "arguments")
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // many things run on this machine
			defer cancel()
			c := exec.CommandContext(ctx, builds.Path(t), tc.args...)
			c.Dir, c.Env, c.WaitDelay = p.app, p.standInEnviron(t, log), 10*time.Second
			secrets := []string{"CANARY"}
			said := &output.Buffer{}
			c.Stderr = said
			if !tc.serves {
				_ = c.Run() // doctor finds problems, which do not matter here
			} else {
				secrets = append(secrets, served(t, p, c, said, secrets)...)
			}
			text, err := os.ReadFile(log)
			if err != nil && len(tc.starts) > 0 {
				t.Fatalf("%v\n%s", err, said.String())
			}
			for _, secret := range secrets {
				if strings.Contains(string(text), secret) {
					t.Errorf("%q is in the arguments:\n%s", secret, text)
				}
			}
			for _, start := range tc.starts {
				if !strings.Contains("\n"+string(text), "\n"+start) {
					t.Errorf("no program was started as %q:\n%s\n%s", start, text, said.String())
				}
			}
		})
	}
}

// served runs c until it says where it serves, looks at the arguments of all that runs then, and interrupts it. It
// returns the secrets that c has made.
func served(t *testing.T, p *place, c *exec.Cmd, said *output.Buffer, secrets []string) (made []string) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var result struct {
		URL      string `json:"url"`
		Password string `json:"password"`
	}
	decodeErr := json.NewDecoder(out).Decode(&result)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if result.Password != "" {
		made = append(made, result.Password)
	}
	running := runningIn(t, p.root)
	_ = c.Process.Signal(syscall.SIGINT)
	if exit := status(t, c.Wait()); decodeErr != nil || result.URL == "" || exit != 130 {
		t.Fatalf("%v, status %d\n%s", decodeErr, exit, said.String())
	}
	least := 3 // the command, the app, and what ends the app if the command is killed
	if c.Args[1] == "demo" {
		least = 2 // apps on a platform outlive it
	}
	if len(running) < least {
		t.Errorf("only %d programs were running: %q", len(running), running)
	}
	for _, line := range running {
		for _, secret := range append(secrets, made...) {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in the arguments of a program that runs: %s", secret, line)
			}
		}
	}
	return made
}

// runningIn returns the command lines of the processes whose environment names a folder.
func runningIn(t *testing.T, dir string) (lines []string) {
	t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range environs {
		environ, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(environ, []byte(dir)) {
			continue // gone, or another user's
		}
		if line, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline")); err == nil {
			lines = append(lines, strings.TrimRight(strings.ReplaceAll(string(line), "\x00", " "), " "))
		}
	}
	return lines
}
