package gateway

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestListen(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:0": "http://127.0.0.1:",
		":0":          "http://127.0.0.1:", // not every interface: that has to be asked for
		"localhost:0": "http://localhost:",
		"0.0.0.0:0":   "http://127.0.0.1:",
	} {
		l, err := Listen(context.Background(), address)
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		if got := l.URL().String(); !strings.HasPrefix(got, want) || strings.HasSuffix(got, ":0") {
			t.Errorf("%q: URL %s, want %sPORT", address, got, want)
		}
		ip := l.Addr().(*net.TCPAddr).IP
		if ip.IsLoopback() == (address == "0.0.0.0:0") {
			t.Errorf("%q: listens on %s", address, ip)
		}
		_ = l.Close()
	}
}

func TestListenFails(t *testing.T) {
	t.Parallel()
	taken, err := Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tc := range map[string]struct {
		address string
		cause   error // may be nil
		want    string
	}{
		"taken":      {address: taken.URL().Host, cause: platform.ErrTaken, want: "another program is using " + taken.URL().Host},
		"no port":    {address: "localhost", want: `"localhost" is not host:port`},
		"bad port":   {address: "127.0.0.1:99999", want: "127.0.0.1:99999"},
		"not a host": {address: "192.0.2.1:0", want: "192.0.2.1:0"}, // reserved for documentation, on no machine
	} {
		l, err := Listen(context.Background(), tc.address)
		if err == nil {
			_ = l.Close()
		}
		var problem *platform.Problem
		if !errors.As(err, &problem) || !strings.Contains(err.Error(), tc.want) || tc.cause != nil && !errors.Is(err, tc.cause) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestDefaultAddressMovesOn(t *testing.T) {
	t.Parallel()
	first, err := Listen(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := Listen(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if first.URL().Host == second.URL().Host || second.URL().Hostname() != "127.0.0.1" {
		t.Errorf("%s and %s", first.URL(), second.URL())
	}
}
