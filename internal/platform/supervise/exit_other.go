//go:build !linux

package supervise

func awaitExit(pid int, started uint64, quit <-chan struct{}) bool {
	return pollExit(pid, started, quit)
}
