//go:build !linux

package listeners

import (
	"net/netip"
	"testing"
)

// Of skips the test: only Linux tells in files who listens where.
func Of(t testing.TB, _ int) []netip.AddrPort {
	t.Helper()
	t.Skip("needs /proc")
	return nil
}
