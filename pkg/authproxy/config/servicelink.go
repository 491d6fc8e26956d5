package config

import (
	"net"
	"net/netip"
	"strings"
)

// ServiceLink reports whether a variable is one of those that Kubernetes puts into every container for each Service, which
// may be called like ours: for one named auth AUTH_SERVICE_HOST, AUTH_SERVICE_PORT, AUTH_SERVICE_PORT_<NAME>, AUTH_PORT,
// AUTH_PORT_80_TCP and this one's _PROTO, _PORT and _ADDR (kubernetes.io: Service, Environment variables; Docker's links
// before them). The value has to be as Kubernetes writes it too: a misspelt variable of ours is none of these.
func ServiceLink(name, value string) bool {
	if strings.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		return false
	}
	behind := func(suffix string) bool { return len(name) > len(suffix) && strings.HasSuffix(name, suffix) }
	after := func(infix string) string { // the last of them
		if i := strings.LastIndex(name, infix); i > 0 {
			return name[i+len(infix):]
		}
		return ""
	}
	switch {
	case behind("_SERVICE_HOST"):
		return isAddress(value)
	case behind("_SERVICE_PORT") && isPort(value), after("_SERVICE_PORT_") != "" && isPort(value):
		return true
	case behind("_PORT") && isLink(value, "", ""):
		return true
	}
	// PORT, PROTOCOL and maybe one thing about the two.
	parts := strings.Split(after("_PORT_"), "_")
	if len(parts) < 2 || len(parts) > 3 || !isPort(parts[0]) {
		return false
	}
	port, protocol := parts[0], strings.ToLower(parts[1])
	if !isProtocol(protocol) {
		return false
	}
	if len(parts) == 2 {
		return isLink(value, protocol, port)
	}
	switch parts[2] {
	case "PROTO":
		return value == protocol
	case "PORT":
		return value == port
	case "ADDR":
		return isAddress(value)
	default:
		return false
	}
}

// isLink recognises tcp://10.96.0.7:80; an empty protocol or port stands for any.
func isLink(value, protocol, port string) bool {
	scheme, address, ok := strings.Cut(value, "://")
	if !ok || !isProtocol(scheme) || protocol != "" && scheme != protocol {
		return false
	}
	host, at, err := net.SplitHostPort(address)
	return err == nil && isAddress(host) && isPort(at) && (port == "" || at == port)
}

func isProtocol(s string) bool { return s == "tcp" || s == "udp" || s == "sctp" }

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
