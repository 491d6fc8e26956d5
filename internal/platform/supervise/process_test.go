package supervise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func command(t *testing.T, mode string) platform.Command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return platform.Command{Path: self, Dir: t.TempDir(), Env: append(os.Environ(), modeName+"="+mode)}
}

func TestRun(t *testing.T) {
	t.Parallel()
	c := command(t, "hello")
	var out bytes.Buffer
	c.Output = &out
	if err := Run(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "hello\nworld\n" {
		t.Errorf("output %q", got)
	}
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	err := Run(context.Background(), command(t, "fail"))
	var exit *platform.ExitError
	if !errors.As(err, &exit) || exit.Code != 7 {
		t.Fatalf("error %v, want code 7", err)
	}
	if len(exit.Output) != tailLines || !slices.Contains(exit.Output, "line 24") || slices.Contains(exit.Output, "line 3") {
		t.Errorf("output %q, want the last %d lines", exit.Output, tailLines)
	}
}

func TestRunMissingProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "nothing")
	if err := Run(context.Background(), platform.Command{Path: path}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, path)
	}
}

func TestCleanupRunsHoweverTheCommandEnds(t *testing.T) {
	t.Parallel()
	// Command and clean-up are the same app, which takes a byte off a file and fails while there is one.
	c := command(t, "flaky")
	file := filepath.Join(c.Dir, "crashes")
	if err := os.WriteFile(file, []byte("xxx"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Env = append(c.Env, "CRASHES="+file)
	c.Cleanup = []string{c.Path}
	if err := Run(context.Background(), c); err == nil {
		t.Error("no error: the command did not run")
	}
	if data, _ := os.ReadFile(file); string(data) != "x" {
		t.Errorf("file holds %q, want it shortened by the command and by its clean-up", data)
	}
}

func TestCopyLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine+10)
	var w writes
	var keep tail
	copyLines(&w, &keep, strings.NewReader("one\r\n\ntwo\n"+long+"\nend"), nil)
	want := []string{"one", "", "two", long[:maxLine], long[maxLine:], "end"}
	if !slices.Equal([]string(w), want) {
		t.Errorf("got %d writes, want %d", len(w), len(want))
	}
	if !slices.Equal(keep.last(), want) {
		t.Error("kept other lines than were written")
	}
	for i := range 2 * tailLines {
		keep.add(fmt.Sprint(i))
	}
	if last := keep.last(); len(last) != tailLines || last[0] != fmt.Sprint(tailLines) {
		t.Errorf("kept %q", last)
	}
}

// writes collects single writes, each of which must be a line.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	line, ok := strings.CutSuffix(string(p), "\n")
	if !ok {
		return 0, errors.New("not a line")
	}
	*w = append(*w, line)
	return len(p), nil
}

func TestCopyLinesGoesOnWhenNobodyListens(t *testing.T) {
	t.Parallel()
	var keep tail
	copyLines(failingWriter{}, &keep, strings.NewReader("a\nb\n"), nil)
	if !slices.Equal(keep.last(), []string{"a", "b"}) {
		t.Errorf("kept %q", keep.last())
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("closed") }
