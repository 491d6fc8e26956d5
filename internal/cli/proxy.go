package cli

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/ploomber/ploomber-cloud/internal/cli/proxycmd"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// proxy returns the dependencies of the proxy command.
func (e *env) proxy() proxycmd.Options {
	return proxycmd.Options{
		IO: e.io, Folder: e.folder(), Lookup: e.system.Lookup, Environ: e.system.Environ, Now: e.system.Now,
		Random: rand.Reader, Verbose: func() bool { return e.flags.verbose }, Signals: serverSignals,
		Version: e.versionName(), Transport: e.transport, Authorities: e.authorities,
		Machine: proxycmd.Machine{
			Listen:    server.Listen,
			Resolve:   resolve,
			Addresses: interfaceAddresses,
		},
	}
}

// serverSignals delivers the signals that servers react to.
func serverSignals() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func interfaceAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	var found []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			found = append(found, prefix.Addr().Unmap().WithZone(""))
		}
	}
	return found, err
}
