package authproxy

import (
	"io"
	"net/http"
	"strings"
)

// Our own paths. Everything else is the app's: /login above all, which several frameworks have.
const (
	pathCallback = "/callback"
	pathLogout   = "/logout"
	pathExit     = "/exit"
	pathStatus   = "/status"
	pathPrefix   = "/_auth"
	pathLogin    = pathPrefix + "/login"
	pathStyle    = pathPrefix + "/style.css"
	pathIcon     = pathPrefix + "/icon.svg"
	pathBack     = pathPrefix + "/backchannel-logout"
)

// ownEndpoints answers what is ours. Outside of /_auth/ that is GET only: an app may well have a POST /logout.
func (p *Proxy) ownEndpoints(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		if strings.HasPrefix(x.path, pathPrefix) && (len(x.path) == len(pathPrefix) || x.path[len(pathPrefix)] == '/') {
			p.serveOwn(w, r, x)
			return
		}
		if r.Method == http.MethodGet {
			switch x.path {
			case pathLogout, pathExit:
				if isSpeculative(r.Header) {
					p.refuseSpeculative(w, r)
				} else {
					p.logout(w, r, x)
				}
				return
			case pathStatus:
				p.status(w, r, x)
				return
			case pathCallback:
				if len(x.policy.providers) > 0 {
					if isSpeculative(r.Header) {
						p.refuseSpeculative(w, r)
					} else {
						p.callback(w, r, x)
					}
					return
				}
			}
		}
		next(w, r, x)
	}
}

// serveOwn answers below the reserved prefix.
func (p *Proxy) serveOwn(w http.ResponseWriter, r *http.Request, x *exchange) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	login := x.policy.hasForm() || len(x.policy.providers) > 0
	chosen, isChosen := strings.CutPrefix(x.path, pathLogin+"/")
	back, isBack := strings.CutPrefix(x.path, pathBack)
	switch {
	case x.path == pathStyle && read:
		p.pages.file(w, "style.css", "text/css; charset=utf-8")
	case x.path == pathIcon && read:
		p.pages.file(w, "icon.svg", "image/svg+xml")
	case (x.path == pathLogin || isChosen) && read && isSpeculative(r.Header):
		p.refuseSpeculative(w, r)
	case x.path == pathLogin && login && read:
		p.showLogin(w, r, x)
	case x.path == pathLogin && x.policy.hasForm() && r.Method == http.MethodPost:
		p.postLogin(w, r, x)
	case isChosen && read:
		p.chosenLogin(w, r, x, chosen)
	case isBack && (back == "" || back[0] == '/'):
		p.backchannel(w, r, x, strings.TrimPrefix(back, "/"))
	case x.path == pathLogin && login || x.path == pathStyle || x.path == pathIcon || isChosen && x.policy.named(chosen) != nil:
		p.refuse(w, r, http.StatusMethodNotAllowed, "This method is not allowed.")
	default:
		p.refuse(w, r, http.StatusNotFound, "Page not found.")
	}
}

// hasForm reports whether anybody can log in by user name and password on the login page.
func (pol *policy) hasForm() bool {
	return pol.config.hasPasswords() && pol.config.PasswordMode != ModeBasic
}

// status says to anybody whether they are logged in, and nothing else: a page for browsers, two words for programs.
func (p *Proxy) status(w http.ResponseWriter, r *http.Request, x *exchange) {
	x.area = x.policy.rules.rest
	p.recognise(r, x)
	if x.grant != nil && x.grant.Login != nil {
		p.keepFresh(r, x)
	}
	said, page := "logged out", message{Code: http.StatusOK, Title: "You are logged out", Text: "To use the app, log in again.", Links: []link{{"Log in again", "/"}}}
	if x.who != nil || x.session != nil && p.opensAnything(x) {
		said, page = "logged in", message{Code: http.StatusOK, Title: "You are logged in", Text: "You can use the app, or log out.",
			Links: []link{{"Open the app", "/"}, {"Log out", pathLogout}}}
	}
	if isPageVisit(r) {
		x.Answer(http.StatusOK, w.Header())
		p.say(w, r, page)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	x.Answer(http.StatusOK, w.Header())
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, said)
}
