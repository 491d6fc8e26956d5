// Package forwarded finds out the address of a client, and the host and scheme that it asked for, from what reverse proxies in
// front say in headers (X-Forwarded-*, or Forwarded of RFC 7239). Only trusted proxies are believed.
package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// Trusted are the networks of trusted reverse proxies.
type Trusted []netip.Prefix

// Contains reports whether addr is that of a trusted proxy.
func (t Trusted) Contains(addr netip.Addr) bool {
	return slices.ContainsFunc(t, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// Client is what is known of a client.
type Client struct {
	Addr   netip.Addr // the peer's without a trusted proxy in front; zero if that is not an IP address
	HTTPS  bool       // its connection is encrypted
	Host   string     // that it asked for, maybe with a port
	Scheme string     // that it asked for; empty if unknown
	For    string     // value of X-Forwarded-For for the app
}

// Proto is the value of X-Forwarded-Proto for the app.
func (c *Client) Proto() string {
	if c.HTTPS {
		return "https"
	}
	return "http"
}

// Read returns the client of a request. secure says that the request came over TLS, and https that clients use https unless a
// proxy says otherwise. Headers count only if the peer is trusted. Of a chain of addresses the last untrusted one is the
// client's.
func Read(r *http.Request, trusted Trusted, secure, https bool) Client {
	peer := Peer(r)
	c := Client{Addr: peer, Host: r.Host, HTTPS: secure || https, For: "unknown"}
	if secure {
		c.Scheme = "https"
	}
	if peer.IsValid() {
		c.For = peer.String()
	}
	if !trusted.Contains(peer) {
		return c
	}
	said := headersOf(r.Header)
	for _, hop := range slices.Backward(said.chain) {
		addr, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		c.Addr = addr.Unmap().WithZone("")
		c.For = c.Addr.String() + ", " + c.For
		if !trusted.Contains(c.Addr) {
			break
		}
	}
	switch strings.ToLower(said.proto) {
	case "https", "wss": // Traefik names the protocol of a WebSocket
		c.HTTPS, c.Scheme = true, "https"
	case "http", "ws":
		c.Scheme = "http"
	}
	if said.host != "" && target.ValidHost(said.host) {
		c.Host = said.host
	}
	return c
}

// Peer returns the address at the other end of the connection; the zero Addr if that is not an IP address.
func Peer(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// parseHop reads an address of a chain, which some proxies write with a port, and with brackets then.
func parseHop(hop string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(hop); err == nil {
		return addr, true
	}
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr(), true
	}
	bare, left := strings.CutPrefix(hop, "[")
	bare, right := strings.CutSuffix(bare, "]")
	addr, err := netip.ParseAddr(bare)
	return addr, left && right && err == nil && addr.Is6()
}
