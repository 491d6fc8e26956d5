package authproxy

import (
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// With a base path, as in AUTH_BASE_URL=https://example.com/team/app, everything is handled as on a host of its own: rules,
// the proxy's own pages and the addresses that logins return to are written without it. checkTarget removes it, and it is
// put back into what goes to the browser: redirects, links and cookies. The app gets it back too, unless it is stripped.

// outsideBase answers a request that is not below the base path.
func (p *Proxy) outsideBase(w http.ResponseWriter, r *http.Request, x *request, address string, at target.Place) {
	if at == target.Bare && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		p.pages.Redirect(w, address, http.StatusTemporaryRedirect)
		return
	}
	p.pages.Say(w, r, pages.Message{Code: http.StatusNotFound, Title: "There is nothing here", Text: "The app is at " + x.Policy.Base + "/.",
		Links: []pages.Link{{Text: "Go there", Href: "/"}}})
}

// restoreBase puts the base path back into a request to the app, or tells the app about it in a header.
func (x *request) restoreBase(r *http.Request) {
	switch base := x.Policy.Base; {
	case base == "":
	case x.Policy.Config.StripBasePath:
		r.Header["X-Forwarded-Prefix"] = []string{base}
	default:
		r.RequestURI = base + r.RequestURI
	}
}

// fixRedirect puts the base path into a redirect of an app that does not see it in its requests.
func (x *request) fixRedirect(h http.Header) {
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
	if path, _, _ := strings.Cut(target, "?"); path != x.Policy.Base && !strings.HasPrefix(path, x.Policy.Base+"/") { // the app may know it from the header
		h["Location"] = []string{x.Policy.Base + target}
	}
}

// onThisHost removes scheme and host from an address if they are those of the request: FastAPI, Rails and older Flask put
// the Host header in front of every redirect, with http if they do not know of the https in front of them.
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
