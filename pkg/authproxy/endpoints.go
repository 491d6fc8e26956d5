package authproxy

import (
	"io"
	"log/slog"
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
				p.logout(w, r, x)
				return
			case pathStatus:
				p.status(w, r, x)
				return
			}
		}
		next(w, r, x)
	}
}

// serveOwn answers below the reserved prefix.
func (p *Proxy) serveOwn(w http.ResponseWriter, r *http.Request, x *exchange) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case x.path == pathStyle && read:
		p.pages.style(w)
	case x.path == pathLogin && p.hasForm() && read:
		p.showLogin(w, r, x)
	case x.path == pathLogin && p.hasForm() && r.Method == http.MethodPost:
		p.postLogin(w, r, x)
	case x.path == pathLogin && p.hasForm() || x.path == pathStyle:
		p.refuse(w, r, http.StatusMethodNotAllowed, "This method is not allowed.")
	default:
		p.refuse(w, r, http.StatusNotFound, "There is no such page.")
	}
}

// hasForm reports whether anybody can log in by the login page.
func (p *Proxy) hasForm() bool {
	return len(p.config.Passwords) > 0 && p.config.PasswordMode != ModeBasic
}

// logout ends whatever session the visitor has, closes its WebSockets, and leaves the app. /exit is the same for
// frameworks whose own router takes /logout.
func (p *Proxy) logout(w http.ResponseWriter, r *http.Request, x *exchange) {
	sessions := p.presented(r, x)
	p.end(r, sessions)
	if len(sessions) > 0 {
		p.log.LogAttrs(r.Context(), slog.LevelInfo, "logged out", slog.String("user", sessions[0].Grants[0].Identity.Name),
			slog.String("client", x.client.String()))
	}
	p.setCookie(w.Header(), cookieSession, "", x.https, 0)
	w.Header().Set("Cache-Control", "no-store")
	to := p.config.PostLogoutRedirect
	if to == "" {
		to = pathStatus
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// status says to anybody whether they are logged in, and nothing else.
func (p *Proxy) status(w http.ResponseWriter, r *http.Request, x *exchange) {
	x.area = p.rules.rest
	p.recognise(r, x)
	said := "logged out"
	if x.who != nil || x.session != nil {
		said = "logged in"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	x.Answer(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, said)
}
