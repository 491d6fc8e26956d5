package proxycmd

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// resolveTimeout limits the lookup of a host name, which may resolve to an address of this machine.
const resolveTimeout = 2 * time.Second

// endpoint is a listening address as far as it is known before listening.
type endpoint struct {
	flag string
	host string // as typed; empty for all interfaces
	port int    // 0 for a free one
}

// checkAddresses rejects invalid addresses, listeners that conflict with each other, and an upstream that is the
// proxy itself, which would loop forever.
func (o *Options) checkAddresses(ctx context.Context, wrong *mistakes) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	var ends []endpoint
	add := func(flag, address string) {
		if e, ok := parseEndpoint(flag, address); ok {
			ends = append(ends, e)
		} else {
			wrong.addf(o.named(flag), "must be HOST:PORT or :PORT, such as 127.0.0.1:8080")
		}
	}
	add("listen", o.Listen)
	if o.PrivateListen != "" {
		add("private-listen", o.PrivateListen)
	}
	if len(ends) == 2 && o.overlap(ctx, ends[0], ends[1]) {
		wrong.addf(o.named("private-listen"), "is the same address as %s", o.named("listen"))
	}
	app, ok := o.checkUpstream(wrong)
	if !ok {
		return
	}
	for _, e := range ends {
		if app.port == e.port && o.reaches(ctx, app.host, e) {
			wrong.addf(o.named("upstream"), "is the proxy itself: %s listens there", o.named(e.flag))
			break
		}
	}
}

// checkUpstream returns the app's address. It may be missing if nothing is served.
func (o *Options) checkUpstream(wrong *mistakes) (app endpoint, ok bool) {
	name := o.named("upstream")
	if o.Upstream == "" {
		if !o.Check && !o.PrintConfig {
			wrong.addf(name, "is required: the app's address, such as http://127.0.0.1:8501")
		}
		return endpoint{}, false
	}
	target, err := upstream.ParseTarget(o.Upstream)
	if err == nil && target.Socket != "" {
		if info, err := os.Stat(target.Socket); err == nil && info.Mode()&os.ModeSocket == 0 {
			wrong.addf(name, "%s is not a socket", target.Socket)
		}
		return endpoint{}, false // cannot be one of our TCP listeners
	}
	u, urlErr := url.Parse(o.Upstream)
	if err != nil || urlErr != nil { // without the value, which may contain a password
		wrong.addf(name, "must be http://HOST:PORT, https://HOST:PORT or unix:PATH")
		return endpoint{}, false
	}
	_, text, _ := net.SplitHostPort(target.Address)
	port, err := net.LookupPort("tcp", text)
	if err != nil || port < 1 || u.Port() != "" && !digits(u.Port()) {
		wrong.addf(name, "has an invalid port: must be from 1 to 65535")
		return endpoint{}, false
	}
	return endpoint{flag: "upstream", host: target.Host, port: port}, true
}

// missingSocket warns if the app's socket does not exist: the app may create it later, or somewhere else.
func (o *Options) missingSocket(warn func(string)) {
	target, err := upstream.ParseTarget(o.Upstream)
	if err != nil || target.Socket == "" || strings.HasPrefix(target.Socket, "@") {
		return
	}
	if _, err := os.Stat(target.Socket); err != nil {
		warn(fmt.Sprintf("%s: socket not found (%v); the app must create it, and this process must be allowed to open it", o.named("upstream"), err))
	}
}

func parseEndpoint(flag, address string) (endpoint, bool) {
	host, text, err := net.SplitHostPort(address)
	if err != nil || !digits(text) {
		return endpoint{}, false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return endpoint{}, false
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		if u, err := url.Parse("http://" + host); err != nil || u.Host != host {
			return endpoint{}, false
		}
	}
	return endpoint{flag: flag, host: host, port: int(port)}, true
}

// readable reports whether logins travel unencrypted between machines: the listener is not on loopback, has no
// certificate, and AUTH_BASE_URL names no TLS terminator in front of it.
func (o *Options) readable(ctx context.Context, p *plan) bool {
	e, ok := parseEndpoint("listen", o.Listen)
	if !ok || p.certificate != nil || p.login.BaseURL != nil && p.login.BaseURL.Scheme == "https" ||
		!slices.ContainsFunc(p.login.Rules(), func(r config.Rule) bool { return !r.Open }) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	return slices.ContainsFunc(o.addresses(ctx, e.host), func(a netip.Addr) bool { return !a.IsLoopback() })
}

func digits(text string) bool {
	_, err := strconv.ParseUint(text, 10, 32)
	return err == nil && text[0] != '+'
}

// overlap reports whether two listeners use the same port of the same address.
func (o *Options) overlap(ctx context.Context, a, b endpoint) bool {
	if a.port != b.port || a.port == 0 {
		return false
	}
	for _, x := range o.addresses(ctx, a.host) {
		for _, y := range o.addresses(ctx, b.host) {
			if x == y || x.IsUnspecified() || y.IsUnspecified() {
				return true
			}
		}
	}
	return false
}

// reaches reports whether a connection to host arrives at e, given that the port matches.
func (o *Options) reaches(ctx context.Context, host string, e endpoint) bool {
	own, _ := o.Machine.Addresses() // an unknown address is no reason to refuse
	mine := func(a netip.Addr) bool {
		if a.IsLoopback() || a.IsUnspecified() {
			return true
		}
		for _, b := range own {
			if a == b {
				return true
			}
		}
		return false
	}
	for _, to := range o.addresses(ctx, host) {
		for _, at := range o.addresses(ctx, e.host) {
			switch {
			case at.IsUnspecified() && mine(to), at == to:
				return true
			case to.IsUnspecified() && at.IsLoopback(): // systems route the unspecified address to loopback
				return true
			}
		}
	}
	return false
}

// addresses resolves host; empty if it cannot be resolved, which may work later.
func (o *Options) addresses(ctx context.Context, host string) []netip.Addr {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		return []netip.Addr{netip.IPv6Unspecified()}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap().WithZone("")}
	}
	found, _ := o.Machine.Resolve(ctx, host)
	for i := range found {
		found[i] = found[i].Unmap().WithZone("")
	}
	if len(found) == 0 && host == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	return found
}
