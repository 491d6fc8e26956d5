package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"
)

// The tests' own program stands for others: every system has it.
const (
	works = "-test.run=^$"
	fails = "-test.no-such-flag"
)

func TestStartAside(t *testing.T) {
	t.Parallel()
	start := startAside(time.Hour)
	if err := start(t.Context(), os.Args[0], works); err != nil {
		t.Error(err)
	}
	if err := start(t.Context(), os.Args[0], fails); err == nil {
		t.Error("a program that failed counts as started")
	}
	if err := start(t.Context(), "no-such-browser"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := startAside(0)(t.Context(), os.Args[0], works); err != nil { // ended or still there, both are fine
		t.Error(err)
	}
}

func TestRunHere(t *testing.T) {
	t.Parallel()
	e := &env{system: System{Dir: t.TempDir()}}
	if out, status, err := e.runHere(t.Context(), os.Args[0], works); err != nil || status != 0 || out == "" {
		t.Errorf("%v, status %d, printed %q", err, status, out)
	}
	if _, status, err := e.runHere(t.Context(), os.Args[0], fails); err != nil || status != 2 {
		t.Errorf("%v, status %d", err, status)
	}
	if _, _, err := e.runHere(t.Context(), "no-such-tool"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := e.runHere(ctx, os.Args[0], works); err == nil {
		t.Error("a program ran after the end of its time")
	}
}
