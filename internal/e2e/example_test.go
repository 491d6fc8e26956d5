package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
	"github.com/ploomber/ploomber-cloud/internal/testkit/pyenv"
)

// startExample installs and runs the framework's example with a login until the test ends, and returns its URL.
func startExample(t *testing.T, name string, f framework) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	example, ok := exampleOf(name)
	if !ok {
		t.Fatalf("%s has no example with a login", name)
	}
	if err := example.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	env := frameworkEnvironment(t, name, f)
	port := strconv.Itoa(freeport.For(t))
	var args []string
	for _, arg := range f.run {
		args = append(args, strings.ReplaceAll(arg, "PORT", port))
	}
	said, home := &output.Buffer{}, t.TempDir()
	if env.Dir != "" {
		args[0] = env.Program(args[0])
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, said, said
	cmd.WaitDelay = time.Minute // for the end of processes that it has started, which write into these folders
	cmd.Env = []string{"PATH=" + env.Bin() + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "USERPROFILE=" + home,
		"PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"}
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killGroup(cmd)
		if err := cmd.Wait(); t.Failed() {
			t.Logf("the app ended (%v) and said:\n%s", err, said.String())
		}
	})
	base := "http://127.0.0.1:" + port
	deadline := time.Now().Add(pageLimit)
	for {
		answer, err := http.Get(base + f.ready)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return base
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v\n%s", name, err, said.String())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// frameworkEnvironment returns where the framework's commands are; for R the machine's own path.
func frameworkEnvironment(t *testing.T, name string, f framework) pyenv.Env {
	t.Helper()
	var err error
	var env pyenv.Env
	if f.run[0] == "Rscript" {
		var out []byte
		out, err = exec.Command("Rscript", "-e", "library(shiny); library(bslib)").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("R with shiny and bslib: %w\n%s", err, out)
		}
	} else {
		cache, cacheErr := pyenv.DefaultCache(os.Getenv)
		if cacheErr != nil {
			t.Fatal(cacheErr)
		}
		env, err = cache.Ensure(t.Context(), requirementsOf(t, name)...)
	}
	missing := errors.Is(err, pyenv.ErrNoPython) || f.run[0] == "Rscript"
	if err != nil && missing && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func exampleOf(framework string) (catalog.Example, bool) {
	for _, e := range catalog.Embedded().Examples(framework) {
		if e.Name == "app-with-auth0" {
			return e, true
		}
	}
	return catalog.Example{}, false
}

// requirementsOf returns the requirements files of all examples of a framework, so that the tests of the examples and
// these share one environment.
func requirementsOf(t *testing.T, framework string) (files []string) {
	t.Helper()
	for _, e := range catalog.Embedded().Examples(framework) {
		dir := filepath.Join(t.TempDir(), e.Name)
		if err := e.CopyTo(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, "requirements.txt"))
	}
	return files
}
