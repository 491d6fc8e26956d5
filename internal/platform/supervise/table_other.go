//go:build !linux && !darwin && !windows

package supervise

import (
	"errors"
	"os/exec"
)

// Instances need the table of processes, which is not read on other systems.

type action int

const (
	askToEnd action = iota
	forceEnd
	pause
	resume
)

func startDetached(*exec.Cmd, confinement) error { return errors.ErrUnsupported }
func sendAll([]row, action) error                { return errors.ErrUnsupported }

func bootID() string           { return "" }
func table() []row             { return nil }
func rowOf(int) (row, bool)    { return row{}, false }
func hasMark(int, string) bool { return false }
func privateMemory(int) int64  { return 0 }
