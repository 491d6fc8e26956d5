package authproxy

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// checkOrigin refuses a WebSocket that a page of another origin opens (security class 13). Browsers send cookies
// with it and apply no same-origin rule, and several frameworks accept any Origin. Programs send no Origin.
func (p *Proxy) checkOrigin(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		if _, upgrade := r.Header["Upgrade"]; upgrade && !x.sameOrigin(r) {
			p.refuseOrigin(w, r, x, "This page may not open a WebSocket here.")
			return
		}
		next(w, r, x)
	}
}

// refuseOrigin answers what another origin's page has sent. Behind a proxy that changes Host every page of the app looks
// like one, which whoever runs it sees from the log alone.
func (p *Proxy) refuseOrigin(w http.ResponseWriter, r *http.Request, x *exchange, text string) {
	expected := x.host
	if base := x.policy.config.BaseURL; base != nil {
		expected = base.Scheme + "://" + base.Host
	}
	p.log.Request(r, slog.LevelWarn, "another origin refused", slog.String("origin", logged(r.Header["Origin"])),
		slog.String("expected", logged([]string{expected})), slog.String("client", x.client.String()),
		slog.String("hint", "if users reach the app at this origin, AUTH_BASE_URL has to say so"))
	p.pages.Refuse(w, r, http.StatusForbidden, text)
}

// logged is what a header says as far as it may be in the log: one short value that shows.
func logged(values []string) string {
	const most = 100 // bytes; names of hosts have 253 at most, and are shorter
	if len(values) != 1 || strings.ContainsFunc(values[0], func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "none that can be shown"
	}
	return values[0][:min(len(values[0]), most)]
}

// sameOrigin reports whether r comes from a page of this app, or from no page. Where the base URL is known the
// Origin must be that; else its host must be the one asked for, by Host or by the word of a trusted proxy, which no page
// can choose.
func (x *exchange) sameOrigin(r *http.Request) bool {
	values := r.Header["Origin"]
	if len(values) == 0 {
		return true
	}
	origin, err := url.Parse(values[0])
	if err != nil || origin.Host == "" || origin.Scheme != "http" && origin.Scheme != "https" {
		return false // "null" among them
	}
	if base := x.policy.config.BaseURL; base != nil {
		return origin.Scheme == base.Scheme && hostPort(origin.Scheme, origin.Host) == hostPort(base.Scheme, base.Host)
	}
	return hostPort(origin.Scheme, origin.Host) == hostPort(origin.Scheme, x.host)
}

// hostPort returns host in lower case and with the scheme's port where it has none.
func hostPort(scheme, host string) string {
	host = strings.ToLower(host)
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host
	}
	if scheme == "https" {
		return host + ":443"
	}
	return host + ":80"
}
