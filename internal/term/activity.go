package term

import (
	"fmt"
	"sync"
	"time"
)

// Activity is one line on a terminal that tells how far a step is and how long it has taken, and nothing elsewhere. It
// stands below what was written before and has to be removed before anything else is.
type Activity struct {
	stream *Stream
	now    func() time.Time

	mu     sync.Mutex
	began  time.Time // zero where no step goes on
	detail string
	drawn  bool
}

// NewActivity prepares a line on s.
func NewActivity(s *Stream, now func() time.Time) *Activity { return &Activity{stream: s, now: now} }

// quietFor is how long a step may take before its line appears.
const quietFor = time.Second

// Begin removes the line of the last step and begins to count the time of another.
func (a *Activity) Begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clear()
	a.began, a.detail = a.now(), ""
}

// Detail says how far the step is.
func (a *Activity) Detail(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.detail = text
}

// Draw brings the line up to date; it is called from time to time.
func (a *Activity) Draw() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began.IsZero() || !a.stream.TTY() || a.stream.quiet {
		return
	}
	elapsed := a.now().Sub(a.began)
	if elapsed < quietFor {
		return
	}
	a.drawn = true
	a.stream.Printf("\r\x1b[K%s", a.stream.Faint(a.line(elapsed)))
}

func (a *Activity) line(elapsed time.Duration) string {
	text := fmt.Sprintf("  %ds", int(elapsed.Seconds()))
	if elapsed >= time.Minute {
		text = fmt.Sprintf("  %dm%02ds", int(elapsed.Minutes()), int(elapsed.Seconds())%60)
	}
	if a.detail != "" {
		text += ", " + a.detail
	}
	if room := []rune(text); len(room) >= a.stream.Width() && a.stream.Width() > 1 {
		text = string(room[:a.stream.Width()-1])
	}
	return text
}

// End removes the line; no other is drawn before the next Begin.
func (a *Activity) End() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clear()
	a.began = time.Time{}
}

func (a *Activity) clear() {
	if a.drawn {
		a.stream.Printf("\r\x1b[K")
		a.drawn = false
	}
}
