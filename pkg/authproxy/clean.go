package authproxy

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// cleanHeaders takes away what no client may say (security classes 1 to 3): the headers that describe one
// connection only, those that Connection names, every spelling of an identity or forwarding header, spellings in which
// CGI-like servers find the length of a body (security class 14), and trailers. Forwarding headers are then written anew.
func (p *Proxy) cleanHeaders(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		h := r.Header
		if len(h["Authorization"]) > 1 || len(h["Origin"]) > 1 {
			p.refuse(w, r, http.StatusBadRequest, "A header of this request is there twice.")
			return
		}
		proto, chain := x.policy.forwarded(r, x)
		_, said := h["X-Forwarded-For"]
		id := p.ids.of(h)
		upgrade := isWebSocket(r)
		removeHopByHop(h)
		if upgrade {
			h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
		}
		for name := range h {
			if identity.Reserved(name) || aliases(name, headerRequestID, "xrequestid") ||
				aliases(name, "Content-Length", "contentlength") || aliases(name, "Transfer-Encoding", "transferencoding") {
				delete(h, name)
			}
		}
		r.Trailer = nil
		values := []string{chain, proto, r.Host, id} // one allocation for the four
		h["X-Forwarded-For"], h["X-Forwarded-Proto"], h["X-Forwarded-Host"] = values[0:1:1], values[1:2:2], values[2:3:3]
		h[headerRequestID] = values[3:4:4]
		if said {
			p.warnOfProxy(r, x)
		}
		next(w, r, x)
	}
}

// warnOfProxy says once that a reverse proxy seems to be in front that is not listed: all its visitors count as one,
// and one who guesses has all of them locked.
func (p *Proxy) warnOfProxy(r *http.Request, x *exchange) {
	peer := peerAddr(r)
	if !(peer.IsPrivate() || peer.IsLoopback() || peer.IsLinkLocalUnicast()) || x.policy.trusts(peer) || !p.warned.CompareAndSwap(false, true) {
		return
	}
	p.note(r, slog.LevelWarn, "X-Forwarded-For ignored: if this peer is a reverse proxy, name it in "+keyTrustedProxies+
		", or its visitors share one limit for wrong passwords", slog.String("peer", peer.String()))
}

// removeHopByHop deletes the headers of RFC 9110, section 7.6.1, and those that Connection lists. Origin is not one
// that a client may take back: its absence would speak for the request.
func removeHopByHop(h http.Header) {
	for _, value := range h["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" && !strings.EqualFold(name, "Origin") {
				h.Del(name)
			}
		}
	}
	for _, name := range [...]string{"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate",
		"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
		"Proxy"} { // no header at all, but CGI makes the variable HTTP_PROXY of it
		delete(h, name)
	}
}

// isWebSocket reports whether r asks for the one upgrade that is passed on (security class 14: no h2c).
func isWebSocket(r *http.Request) bool {
	h := r.Header
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor == 1 && len(h["Upgrade"]) == 1 &&
		strings.EqualFold(h["Upgrade"][0], "websocket") && slices.ContainsFunc(h["Connection"], hasUpgrade)
}

func hasUpgrade(connection string) bool {
	for option := range strings.SplitSeq(connection, ",") {
		if strings.EqualFold(strings.TrimSpace(option), "upgrade") {
			return true
		}
	}
	return false
}

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
		hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
		for _, hop := range slices.Backward(hops) {
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
		x.believe(r.Header)
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

// believe takes over what a trusted proxy says of the address that the visitor asked for.
func (x *exchange) believe(h http.Header) {
	if said := h["X-Forwarded-Proto"]; len(said) == 1 {
		switch scheme := strings.ToLower(said[0]); scheme {
		case "https":
			x.https = true
			fallthrough
		case "http":
			x.scheme = scheme
		}
	}
	if said := h["X-Forwarded-Host"]; len(said) == 1 {
		first, _, _ := strings.Cut(said[0], ",") // that of the outermost proxy
		x.host = strings.TrimSpace(first)
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
