package term

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Progress draws a line with the progress of a transfer on a terminal; without a terminal it prints nothing.
type Progress struct {
	stream *Stream
	label  string
	now    func() time.Time

	mu             sync.Mutex
	started, drawn time.Time
	shown          bool
}

// redraw is the minimum interval between updates, so that the display does not slow down a fast transfer.
const redraw = 100 * time.Millisecond

// NewProgress returns a progress line that begins with label.
func NewProgress(s *Stream, label string, now func() time.Time) *Progress {
	return &Progress{stream: s, label: label, now: now, started: now()}
}

// Update draws done of total bytes. It may be called often and from several goroutines.
func (p *Progress) Update(done, total int64) {
	if !p.stream.TTY() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.drawn) < redraw {
		return
	}
	p.drawn, p.shown = now, true
	p.stream.Printf("\r\x1b[K%s", p.line(done, total, now.Sub(p.started), p.stream.Width()))
}

func (p *Progress) line(done, total int64, elapsed time.Duration, width int) string {
	text := fmt.Sprintf("%s %s of %s", p.label, Bytes(done), Bytes(total))
	if total > 0 {
		text += fmt.Sprintf(" (%d%%)", 100*done/total)
	}
	if s := elapsed.Seconds(); s >= 1 {
		text += fmt.Sprintf(", %s/s", Bytes(int64(float64(done)/s)))
	}
	if space := width - 1; len(text) > space && space > 0 {
		return text[:space]
	}
	return text
}

// Done removes the line.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.stream.Printf("\r\x1b[K")
	}
}

// Bytes formats a number of bytes in steps of 1000: "999 B", "1.5 kB", "200 MB".
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), ""
	for _, unit = range strings.Fields("kB MB GB TB") {
		if f /= 1000; f < 999.5 {
			break
		}
	}
	if f < 99.95 {
		return fmt.Sprintf("%.1f %s", f, unit)
	}
	return fmt.Sprintf("%.0f %s", f, unit)
}
