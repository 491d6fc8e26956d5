package platform

import "fmt"

// ExitError describes the end of a program that should have succeeded or kept running.
type ExitError struct {
	Code   int      // exit status; -1 if it was ended by a signal
	Signal string   // name of the signal, or ""
	Output []string // the last lines it printed, oldest first
}

func (e *ExitError) Error() string {
	if e.Signal != "" {
		return "ended by signal " + e.Signal
	}
	return fmt.Sprintf("exited with code %d", e.Code)
}
