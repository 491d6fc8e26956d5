package term

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWantsColour(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env  string // NAME=value, space between
		tty  bool
		mode Mode
		want bool
	}{
		"terminal":          {tty: true, mode: Auto, want: true},
		"pipe":              {mode: Auto},
		"NO_COLOR":          {env: "NO_COLOR=1", tty: true, mode: Auto},
		"NO_COLOR empty":    {env: "NO_COLOR=", tty: true, mode: Auto, want: true},
		"forced":            {env: "CLICOLOR_FORCE=1", mode: Auto, want: true},
		"forced other":      {env: "FORCE_COLOR=1", mode: Auto, want: true},
		"forced off":        {env: "CLICOLOR_FORCE=0", mode: Auto},
		"NO_COLOR wins":     {env: "NO_COLOR=1 FORCE_COLOR=1", tty: true, mode: Auto},
		"dumb terminal":     {env: "TERM=dumb", tty: true, mode: Auto},
		"never":             {env: "FORCE_COLOR=1", tty: true, mode: Never},
		"always":            {env: "NO_COLOR=1", mode: Always, want: true},
		"terminal, TERM ok": {env: "TERM=xterm", tty: true, mode: Auto, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for _, pair := range strings.Fields(tc.env) {
				k, v, _ := strings.Cut(pair, "=")
				env[k] = v
			}
			lookup := func(k string) (string, bool) { v, ok := env[k]; return v, ok }
			if got := wantsColour(tc.tty, tc.mode, lookup); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestStreamKeepsFailure(t *testing.T) {
	t.Parallel()
	s := NewStream(broken{syscall.ENOSPC})
	s.Printf("lost")
	if !errors.Is(s.Failed(), syscall.ENOSPC) {
		t.Errorf("failure %v", s.Failed())
	}
	s = NewStream(broken{syscall.EPIPE})
	s.Printf("nobody reads")
	if s.Failed() != nil {
		t.Errorf("a closed pipe counts as failure: %v", s.Failed())
	}
}

func TestStylesArePlainOffTerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := NewStream(&b)
	s.Success("done %d", 1)
	s.Warn("careful")
	if got := b.String(); got != "done 1\nWarning: careful\n" {
		t.Errorf("%q", got)
	}
	s.colours = true
	if got := s.Red("x"); !strings.Contains(got, "\x1b[31m") {
		t.Errorf("no colour in %q", got)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := NewStream(&b)
	clock := time.Unix(0, 0)
	p := NewProgress(s, "Uploading", func() time.Time { return clock })
	p.Update(1, 2)
	p.Done()
	if b.Len() > 0 {
		t.Errorf("a pipe was sent %q", b.String())
	}
	s.tty = true
	clock = clock.Add(2 * time.Second)
	p.Update(3_000_000, 12_000_000)
	p.Update(3_000_001, 12_000_000) // too soon to draw again
	p.Done()
	want := "\r\x1b[KUploading 3.0 MB of 12.0 MB (25%), 1.5 MB/s\r\x1b[K"
	if b.String() != want {
		t.Errorf("drew %q, want %q", b.String(), want)
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1500: "1.5 kB", 99_960: "100 kB", 999_600: "1.0 MB", 200e6: "200 MB", 5e15: "5000 TB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}
