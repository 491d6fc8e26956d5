package supervise

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"
)

const (
	tailLines = 20       // shown to the user when a program fails
	keptLines = 400      // looked through for the cause
	maxLine   = 64 << 10 // bytes; longer lines are cut into several
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
