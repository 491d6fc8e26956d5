package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
)

// intent says what a request tells about users. docs/decisions/0076 has the reasons.
type intent int

const (
	byUser    intent = iota // someone uses the app, or a program does
	byPage                  // a page of the app loads something or connects, which it also does while nobody looks
	byProgram               // a health check, a crawler, a preview or a heartbeat
)

// intentOf takes whether a browser opens a page.
func intentOf(r *http.Request, isPage bool) intent {
	switch {
	case isProbe(r.Method, r.Header), !isPage && isProbePath(r.URL.Path), isHeartbeat(r), navigation.IsSpeculative(r.Header):
		return byProgram
	case r.Method == http.MethodGet && isBot(r.UserAgent()):
		return byProgram
	case isFromOwnPage(r) && (r.Method == http.MethodGet || r.Header.Get("Sec-Fetch-Mode") == "no-cors"):
		return byPage // POST without CORS is what a page sends while it closes, by navigator.sendBeacon
	default:
		return byUser
	}
}

// isProbe reports whether a request asks whether something is there, not what. HEAD and OPTIONS do, except before a request
// from another origin (Fetch, section 3.2.2).
func isProbe(method string, h http.Header) bool {
	return method == http.MethodHead || method == http.MethodOptions && h.Get("Access-Control-Request-Method") == ""
}

// isProbePath reports whether browsers, crawlers and health checks ask for a path by themselves; some of them are where
// frameworks answer health checks. An app may have a page at one of them.
func isProbePath(path string) bool {
	switch path {
	case "/robots.txt", "/favicon.ico", "/sitemap.xml", "/ads.txt",
		"/health", "/healthz", "/livez", "/readyz", "/liveness", "/_stcore/health", "/_stcore/script-health-check":
		return true
	default:
		return strings.HasPrefix(path, "/.well-known/") || strings.HasPrefix(path, "/apple-touch-icon")
	}
}

// isHeartbeat reports whether a page keeps its connection alive: Engine.IO by long polling, where "3" is the answer to a
// ping, and Gradio by an event stream.
func isHeartbeat(r *http.Request) bool {
	query := r.URL.RawQuery
	if strings.Contains(query, "transport=polling") && strings.Contains(query, "sid=") {
		return r.Method == http.MethodGet || r.ContentLength == 1
	}
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/gradio_api/heartbeat/")
}

// isFromOwnPage reports whether a page of the app itself sends a request without being left for it.
func isFromOwnPage(r *http.Request) bool {
	h := r.Header
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode != "navigate" && h.Get("Sec-Fetch-Site") == "same-origin"
	}
	// Browsers send Sec-Fetch-Mode on secure origins only, and not all of them with a WebSocket.
	from := h.Get("Origin")
	if from == "" && navigation.IsSubresource(h) {
		from = h.Get("Referer")
	}
	u, err := url.Parse(from)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// isBot reports whether a user agent is that of a crawler, a link preview or a monitor. Others, such as curl, are programs that
// someone uses.
func isBot(userAgent string) bool {
	agent := strings.ToLower(userAgent)
	for _, word := range [...]string{
		"bot", "crawler", "spider", "slurp", "facebookexternalhit", "whatsapp", "embedly", "bingpreview", "archiver", "feedfetcher",
		"kube-probe", "googlehc", "healthcheck", "uptime", "pingdom", "statuscake", "site24x7", "synthetics", "blackbox",
	} {
		if strings.Contains(agent, word) && !strings.Contains(agent, "cubot") { // a make of phones
			return true
		}
	}
	return false
}
