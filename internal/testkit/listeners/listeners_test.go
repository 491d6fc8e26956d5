package listeners_test

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/listeners"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for network, address := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Logf("%s: %v", network, err) // a machine without IPv6
			continue
		}
		want := l.Addr().(*net.TCPAddr).AddrPort()
		if got := listeners.Of(t, os.Getpid()); !slices.Contains(got, want) {
			t.Errorf("listening on %v, want %v among them", got, want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := listeners.Of(t, os.Getpid()); slices.Contains(got, want) {
			t.Errorf("listening on %v, want %v not among them any more", got, want)
		}
	}
	// ours is a child of the process that runs the tests
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if got := listeners.Of(t, os.Getppid()); !slices.Contains(got, netip.MustParseAddrPort(l.Addr().String())) {
		t.Errorf("the parent's family listens on %v, want %v among them", got, l.Addr())
	}
}
