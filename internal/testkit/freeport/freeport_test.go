package freeport

import (
	"net"
	"testing"
)

func TestPortsAreTakenOnce(t *testing.T) {
	t.Parallel()
	taken := map[int]bool{}
	for range 200 {
		port := For(t)
		if taken[port] || port < first || port >= after {
			t.Errorf("port %d", port)
		}
		taken[port] = true
	}
	l, err := net.Listen("tcp", Address(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
