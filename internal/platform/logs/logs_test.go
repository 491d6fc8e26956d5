package logs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const deployment = "abcdefghijklmnopqrstuvwxyz"

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// at returns a clock that stands still.
func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func texts(lines []Line) (all []string) {
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}

// read returns the lines of a log, which must be in order.
func read(t *testing.T, l *Log, since time.Time, limit int) []Line {
	t.Helper()
	lines, err := l.Read(since, limit)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("lines are not in order: %v", lines)
	}
	return lines
}

func TestAppendAndRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := noon
	l := New(dir, func() time.Time { return now }).Build(deployment)
	if lines := read(t, l, time.Time{}, 0); lines != nil {
		t.Errorf("a new log holds %v", lines)
	}
	if err := l.Append("one", "two\nthree"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(-time.Hour) // the clock was set back
	if _, err := l.Write([]byte("four\n")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	if err := l.Append("five"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, deployment, "build.log"))
	const want = "2026-11-30T12:00:00.000000Z one\n2026-11-30T12:00:00.000001Z two\n2026-11-30T12:00:00.000002Z three\n" +
		"2026-11-30T12:00:00.000003Z four\n2026-11-30T13:00:00.000000Z five\n"
	if err != nil || string(data) != want {
		t.Errorf("%v, the file holds\n%swant\n%s", err, data, want)
	}
	for _, l := range []*Log{l, New(dir, at(noon)).Build(deployment)} { // the second is that of the next process
		for name, tc := range map[string]struct {
			since time.Time
			limit int
			want  string
		}{
			"all":               {want: "one two three four five"},
			"the last two":      {limit: 2, want: "four five"},
			"after a line":      {since: noon.Add(time.Microsecond), want: "three four five"},
			"after, the last":   {since: noon, limit: 1, want: "five"},
			"after the last":    {since: noon.Add(time.Hour)},
			"before, with room": {limit: 9, want: "one two three four five"},
		} {
			if got := strings.Join(texts(read(t, l, tc.since, tc.limit)), " "); got != tc.want {
				t.Errorf("%s: %q, want %q", name, got, tc.want)
			}
		}
		if tail, err := l.Tail(1); err != nil || len(tail) != 1 || tail[0].String() != "2026-11-30T13:00:00.000000Z five" {
			t.Errorf("tail %v, %v", tail, err)
		}
		if tail, err := l.Tail(0); err != nil || tail != nil {
			t.Errorf("tail of none: %v, %v", tail, err)
		}
	}
	next := New(dir, at(noon)).Build(deployment)
	if err := next.Append("six"); err != nil {
		t.Fatal(err)
	}
	if last := read(t, next, noon.Add(time.Hour), 0); len(last) != 1 || !last[0].Time.After(noon.Add(time.Hour)) {
		t.Errorf("after a restart with an earlier clock: %v", last)
	}
}

func TestHostileLines(t *testing.T) {
	t.Parallel()
	l := New(t.TempDir(), at(noon)).App(deployment)
	long := strings.Repeat("ä", maxLine)
	hostile := []string{"\x1b[2J\x1b]0;title\x07red", "2020-01-01T00:00:00.000000Z forged", "a\r\nb\rc", "\xff\x00\u202e", "", long}
	if err := l.Append(hostile...); err != nil {
		t.Fatal(err)
	}
	got := texts(read(t, l, time.Time{}, 0))
	want := []string{"red", "2020-01-01T00:00:00.000000Z forged", "a", "c", "\ufffd", "", long[:maxLine] + cutMark}
	if !slices.Equal(got, want) {
		t.Errorf("lines %.60q, want %.60q", got, want)
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := New(dir, at(noon))
	logs.partSize = 10_000
	l := logs.App(deployment)
	for n := range 2000 {
		if err := l.Append(fmt.Sprintf("line %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	lines := read(t, l, time.Time{}, 0)
	if last := lines[len(lines)-1].Text; last != "line 1999" || len(lines) < 300 || len(lines) > 600 {
		t.Errorf("%d lines, the last is %q", len(lines), last)
	}
	for i, line := range lines {
		if want := fmt.Sprintf("line %d", 2000-len(lines)+i); line.Text != want {
			t.Fatalf("line %d is %q, want %q", i, line.Text, want)
		}
	}
	if again := read(t, New(dir, at(noon)).App(deployment), lines[0].Time, 0); len(again) != len(lines)-1 {
		t.Errorf("after a restart there are %d lines, want %d", len(again), len(lines)-1)
	}
	var size int64
	for _, path := range []string{l.newer(), l.older()} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 2*logs.partSize {
		t.Errorf("%d bytes", size)
	}
}

// A line that was not written to its end, as when the disk got full at a crash, does not spoil the next one.
func TestTornLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"in the middle":  {"2026-11-30T12:00:00.000000Z one\n2026-11-30T12:00:00.0000", "one"},
		"the first":      {"2026-11", ""},
		"without a time": {"noise\n2026-11-30T12:00:00.000000Z one\nnoise\n", "one"},
	} {
		dir := t.TempDir()
		l := New(dir, at(noon)).App(deployment)
		if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(l.newer(), []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := l.Append("next"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(texts(read(t, l, time.Time{}, 0)), " "); got != strings.TrimSpace(tc.want+" next") {
			t.Errorf("%s: lines %q", name, got)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	l := New(t.TempDir(), at(noon)).App(deployment)
	if err := l.Append("old", "new"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := l.Watch(ctx, noon)
	if got := (<-lines).Text; got != "new" {
		t.Errorf("first %q", got)
	}
	go func() {
		for n := range 100 {
			if err := l.Append(fmt.Sprint(n)); err != nil {
				t.Error(err)
			}
		}
	}()
	for n := range 100 {
		if got := (<-lines).Text; got != fmt.Sprint(n) {
			t.Fatalf("%q, want %d", got, n)
		}
	}
	cancel()
	if line, open := <-lines; open {
		t.Errorf("after the end: %v", line)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	logs := New(t.TempDir(), at(noon))
	if err := logs.App(deployment).Append("one"); err != nil {
		t.Fatal(err)
	}
	if err := logs.Remove(deployment); err != nil {
		t.Fatal(err)
	}
	if lines := read(t, logs.App(deployment), time.Time{}, 0); len(lines) > 0 {
		t.Errorf("left %v", lines)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("2026-11-30T12:00:00.000000Z one\n2026-11-30T12:00:00.000001Z two\n"), 1)
	f.Add([]byte("\n\n2026-11-30T12:00:00.000000Z"), 0)
	f.Fuzz(func(t *testing.T, content []byte, limit int) {
		l := New(t.TempDir(), at(noon)).App(deployment)
		if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(l.newer(), content, 0o600); err != nil {
			t.Fatal(err)
		}
		var want []string // of a reader from the front
		if at := strings.LastIndexByte(string(content), '\n'); at >= 0 {
			for _, line := range strings.Split(string(content[:at]), "\n") {
				if parsed, ok := parseLine(line); ok {
					want = append(want, parsed.Text)
				}
			}
		}
		lines, err := l.Read(time.Time{}, max(limit, 0))
		if err != nil {
			t.Fatal(err)
		}
		if limit > 0 {
			want = want[max(0, len(want)-limit):]
		}
		if got := texts(lines); !slices.Equal(got, want) {
			t.Errorf("read %q of %q, want %q", got, content, want)
		}
	})
}
