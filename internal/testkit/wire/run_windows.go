package wire

import "os/exec"

// ownGroup does nothing: the command alone is killed.
func ownGroup(*exec.Cmd) {}
