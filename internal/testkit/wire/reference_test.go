package wire

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// described are the cases that the reference tool is run on: every group, and some where it must fail.
// PLOOMBER_TEST_WIRE_ALL=1 runs it on all of them, which takes minutes.
func described() []string {
	return []string{
		"key/new", "init-infer/infer-streamlit", "init-existing/existing-download", "init-existing/existing-null-labels",
		"auth-add/add", "auth-add/add-keeps-env", "auth-add/add-special-2", "auth-refused/tier-refused",
		"templates/vllm-2", "examples/name", "labels/both", "resources/choose-3", "github/adds-secrets", "deploy/everything",
		"deploy-archive/include-over-ignore-2", "deploy-archive/env-shipped", "deploy-watch/watch-fails-2", "flow/auth-deploy",
	}
}

// The cases describe the reference tool: it passes each of them, but for those that name a defect of its own,
// which it must fail.
func TestReferenceTool(t *testing.T) {
	t.Parallel()
	tool := reference(t)
	run := 0
	for _, c := range load(t) {
		if !slices.Contains(described(), c.Group+"/"+c.Name) && os.Getenv("PLOOMBER_TEST_WIRE_ALL") == "" {
			continue
		}
		run++
		t.Run(c.Group+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			found, err := PlayReference(t.Context(), tool, &c, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			departs := slices.ContainsFunc(c.Steps, func(s Step) bool { return len(s.Departs) > 0 })
			switch {
			case departs && len(found) == 0:
				t.Error("the case names a defect that the tool does not show")
			case !departs && len(found) > 0:
				t.Error(strings.Join(found, "\n"))
			}
		})
	}
	if run < len(described()) {
		t.Errorf("only %d of the %d listed cases are there", run, len(described()))
	}
}

// reference is the Python tool, made to talk to the scripted server.
func reference(t *testing.T) Program {
	t.Helper()
	python := os.Getenv("PLOOMBER_TEST_PYTHON")
	tool := filepath.Join(filepath.Dir(python), "ploomber-cloud")
	if _, err := os.Stat(tool); python == "" || err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatalf("PLOOMBER_TEST_PYTHON=%q must name a Python beside the reference tool", python)
		}
		t.Skip("PLOOMBER_TEST_PYTHON does not name a Python beside the reference tool")
	}
	hook := t.TempDir()
	if err := os.WriteFile(filepath.Join(hook, "sitecustomize.py"), []byte(ReferenceHook), 0o600); err != nil {
		t.Fatal(err)
	}
	return Program{
		Path: tool, Env: []string{"PYTHONPATH=" + hook, "PYTHONDONTWRITEBYTECODE=1"}, Environ: os.Environ(), Now: time.Now,
	}
}

func load(t *testing.T) []Case {
	t.Helper()
	cases, err := Load(os.DirFS(filepath.FromSlash("../../../testdata/wire")))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}
