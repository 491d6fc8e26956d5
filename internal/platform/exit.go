package platform

import "fmt"

// ExitError tells how a program ended that should have succeeded or gone on.
type ExitError struct {
	Code   int      // exit status; -1 where a signal ended it
	Signal string   // name of the signal, or ""
	Output []string // the last lines it printed, oldest first
}

func (e *ExitError) Error() string {
	if e.Signal != "" {
		return "ended by signal " + e.Signal
	}
	return fmt.Sprintf("exited with code %d", e.Code)
}
