package authproxy

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// authorize lets through what is open and who has logged in. All others are asked to log in: a page visit by
// the login page, anything else by 401, a WebSocket among them, which no redirect could help.
func (p *Proxy) authorize(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		switch {
		case x.area.open() || x.who != nil:
			next(w, r, x)
		case x.basic.Verdict == password.Locked:
			setRetryAfter(w, x.basic.Wait)
			p.refuse(w, r, http.StatusTooManyRequests, "Too many wrong passwords. Try again later.")
		case x.basic.Verdict == password.Busy:
			p.refuse(w, r, http.StatusServiceUnavailable, "Too busy to check the password.")
		case p.config.PasswordMode != ModeBasic && x.basic.Verdict != password.Wrong && isPageVisit(r):
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, p.loginURL(r, x), http.StatusFound)
		default:
			if p.config.PasswordMode != ModeForm {
				w.Header().Set("Www-Authenticate", fmt.Sprintf(`Basic realm="%s", charset="UTF-8"`, x.area.name))
			}
			p.refuse(w, r, http.StatusUnauthorized, "Log in to see this.")
		}
	}
}

// loginURL is the login page that leads back to where the visitor wanted to go; after a form has been posted
// into an ended session, to the beginning of the area.
func (p *Proxy) loginURL(r *http.Request, x *exchange) string {
	next := x.area.path
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		next = r.RequestURI
	}
	if next = localTarget(next); next == "/" {
		return pathLogin
	}
	return pathLogin + "?next=" + url.QueryEscape(next)
}

// isPageVisit tells a browser that opens a page in a tab from everything else. Current browsers say so on secure
// origins; of the rest, only who prefers HTML and is no script.
func isPageVisit(r *http.Request) bool {
	h := r.Header
	if _, upgrade := h["Upgrade"]; upgrade || h.Get("X-Requested-With") != "" {
		return false
	}
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		dest := h.Get("Sec-Fetch-Dest")
		return mode == "navigate" && (dest == "" || dest == "document")
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost) && acceptsHTML(h)
}

func acceptsHTML(h http.Header) bool {
	for _, value := range h["Accept"] {
		for item := range strings.SplitSeq(value, ",") {
			media, params, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(media), "text/html") {
				q := strings.ReplaceAll(params, " ", "")
				return q != "q=0" && q != "q=0.0"
			}
		}
	}
	return false
}

func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}
