// Package logs keeps what builds and apps print: bounded files whose lines begin with the time at which they were printed.
// It does not know who prints or who reads.
package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Bounds of one log. A log file that is full becomes the older of two; the one before it is removed.
const (
	partSize = 5 << 20  // bytes of one of the two files
	maxLine  = 16 << 10 // bytes of a line; the rest is cut off
)

const cutMark = " [cut: the line is longer than 16 KB]"

// Logs are the logs of all deployments, two for each. It is safe for concurrent use.
type Logs struct {
	dir      string
	now      func() time.Time
	partSize int64

	mu   sync.Mutex
	logs map[string]*Log // by path
}

// New returns the logs in dir, which is created when it is needed.
func New(dir string, now func() time.Time) *Logs {
	return &Logs{dir: dir, now: now, partSize: partSize, logs: map[string]*Log{}}
}

// App returns the log of a deployment's app. The ID is one of platform.ValidDeploymentID.
func (l *Logs) App(deployment string) *Log { return l.open(deployment, "app") }

// Build returns the log of a deployment's build.
func (l *Logs) Build(deployment string) *Log { return l.open(deployment, "build") }

func (l *Logs) open(deployment, name string) *Log {
	path := filepath.Join(l.dir, deployment, name)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs[path] == nil {
		l.logs[path] = &Log{path: path, now: l.now, partSize: l.partSize}
	}
	return l.logs[path]
}

// Remove deletes the logs of a deployment, which nobody may be writing or following.
func (l *Logs) Remove(deployment string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range []string{"app", "build"} {
		delete(l.logs, filepath.Join(l.dir, deployment, name))
	}
	return os.RemoveAll(filepath.Join(l.dir, deployment))
}

// Log is one log. No file is open between two calls. It is safe for concurrent use.
type Log struct {
	path     string // without an ending
	now      func() time.Time
	partSize int64

	mu      sync.RWMutex
	loaded  bool
	size    int64         // of the newer file
	last    time.Time     // of the last line
	written position      // of what follows the app's output
	changed chan struct{} // closed at the next line; nil while nobody waits for one
}

func (l *Log) newer() string { return l.path + ".log" }
func (l *Log) older() string { return l.path + ".log.1" }

// Append adds lines, which may hold anything: see platform.PlainLine. A line break within one begins another line.
func (l *Log) Append(lines ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts []string
	for _, line := range lines {
		for part := range strings.Lines(line + "\n") {
			texts = append(texts, clean(part, nil))
		}
	}
	return l.append(texts, l.now(), nil)
}

// Write adds the lines in p, so that a Log can be the output of a command.
func (l *Log) Write(p []byte) (int, error) {
	if err := l.Append(strings.TrimSuffix(string(p), "\n")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// clean returns line as it is kept. edit, unless it is nil, removes secrets before the line is cut.
func clean(line string, edit func(string) string) string {
	line = platform.PlainLine(strings.TrimRight(line, "\r\n"))
	if edit != nil {
		line = edit(line)
	}
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + cutMark
	}
	return line
}

// append adds lines that are clean, printed at the time at, in one write. If next is not nil, it is how far the app's
// output has been read with them. After an error nothing has changed. l.mu is held.
func (l *Log) append(lines []string, at time.Time, next *position) error {
	if err := l.load(); err != nil {
		return err
	}
	if len(lines) == 0 && next == nil {
		return nil
	}
	var batch strings.Builder
	last := l.last
	for _, text := range lines {
		// Readers ask for lines after a time, so no two have the same.
		if last = last.Add(time.Microsecond); at.After(last) {
			last = at.UTC().Truncate(time.Microsecond)
		}
		batch.WriteString(Line{last, text}.String())
		batch.WriteByte('\n')
	}
	if err := l.makeRoom(int64(batch.Len())); err != nil {
		return err
	}
	if next != nil {
		next.Size, next.Batch = l.size, int64(batch.Len())
		if err := next.save(l.path); err != nil {
			return err
		}
	}
	if err := l.write(batch.String()); err != nil {
		if next != nil {
			_ = l.written.save(l.path)
		}
		return err
	}
	l.last = last
	if next != nil {
		l.written = *next
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return nil
}

// makeRoom begins a new file if n more bytes do not fit into the present one.
func (l *Log) makeRoom(n int64) error {
	if l.size == 0 || l.size+n <= l.partSize {
		return nil
	}
	l.written.Batch = 0 // it is in the file that is full
	if err := l.written.save(l.path); err != nil {
		return err
	}
	if err := os.Rename(l.newer(), l.older()); err != nil {
		return fmt.Errorf("begin a new log: %w", err)
	}
	l.size = 0
	return nil
}

// write adds text to the file, or nothing.
func (l *Log) write(text string) error {
	if text == "" {
		return nil
	}
	file, err := os.OpenFile(l.newer(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err != nil {
		_ = file.Truncate(l.size)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	l.size += int64(len(text))
	return nil
}

// load finds out how the log was left when this process begins to use it.
func (l *Log) load() error {
	if l.loaded {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	if info, err := os.Stat(l.newer()); err == nil {
		l.size = info.Size()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	whole, err := wholeLines(l.newer(), l.size)
	if err != nil {
		return err
	}
	var counts int64
	l.written, counts = loadPosition(l.path).resume(l.size)
	if whole = min(whole, counts); whole < l.size {
		if err := os.Truncate(l.newer(), whole); err != nil {
			return err
		}
		l.size = whole
	}
	l.loaded = true
	lines, err := l.read(time.Time{}, 1)
	if err == nil && len(lines) > 0 {
		l.last = lines[0].Time
	}
	return err
}

// Line is a line of a log.
type Line struct {
	Time time.Time // when it was printed, in UTC; later than that of the line before
	Text string
}

// timeFormat is ISO 8601 with microseconds. All times have the same length.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// String returns the line as it is stored, without a line break: the time, a space and the text.
func (l Line) String() string { return l.Time.Format(timeFormat) + " " + l.Text }

// parseLine is the reverse of Line.String; false if s is something else.
func parseLine(s string) (Line, bool) {
	if len(s) <= len(timeFormat) || s[len(timeFormat)] != ' ' {
		return Line{}, false
	}
	at, err := time.Parse(timeFormat, s[:len(timeFormat)])
	if err != nil || !at.After(time.Time{}) {
		return Line{}, false
	}
	return Line{at, s[len(timeFormat)+1:]}, true
}
