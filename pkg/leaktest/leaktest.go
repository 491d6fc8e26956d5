// Package leaktest finds goroutines that the tests of a package leave behind. It must not know the tests.
package leaktest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines that are on their way out may take, on a machine that does other things too. goleak
// itself waits for less than half a second.
const patience = time.Minute

// Main runs the tests of a package and ends the process, with a failure if a goroutine goes on after them.
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
