package authproxy

import (
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// Below a base path, AUTH_BASE_URL=https://example.com/team/app, everything is as it is on a host of its own: rules, our own
// pages and the addresses that logins lead back to are written without it. checkTarget takes it off, and whatever goes to
// the browser gets it back: redirects, links of our pages and cookies. The app gets it back too, unless it is to be stripped.

// elsewhere answers a request that is not below the base path.
func (p *Proxy) elsewhere(w http.ResponseWriter, r *http.Request, x *request, address string, at target.Place) {
	if at == target.Bare && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		p.pages.Redirect(w, address, http.StatusTemporaryRedirect)
		return
	}
	p.pages.Say(w, r, pages.Message{Code: http.StatusNotFound, Title: "There is nothing here", Text: "The app is at " + x.Policy.Base + "/.",
		Links: []pages.Link{{Text: "Go there", Href: "/"}}})
}

// toApp puts the base path back, or tells the app where it is mounted.
func (x *request) toApp(r *http.Request) {
	switch base := x.Policy.Base; {
	case base == "":
	case x.Policy.Config.StripBasePath:
		r.Header["X-Forwarded-Prefix"] = []string{base}
	default:
		r.RequestURI = base + r.RequestURI
	}
}

// fromApp leads a redirect below the base path of which the app has not been told.
func (x *request) fromApp(h http.Header) {
	if x.Policy.Base == "" || !x.Policy.Config.StripBasePath {
		return
	}
	to := h["Location"]
	if len(to) != 1 {
		return
	}
	target := x.onThisHost(to[0])
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return
	}
	if path, _, _ := strings.Cut(target, "?"); path != x.Policy.Base && !strings.HasPrefix(path, x.Policy.Base+"/") { // it may know it by the header
		h["Location"] = []string{x.Policy.Base + target}
	}
}

// onThisHost takes scheme and host off an address if they are those that the app was asked for: FastAPI, Rails and older
// Flask put what Host says in front of every redirect, with http where they do not know of the https in front.
func (x *request) onThisHost(address string) string {
	for _, scheme := range [...]string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(address, scheme); ok && len(rest) >= len(x.Client.Host) && strings.EqualFold(rest[:len(x.Client.Host)], x.Client.Host) {
			if rest = rest[len(x.Client.Host):]; rest == "" || rest[0] == '?' {
				rest = "/" + rest
			}
			return rest
		}
	}
	return address
}
