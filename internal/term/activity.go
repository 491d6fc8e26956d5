package term

import (
	"fmt"
	"sync"
	"time"
)

// Activity is a status line on a terminal that shows the current step, its detail and elapsed time; without a
// terminal it prints nothing. It must be removed before anything else is written.
type Activity struct {
	stream *Stream
	now    func() time.Time

	mu     sync.Mutex
	began  time.Time // zero if no step is in progress
	detail string
	drawn  bool
}

// NewActivity returns a status line on s.
func NewActivity(s *Stream, now func() time.Time) *Activity { return &Activity{stream: s, now: now} }

// quietFor is the delay before a step's line appears.
const quietFor = time.Second

// Begin removes the line of the last step and starts a new step.
func (a *Activity) Begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clear()
	a.began, a.detail = a.now(), ""
}

// Detail sets the detail of the current step.
func (a *Activity) Detail(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.detail = text
}

// Draw updates the line; call it periodically.
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
	if space := []rune(text); len(space) >= a.stream.Width() && a.stream.Width() > 1 {
		text = string(space[:a.stream.Width()-1])
	}
	return text
}

// End removes the line; nothing is drawn until the next Begin.
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
