package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// app is the output of an app that is never running.
type app struct {
	t    *testing.T
	path string
}

func newApp(t *testing.T, l *Log) app {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(l.Raw()), 0o700); err != nil {
		t.Fatal(err)
	}
	return app{t, l.Raw()}
}

func (a app) print(text string) {
	a.t.Helper()
	file, err := os.OpenFile(a.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

func finish(t *testing.T, f *Follower) {
	t.Helper()
	if err := f.Finish(); err != nil {
		t.Error(err)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := New(dir, time.Now).App(deployment)
	a := newApp(t, l)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := l.Watch(ctx, time.Time{})
	f := l.Follow(func(line string) string { return strings.ReplaceAll(line, "s3cret", "***") })
	a.print("one\ntwo s3c")
	if got := (<-lines).Text; got != "one" {
		t.Errorf("first %q", got)
	}
	a.print("ret\n\x1b[31mthree\x1b[0m\npass\x1b[1ms3cret\n")
	for _, want := range []string{"two ***", "three", "pass***"} {
		if got := (<-lines).Text; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	a.print("begun")
	f.Stop() // the platform ends, the app goes on
	a.print(" and ended\nlast words")

	l = New(dir, time.Now).App(deployment)
	finish(t, l.Follow(nil))
	want := []string{"one", "two ***", "three", "pass***", "begun and ended", "last words"}
	if got := texts(read(t, l, time.Time{}, 0)); !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	if _, err := os.Stat(l.Raw()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the output is still there: %v", err)
	}
	f = l.Follow(nil) // of the app's next run
	a.print("again\n")
	finish(t, f)
	if got := texts(read(t, l, time.Time{}, 1)); !slices.Equal(got, []string{"again"}) {
		t.Errorf("the next run printed %q", got)
	}
}

// What an app printed while nobody followed has the time of that.
func TestTimeOfLinesPrintedMeanwhile(t *testing.T) {
	t.Parallel()
	l := New(t.TempDir(), at(noon)).App(deployment)
	newApp(t, l).print("one\n")
	printed := noon.Add(-time.Hour)
	if err := os.Chtimes(l.Raw(), printed, printed); err != nil {
		t.Fatal(err)
	}
	finish(t, l.Follow(nil))
	if lines := read(t, l, time.Time{}, 0); len(lines) != 1 || !lines[0].Time.Equal(printed) {
		t.Errorf("lines %v", lines)
	}
}

// A process that is killed at any moment of writing neither repeats nor loses lines.
func TestKilledWhileFollowing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // to be repeated
		dir := t.TempDir()
		logs := New(dir, at(noon))
		logs.partSize = 2000
		l := logs.App(deployment)
		a := newApp(t, l)
		var want []string
		for n := range 60 {
			line := fmt.Sprintf("line %d %s", n, strings.Repeat("x", random.IntN(40)))
			want = append(want, line)
			text := line + "\n"
			half := random.IntN(len(text))
			a.print(text[:half]) // perhaps a part of a line is all there is
			if random.IntN(2) == 0 {
				take(t, l)
			}
			a.print(text[half:])
			if random.IntN(3) == 0 {
				want = append(want, "platform")
				if err := errors.Join(takeAll(l), l.Append("platform")); err != nil {
					t.Fatal(err)
				}
			}
			before := l.size
			if random.IntN(2) == 0 {
				take(t, l)
			}
			if random.IntN(3) == 0 { // killed: of the last batch there is all, a part or nothing
				if p := l.written; p.Batch > 0 && l.size >= p.Size+p.Batch && l.size > before {
					if err := os.Truncate(l.newer(), p.Size+random.Int64N(p.Batch+1)); err != nil {
						t.Fatal(err)
					}
				}
				logs = New(dir, at(noon))
				logs.partSize = 2000
				l = logs.App(deployment)
			}
		}
		finish(t, l.Follow(nil))
		got := texts(read(t, l, time.Time{}, 0))
		if len(got) < 20 || !slices.Equal(got, want[len(want)-len(got):]) {
			t.Fatalf("seed %d: lines\n%q\nwant the last of\n%q", seed, got, want)
		}
	}
}

func take(t *testing.T, l *Log) {
	t.Helper()
	if _, err := (&Follower{log: l}).take(false); err != nil {
		t.Fatal(err)
	}
}

func takeAll(l *Log) error {
	for more := true; more; {
		var err error
		if more, err = (&Follower{log: l}).take(false); err != nil {
			return err
		}
	}
	return nil
}

// While the log cannot be written, the output waits.
func TestLogCannotBeWritten(t *testing.T) {
	t.Parallel()
	l := New(t.TempDir(), at(noon)).App(deployment)
	a := newApp(t, l)
	a.print("one\n")
	take(t, l)
	away := l.newer() + ".away"
	if err := errors.Join(os.Rename(l.newer(), away), os.Mkdir(l.newer(), 0o700)); err != nil {
		t.Fatal(err)
	}
	a.print("two\n")
	if _, err := (&Follower{log: l}).take(false); err == nil {
		t.Fatal("a folder was written to: the test proves nothing")
	}
	if err := errors.Join(os.Remove(l.newer()), os.Rename(away, l.newer())); err != nil {
		t.Fatal(err)
	}
	finish(t, l.Follow(nil))
	if got := texts(read(t, l, time.Time{}, 0)); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("lines %q", got)
	}
}

// Neither the log nor what remains of the output grows with what an app prints.
func TestFlood(t *testing.T) {
	t.Parallel()
	logs := New(t.TempDir(), at(noon))
	l := logs.App(deployment)
	a := newApp(t, l)
	line := strings.Repeat("y", 99) + "\n"
	mega := strings.Repeat(line, 10_000)
	for n := range 24 {
		a.print(mega)
		if n >= 18 { // the follower comes late, then keeps up
			if err := takeAll(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.print("the end\n")
	if err := takeAll(l); err != nil {
		t.Fatal(err)
	}
	checkFreed(t, l.Raw(), 4<<20)
	f := &Follower{log: l, quit: make(chan struct{}), done: make(chan struct{})}
	close(f.done)
	finish(t, f)
	lines := read(t, l, time.Time{}, 0)
	if last := lines[len(lines)-1].Text; last != "the end" {
		t.Errorf("the last line is %q", last)
	}
	var kept int
	for _, line := range lines {
		kept += len(line.String()) + 1
		if line.Text != strings.TrimSpace(mega[:100]) && line.Text != "the end" && !strings.HasPrefix(line.Text, "[") {
			t.Fatalf("line %q", line.Text)
		}
	}
	if kept > 2*partSize || kept < partSize {
		t.Errorf("%d bytes are kept", kept)
	}
}

func TestOutputLeftOut(t *testing.T) {
	t.Parallel()
	logs := New(t.TempDir(), at(noon))
	logs.partSize = 1 << 20
	l := logs.App(deployment)
	newApp(t, l).print(strings.Repeat(strings.Repeat("y", 999)+"\n", 5000) + "the end\n")
	take(t, l)
	if first := read(t, l, time.Time{}, 0)[0].Text; first != "[2 MB of output left out: there is more than the log holds]" {
		t.Errorf("the first line is %q", first)
	}
}

// split cuts as a reader of lines does, wherever the pieces of the output begin and end.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), uint64(1))
	f.Add([]byte("\x00\x00a\r\nb"), uint64(2))
	f.Fuzz(func(t *testing.T, output []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // to be repeated
		var got []string
		inside := false
		for begin, end := 0, 0; begin < len(output); {
			end = min(len(output), max(end, begin)+1+random.IntN(8))
			used, lines, in := split(output[begin:end], inside, end == len(output))
			got = append(got, lines...)
			begin, inside = begin+used, in
			if end == len(output) && used == 0 && begin < len(output) {
				t.Fatalf("%q is left over", output[begin:])
			}
		}
		var want []string
		for line := range bytes.Lines(output) {
			want = append(want, strings.TrimLeft(strings.TrimSuffix(string(line), "\n"), "\x00"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is split into %q, want %q", output, got, want)
		}
	})
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	l := New(t.TempDir(), at(noon)).App(deployment)
	a := newApp(t, l)
	a.print("one\n" + strings.Repeat("x", 3*chunk))
	if err := takeAll(l); err != nil {
		t.Fatal(err)
	}
	a.print("x\ntwo\n" + strings.Repeat("z", 2*chunk))
	finish(t, l.Follow(nil))
	want := []string{"one", strings.Repeat("x", maxLine) + cutMark, "two", strings.Repeat("z", maxLine) + cutMark}
	if got := texts(read(t, l, time.Time{}, 0)); !slices.Equal(got, want) {
		t.Errorf("lines %.40q", got)
	}
}
