//go:build unix && !linux

package supervise

import (
	"os/exec"
	"strconv"
	"strings"
)

// running reports whether a process is there and no zombie.
func running(pid int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output() // fails where there is no such process
	state := strings.TrimSpace(string(out))
	return state != "" && !strings.HasPrefix(state, "Z")
}
