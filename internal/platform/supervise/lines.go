package supervise

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	tailLines = 20       // shown to the user when a program fails
	keptLines = 400      // looked through for the cause
	maxLine   = 64 << 10 // bytes; longer lines are cut into several
	maxTail   = 64 << 10 // bytes of a file that are looked through
)

// tail keeps the last lines of a stream. It is safe for concurrent use.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 2*keptLines {
		t.lines = append(t.lines[:0], t.lines[keptLines:]...)
	}
	t.lines = append(t.lines, line)
}

// last returns the last few lines, oldest first.
func (t *tail) last() []string { return t.lastOf(tailLines) }

// lastOf returns at most n of the last keptLines lines, oldest first.
func (t *tail) lastOf(n int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines[max(0, len(t.lines)-min(n, keptLines)):]...)
}

// lastLines returns at most n of the last lines of a file, as plain text, oldest first. What is before the offset from is
// not looked at, unless the file has become shorter since.
func lastLines(path string, from int64, n int) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	if from > info.Size() {
		from = 0
	}
	from = max(from, info.Size()-maxTail)
	data, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return nil
	}
	var lines []string
	for line := range strings.Lines(strings.TrimLeft(string(data), "\x00")) { // a reader of the file may have freed its beginning
		lines = append(lines, platform.PlainLine(strings.TrimRight(line, "\r\n")))
	}
	return lines[max(0, len(lines)-n):]
}

// copyLines reads r to its end. Each line, changed by edit unless that is nil, goes to w in one Write, with its newline, and into keep. A w that
// fails is not written to again, and reading goes on: a program must not stall because nobody listens.
func copyLines(w io.Writer, keep *tail, r io.Reader, edit func(string) string) {
	b := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 {
			text := strings.TrimRight(string(line), "\r\n")
			if edit != nil {
				text = edit(text)
			}
			keep.add(text)
			if w != nil {
				if _, err := io.WriteString(w, text+"\n"); err != nil {
					w = nil
				}
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
