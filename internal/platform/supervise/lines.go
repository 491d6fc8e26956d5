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
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
}

// last returns the kept lines, oldest first.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

// copyLines reads r to its end. Each line goes to w in one Write, with its newline, and into keep. A w that
// fails is not written to again, and reading goes on: a program must not stall because nobody listens.
func copyLines(w io.Writer, keep *tail, r io.Reader) {
	b := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 {
			text := strings.TrimRight(string(line), "\r\n")
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
