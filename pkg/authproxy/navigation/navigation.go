// Package navigation tells from the headers of a request what a browser is doing: opening a page in a tab, loading a part of
// one, or prefetching one.
package navigation

import (
	"net/http"
	"strconv"
	"strings"
)

// IsPageVisit reports whether a browser opens a page in a tab. Current browsers say so on secure origins; other requests must
// prefer HTML and not come from a script. A page that is prefetched counts once it is opened.
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

// IsSubresource reports whether a browser says that a request is not a navigation in a tab, but a page's fetch or image, a
// WebSocket, a frame, or a prefetch. A Basic challenge would open a dialog of the browser over the page, and a user who types
// the password there cannot log out. On plain http browsers send no Sec-Fetch-Mode, but Referer or Origin, and do not ask for
// HTML.
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

// IsSpeculative reports whether a request is a prefetch or a preview, which the user has not asked for. Sec-Purpose is defined
// for nothing else (Fetch, section 2.9). Purpose and the like are what browsers sent before. The other headers are of scripts
// that prefetch the links of a page: Hotwire Turbo, both routers of Next.js, the preload extension of htmx.
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

// acceptsHTML reports whether HTML is preferred, as by browsers: pip accepts HTML too, but prefers JSON.
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
