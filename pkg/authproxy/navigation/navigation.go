// Package navigation tells what a browser is doing from the headers of a request: opening a page in a tab, loading a part
// of one, or fetching one ahead.
package navigation

import (
	"net/http"
	"strconv"
	"strings"
)

// IsPageVisit tells a browser that opens a page in a tab from everything else. Current browsers say so on secure
// origins; of the rest, only those count that prefer HTML and are not scripts. A page that is fetched ahead counts once it is opened.
func IsPageVisit(r *http.Request) bool {
	h := r.Header
	if _, upgrade := h["Upgrade"]; upgrade || h.Get("X-Requested-With") != "" || IsSpeculative(h) {
		return false
	}
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		dest := h.Get("Sec-Fetch-Dest")
		// A service worker that passes a navigation on by fetch(event.request) leaves the mode and empties the
		// destination. No script can ask for that mode.
		return mode == "navigate" && (dest == "" || dest == "document" || dest == "empty")
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost) && acceptsHTML(h)
}

// IsSubresource reports whether a browser says that a request is not a navigation in a tab but a page's fetch or image, a
// WebSocket, a frame, or a page fetched ahead. A Basic challenge would open a dialog of the browser's own over the page,
// and who types the password there cannot log out any more. On plain http browsers send no Sec-Fetch-Mode, but they say
// which page or origin asks, and do not ask for HTML.
func IsSubresource(h http.Header) bool {
	if h.Get("X-Requested-With") != "" || IsSpeculative(h) {
		return true
	}
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	if mode != "" || dest != "" {
		return mode != "" && mode != "navigate" || dest != "" && dest != "document" && dest != "empty"
	}
	return strings.HasPrefix(h.Get("User-Agent"), "Mozilla/5.0 ") && (h.Get("Referer") != "" || h.Get("Origin") != "") && !acceptsHTML(h)
}

// IsSpeculative reports whether a browser fetches something ahead that nobody has asked for yet, for a prefetch or a
// preview. Sec-Purpose is by definition about nothing else (Fetch, section 2.9). Purpose and the like are what browsers
// sent before; the rest is how scripts say it that fetch the links of a page themselves: Hotwire Turbo, both routers of
// Next.js, the preload extension of htmx.
func IsSpeculative(h http.Header) bool {
	for _, name := range [...]string{"Sec-Purpose", "X-Sec-Purpose", "Next-Router-Prefetch", "X-Middleware-Prefetch", "Hx-Preloaded"} {
		if h.Get(name) != "" {
			return true
		}
	}
	for _, name := range [...]string{"Purpose", "X-Purpose", "X-Moz"} {
		switch said, _, _ := strings.Cut(h.Get(name), ";"); strings.ToLower(strings.TrimSpace(said)) {
		case "prefetch", "prerender", "preview":
			return true
		}
	}
	return false
}

// acceptsHTML reports whether nothing is preferred to HTML, as browsers say it: pip takes HTML too, but rather JSON.
func acceptsHTML(h http.Header) bool {
	html, best := 0.0, 0.0
	for _, value := range h["Accept"] {
		for item := range strings.SplitSeq(value, ",") {
			media, params, _ := strings.Cut(item, ";")
			q := quality(params)
			best = max(best, q)
			if strings.EqualFold(strings.TrimSpace(media), "text/html") {
				html = max(html, q)
			}
		}
	}
	return html > 0 && html == best
}

// quality is the weight among the parameters of an item of Accept (RFC 9110, 12.4.2); 1 where there is none.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
		return 0
	}
	return 1
}
