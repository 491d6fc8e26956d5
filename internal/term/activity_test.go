package term

import (
	"bytes"
	"testing"
	"time"
)

func TestActivity(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(0, 0)
	s := NewStream(&out)
	s.tty, s.width = true, func() int { return 30 }
	a := NewActivity(s, func() time.Time { return now })
	shows := func(what, want string) {
		t.Helper()
		a.Draw()
		if got := out.String(); got != want {
			t.Errorf("%s: wrote %q, want %q", what, got, want)
		}
		out.Reset()
	}
	const clear = "\r\x1b[K"
	shows("no step", "")
	a.Begin()
	shows("a step that has just begun", "")
	now = now.Add(2 * time.Second)
	shows("two seconds", clear+"  2s")
	a.Detail("34 packages, 110 MB")
	shows("a detail", clear+"  2s, 34 packages, 110 MB")
	a.Detail("34 packages, 110 MB, a-name-too-long-for-it")
	shows("a detail too long", clear+"  2s, 34 packages, 110 MB, a-")
	a.Begin()
	shows("the next step", clear)
	now = now.Add(61 * time.Second)
	shows("a minute", clear+"  1m01s")
	a.End()
	shows("the end", clear)
	a.End()
	shows("no step any more", "")
}

func TestActivityOffTerminals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Stream){
		"no terminal": func(s *Stream) { s.tty = false },
		"quiet":       func(s *Stream) { s.quiet = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			now := time.Unix(0, 0)
			s := NewStream(&out)
			s.tty = true
			change(s)
			a := NewActivity(s, func() time.Time { now = now.Add(time.Minute); return now })
			a.Begin()
			a.Draw()
			a.End()
			if out.Len() > 0 {
				t.Errorf("wrote %q", out.String())
			}
		})
	}
}
