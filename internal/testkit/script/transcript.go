package script

import (
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// watched is a test that hears every word of its scripts.
type watched struct {
	*testing.T
	p Program
}

// Run implements testscript.T.
func (w watched) Run(name string, f func(testscript.T)) {
	w.T.Run(name, func(t *testing.T) {
		said := &transcript{T: t, tolerant: w.p.Tolerant}
		defer said.judge()
		if !said.tolerant {
			f(said)
			return
		}
		ended := make(chan struct{})
		go func() { // FailNow ends this goroutine and not the test
			defer close(ended)
			f(said)
		}()
		<-ended
	})
}

// Verbose implements testscript.T: the whole log is wanted, whatever the test's own output is to be.
func (watched) Verbose() bool { return true }

// transcript keeps the log of one script.
type transcript struct {
	*testing.T
	tolerant bool
	text     strings.Builder
	secrets  []string // beside canaries, what must not be said
	left     []string // what is wrong with the files that the script left
}

// Verbose implements testscript.T.
func (s *transcript) Verbose() bool { return true }

// Run implements testscript.T, which calls it on the outermost test alone.
func (s *transcript) Run(string, func(testscript.T)) { panic("a script has no scripts") }

// Log implements testscript.T.
func (s *transcript) Log(args ...any) {
	for _, a := range args {
		if text, ok := a.(string); ok {
			s.text.WriteString(text + "\n")
		}
	}
	s.Helper()
	if !s.tolerant {
		s.T.Log(args...)
	}
}

// FailNow implements testscript.T. Where failures do not count, the run that counts them tells about them.
func (s *transcript) FailNow() {
	if s.tolerant {
		runtime.Goexit()
	}
	s.T.FailNow()
}

// done takes what is to be known of the script's files, while they are there.
func (s *transcript) done(end *state) {
	s.secrets = end.secrets()
	s.left = end.inspect(s.secrets)
}

// judge fails the test where the program said or left something it must not.
func (s *transcript) judge() {
	for _, wrong := range append(wrongOutput(s.text.String(), s.secrets), s.left...) {
		s.Error(wrong)
	}
}
