package main_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// place is a project, a home and a platform for tests that need more of the system than a script has.
type place struct {
	root, app string
	cloud     *fakecloud.Cloud
	environ   []string
}

// patience is how long a command may take before it is killed.
const patience = 3 * time.Minute

// myProject is a project that the platform of a place knows.
const myProject = `{"id": "my-app", "type": "streamlit"}`

func newPlace(t *testing.T, files map[string]string) *place {
	t.Helper()
	root := t.TempDir()
	p := &place{root: root, app: filepath.Join(root, "app"), cloud: fakecloud.Start("CANARY_api_key")}
	t.Cleanup(p.cloud.Close)
	p.cloud.AddProject(fakecloud.Project{ID: "my-app", Type: "streamlit", Jobs: []string{"job-0"}})
	for _, dir := range []string{"app", "home", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		p.write(t, name, text)
	}
	p.environ = append(p.cloud.Environ(), "HOME="+filepath.Join(root, "home"), "USERPROFILE="+filepath.Join(root, "home"),
		"TMPDIR="+filepath.Join(root, "tmp"), "PATH="+os.Getenv("PATH"), "TERM=dumb")
	return p
}

func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.app, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command is the program, which is killed where a test hangs.
func (p *place) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, builds.Path(t), args...)
	c.Dir, c.Env, c.WaitDelay = p.app, p.environ, 2*time.Second
	return c
}

// run lets the program end and returns its exit status and what it said.
func (p *place) run(t *testing.T, stdin string, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	c := p.command(t, args...)
	c.Stdin = strings.NewReader(stdin)
	return finish(t, c)
}

func finish(t *testing.T, c *exec.Cmd) (exit int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &out
	}
	if c.Stderr == nil {
		c.Stderr = &errs
	}
	return status(t, c.Run()), out.String(), errs.String()
}

func status(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}

// readTree reads every file below a folder, by its path there.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path) // path is below dir
		files[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// noiseText does not get smaller in an archive.
func noiseText(size int) string {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return string(b)
}

// unchanged fails the test where a file is not what it was.
func unchanged(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, text := range after {
		if old, was := before[name]; !was || old != text {
			t.Errorf("%s has changed (there before: %v)", name, was)
		}
	}
	for name := range before {
		if _, is := after[name]; !is {
			t.Errorf("%s is gone", name)
		}
	}
}

// fit fails the test where output is not fit for a user: a secret, a crash, more than one error.
func fit(t *testing.T, stdout, stderr string) {
	t.Helper()
	for _, bad := range []string{"CANARY", "panic:", "goroutine ", "runtime error", "%!"} {
		if strings.Contains(stdout+stderr, bad) {
			t.Errorf("the output has %q", bad)
		}
	}
	if n := strings.Count("\n"+stderr, "\nError: "); n > 1 {
		t.Errorf("%d errors", n)
	}
}
