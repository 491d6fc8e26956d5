//go:build linux && !amd64

package ptrace

// legacyChange tells the calls that only older architectures have.
func legacyChange(uint64) bool { return false }
