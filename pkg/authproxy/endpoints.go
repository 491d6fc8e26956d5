package authproxy

import (
	"io"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// ownEndpoints answers what is ours. Outside of /_auth/ that is GET only: an app may well have a POST /logout.
func (p *Proxy) ownEndpoints(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		if target.BelowReserved(x.path) {
			p.serveOwn(w, r, x)
			return
		}
		if r.Method == http.MethodGet {
			switch x.path {
			case target.Logout, target.Exit:
				if navigation.IsSpeculative(r.Header) {
					p.refuseSpeculative(w, r)
				} else {
					p.logout(w, r, x)
				}
				return
			case target.Status:
				p.status(w, r, x)
				return
			case target.Callback:
				if len(x.policy.providers) > 0 {
					if navigation.IsSpeculative(r.Header) {
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
	chosen, isChosen := strings.CutPrefix(x.path, target.Login+"/")
	back, isBack := strings.CutPrefix(x.path, target.BackchannelLogout)
	switch {
	case x.path == target.Style && read:
		p.pages.Style(w)
	case x.path == target.Icon && read:
		p.pages.Icon(w)
	case (x.path == target.Login || isChosen) && read && navigation.IsSpeculative(r.Header):
		p.refuseSpeculative(w, r)
	case x.path == target.Login && login && read:
		p.showLogin(w, r, x)
	case x.path == target.Login && x.policy.hasForm() && r.Method == http.MethodPost:
		p.postLogin(w, r, x)
	case isChosen && read:
		p.chosenLogin(w, r, x, chosen)
	case isBack && (back == "" || back[0] == '/'):
		p.backchannel(w, r, x, strings.TrimPrefix(back, "/"))
	case x.path == target.Login && login || x.path == target.Style || x.path == target.Icon || isChosen && x.policy.named(chosen) != nil:
		p.pages.Refuse(w, r, http.StatusMethodNotAllowed, "This method is not allowed.")
	default:
		p.pages.Refuse(w, r, http.StatusNotFound, "Page not found.")
	}
}

// hasForm reports whether anybody can log in by user name and password on the login page.
func (pol *policy) hasForm() bool {
	return pol.config.HasPasswords() && pol.config.PasswordMode != config.ModeBasic
}

// status says to anybody whether they are logged in, and nothing else: a page for browsers, two words for programs.
func (p *Proxy) status(w http.ResponseWriter, r *http.Request, x *exchange) {
	x.scope = x.policy.rules.Main()
	p.recognise(r, x)
	if x.grant != nil && x.grant.Login != nil {
		p.keepFresh(r, x)
	}
	said, page := "logged out", pages.Message{Code: http.StatusOK, Title: "You are logged out", Text: "To use the app, log in again.", Links: []pages.Link{{Text: "Log in again", Href: "/"}}}
	if x.who != nil || x.session != nil && p.opensAnything(x) {
		said, page = "logged in", pages.Message{Code: http.StatusOK, Title: "You are logged in", Text: "You can use the app, or log out.",
			Links: []pages.Link{{Text: "Open the app", Href: "/"}, {Text: "Log out", Href: target.Logout}}}
	}
	if navigation.IsPageVisit(r) {
		x.ModifyResponse(http.StatusOK, w.Header())
		p.pages.Say(w, r, page)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	x.ModifyResponse(http.StatusOK, w.Header())
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, said)
}

// refuseSpeculative answers a request for a page of ours that a browser makes ahead. It must have no effect, and the
// browser must ask again when the page is opened: a status that is no success ends a prerendering, and no cache keeps it.
func (p *Proxy) refuseSpeculative(w http.ResponseWriter, r *http.Request) {
	p.pages.Refuse(w, r, http.StatusServiceUnavailable, "This page is not fetched ahead.")
}
