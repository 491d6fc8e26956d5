package authproxy

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/forwarded"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/requestid"
)

// cleanHeaders removes what no client may send to the app (security classes 1 to 3): hop-by-hop headers, those that
// Connection lists, every spelling of an identity or forwarding header, spellings that CGI-like servers take for the length
// of the body (security class 14), and trailers. Then it sets the forwarding headers.
func (p *Proxy) cleanHeaders(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		h := r.Header
		if len(h["Authorization"]) > 1 || len(h["Origin"]) > 1 {
			p.pages.Refuse(w, r, http.StatusBadRequest, "Duplicate header.")
			return
		}
		base := x.Policy.Config.BaseURL
		x.Client = forwarded.Read(r, x.Policy.Trusted, isSecure(r), base != nil && base.Scheme == "https")
		_, said := h["X-Forwarded-For"]
		id := p.ids.Of(h)
		upgrade := isWebSocket(r)
		removeHopByHop(h)
		if upgrade {
			h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
		}
		for name := range h {
			if identity.Reserved(name) || aliases(name, requestid.Header, "xrequestid") ||
				aliases(name, "Content-Length", "contentlength") || aliases(name, "Transfer-Encoding", "transferencoding") {
				delete(h, name)
			}
		}
		r.Trailer = nil
		values := []string{x.Client.For, x.Client.Proto(), r.Host, id} // one allocation for the four
		h["X-Forwarded-For"], h["X-Forwarded-Proto"], h["X-Forwarded-Host"] = values[0:1:1], values[1:2:2], values[2:3:3]
		h[requestid.Header] = values[3:4:4]
		if said {
			p.warnOfProxy(r, x)
		}
		next(w, r, x)
	}
}

// isSecure reports whether the request came over TLS. Over HTTP/2 net/http fills in r.TLS only where the client writes
// "https" for :scheme, which says nothing about the connection (RFC 9113, section 8.3.1).
func isSecure(r *http.Request) bool {
	c := connectionOf(r)
	return r.TLS != nil || c != nil && c.secure
}

// warnOfProxy logs once that a reverse proxy in front seems not to be trusted: all its clients count as one, so that one who
// guesses passwords locks out all of them.
func (p *Proxy) warnOfProxy(r *http.Request, x *request) {
	peer := forwarded.Peer(r)
	if !(peer.IsPrivate() || peer.IsLoopback() || peer.IsLinkLocalUnicast()) || x.Policy.Trusted.Contains(peer) || !p.warned.CompareAndSwap(false, true) {
		return
	}
	p.log.Request(r, slog.LevelWarn, "X-Forwarded-For ignored: if this peer is a reverse proxy, name it in "+config.EnvTrustedProxies+
		", or all its clients share one limit for wrong passwords", slog.String("peer", peer.String()))
}

// removeHopByHop deletes the headers of RFC 9110, section 7.6.1, and those that Connection lists. Origin stays even if it is
// listed, because a request without it is trusted more.
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
		"Proxy"} { // not a standard header, but CGI turns it into the variable HTTP_PROXY
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

// aliases reports whether some server takes a header of this name for the given other one: it has the same letters and
// digits. plain is the other's name in lower case without punctuation.
func aliases(name, header, plain string) bool {
	if len(name) < len(plain) || name == header {
		return false
	}
	i := 0
	for j := 0; j < len(name); j++ {
		c := name[j] | 0x20 // lower case
		switch {
		case i < len(plain) && c == plain[i]:
			i++
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			return false
		}
	}
	return i == len(plain)
}
