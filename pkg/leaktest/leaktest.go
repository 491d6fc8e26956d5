// Package leaktest detects goroutines that the tests of a package leave behind. It knows nothing about the tests.
package leaktest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long ending goroutines may take on a busy machine. goleak itself waits for less than half a
// second.
const patience = time.Minute

// Main runs the tests of a package and exits, with a failure if goroutines are left after them.
func Main(m *testing.M) {
	goleak.VerifyTestMain(settling{m, func() error { return goleak.Find() }})
}

// settling are tests that take until their goroutines have ended.
type settling struct {
	goleak.TestingM
	find func() error // names the goroutines that there are, after a while
}

func (s settling) Run() int {
	code, start := s.TestingM.Run(), time.Now()
	for code == 0 && s.find() != nil && time.Since(start) < patience {
	}
	return code
}
