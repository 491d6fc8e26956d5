package authproxy

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// forwarded finds out where the visitor is and how it came, and returns what the app is told of it. What the
// peer says counts only where the peer is listed; of a chain of addresses the last that is not listed counts.
func (pol *policy) forwarded(r *http.Request, x *exchange) (proto, chain string) {
	peer := peerAddr(r)
	x.client, x.host = peer, r.Host
	// Over HTTP/2 net/http fills in r.TLS only where the client writes "https" for :scheme, which says nothing about the
	// connection (RFC 9113, section 8.3.1).
	secure := r.TLS != nil || x.connection != nil && x.connection.secure
	if secure {
		x.scheme = "https"
	}
	x.https = secure || pol.config.BaseURL != nil && pol.config.BaseURL.Scheme == "https"
	chain = "unknown"
	if peer.IsValid() {
		chain = peer.String()
	}
	if pol.trusts(peer) {
		said := forwardingOf(r.Header)
		for _, hop := range slices.Backward(said.chain) {
			addr, ok := parseHop(strings.TrimSpace(hop))
			if !ok {
				break
			}
			x.client = addr.Unmap().WithZone("")
			chain = x.client.String() + ", " + chain
			if !pol.trusts(x.client) {
				break
			}
		}
		x.believe(said)
	}
	if x.https {
		return "https", chain
	}
	return "http", chain
}

// parseHop reads an address of a chain, which some proxies write with a port, and with brackets then.
func parseHop(hop string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(hop); err == nil {
		return addr, true
	}
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr(), true
	}
	bare, opened := strings.CutPrefix(hop, "[")
	bare, closed := strings.CutSuffix(bare, "]")
	addr, err := netip.ParseAddr(bare)
	return addr, opened && closed && err == nil && addr.Is6()
}

// forwarding is what a proxy in front says of a request.
type forwarding struct {
	chain       []string // addresses, that of the client first
	proto, host string   // as the outermost proxy saw them; empty where nothing says so
}

// forwardingOf reads X-Forwarded-For, -Proto and -Host. Only where none of the three is there Forwarded counts (RFC
// 7239): proxies that write them leave that one as the client has sent it.
func forwardingOf(h http.Header) (f forwarding) {
	chain, proto, host := h["X-Forwarded-For"], h["X-Forwarded-Proto"], h["X-Forwarded-Host"]
	if chain == nil && proto == nil && host == nil {
		return parseForwarded(strings.Join(h["Forwarded"], ","))
	}
	f.chain = strings.Split(strings.Join(chain, ","), ",")
	f.proto, f.host = outermost(proto), outermost(host)
	return f
}

// outermost returns the first item of a header's list; empty where the header is there twice, since one of the two may
// be the client's.
func outermost(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	first, _, _ := strings.Cut(lines[0], ",")
	return strings.TrimSpace(first)
}

// parseForwarded reads the elements of a Forwarded header up to the first that is malformed.
func parseForwarded(list string) (f forwarding) {
	first := true
	for list != "" {
		element := map[string]string{}
		for more := true; more; {
			var name, value string
			var ok bool
			if name, value, list, ok = cutParameter(list); !ok {
				return f
			}
			element[strings.ToLower(name)] = value
			list, more = strings.CutPrefix(list, ";")
		}
		if first {
			f.proto, f.host, first = element["proto"], element["host"], false
		}
		f.chain = append(f.chain, element["for"])
		var another bool
		if list, another = strings.CutPrefix(strings.TrimLeft(list, " \t"), ","); !another {
			return f
		}
	}
	return f
}

// cutParameter takes name=value, or name="value", off the front of a list.
func cutParameter(list string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(strings.TrimLeft(list, " \t"), "=")
	if !ok {
		return "", "", "", false
	}
	quoted, isQuoted := strings.CutPrefix(rest, `"`)
	if !isQuoted {
		end := strings.IndexAny(rest, ";, \t")
		if end < 0 {
			end = len(rest)
		}
		return name, rest[:end], rest[end:], true
	}
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch c := quoted[i]; {
		case c == '"':
			return name, b.String(), quoted[i+1:], true
		case c == '\\' && i+1 < len(quoted):
			i++
			b.WriteByte(quoted[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}

// believe takes over what a trusted proxy says of the address that the client asked for. Traefik names the protocol of
// a WebSocket.
func (x *exchange) believe(said forwarding) {
	switch strings.ToLower(said.proto) {
	case "https", "wss":
		x.https, x.scheme = true, "https"
	case "http", "ws":
		x.scheme = "http"
	}
	if said.host != "" && target.ValidHost(said.host) {
		x.host = said.host
	}
}

func (pol *policy) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(pol.config.TrustedProxies, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// peerAddr returns the address at the other end of the connection; the zero Addr where it is no IP address.
func peerAddr(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}
