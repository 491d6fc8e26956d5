// Package login is how users log in and out: the proxy's own endpoints, the redirects to providers and back, and the
// response to a request that needs a login. It does not know the app.
package login

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// Options are what Flows need. All fields are required.
type Options struct {
	Auth     *authn.Authenticator
	Pages    *pages.Pages
	Cookies  *cookie.Jar
	Observer observe.Observer
	Log      observe.Log
	Random   io.Reader // cryptographically secure
	Now      func() time.Time
}

// Flows log users in and out. It is safe for concurrent use.
type Flows struct {
	auth     *authn.Authenticator
	pages    *pages.Pages
	cookies  *cookie.Jar
	observer observe.Observer
	log      observe.Log
	random   io.Reader
	now      func() time.Time
	returns  *returns
}

// New returns the flows of one app.
func New(o Options) *Flows {
	return &Flows{auth: o.Auth, pages: o.Pages, cookies: o.Cookies, observer: o.Observer, log: o.Log, random: o.Random, now: o.Now,
		returns: newReturns()}
}

// Serve answers requests to the proxy's own endpoints, and reports whether this was one. Outside of the reserved prefix
// these are GET only, as an app may have a POST /logout of its own, and belong to the app if nobody can log in.
func (f *Flows) Serve(w http.ResponseWriter, r *http.Request, st *authn.State) bool {
	if target.BelowReserved(st.Path) {
		f.serveReserved(w, r, st)
		return true
	}
	if r.Method != http.MethodGet || !st.Policy.HasLogin() {
		return false
	}
	var handler func(http.ResponseWriter, *http.Request, *authn.State)
	switch {
	case st.Path == target.Status:
		f.status(w, r, st)
		return true
	case st.Path == target.Logout, st.Path == target.Exit:
		handler = f.logout
	case st.Path == target.Callback && len(st.Policy.Providers) > 0:
		handler = f.callback
	default:
		return false
	}
	if navigation.IsSpeculative(r.Header) {
		f.refuseSpeculative(w, r)
	} else {
		handler(w, r, st)
	}
	return true
}

// serveReserved answers below the reserved prefix.
func (f *Flows) serveReserved(w http.ResponseWriter, r *http.Request, st *authn.State) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	login := st.Policy.HasForm() || len(st.Policy.Providers) > 0
	chosen, isChosen := strings.CutPrefix(st.Path, target.Login+"/")
	back, isBack := strings.CutPrefix(st.Path, target.BackchannelLogout)
	switch {
	case st.Path == target.Style && read:
		f.pages.Style(w)
	case st.Path == target.Icon && read:
		f.pages.Icon(w)
	case (st.Path == target.Login || isChosen) && read && navigation.IsSpeculative(r.Header):
		f.refuseSpeculative(w, r)
	case st.Path == target.Login && login && read:
		f.showLogin(w, r, st)
	case st.Path == target.Login && st.Policy.HasForm() && r.Method == http.MethodPost:
		f.postLogin(w, r, st)
	case isChosen && read:
		f.chosenLogin(w, r, st, chosen)
	case isBack && (back == "" || back[0] == '/'):
		f.backchannel(w, r, st, strings.TrimPrefix(back, "/"))
	case st.Path == target.Login && login || st.Path == target.Style || st.Path == target.Icon || isChosen && st.Policy.Named(chosen) != nil:
		f.pages.Refuse(w, r, http.StatusMethodNotAllowed, "This method is not allowed.")
	default:
		f.pages.Refuse(w, r, http.StatusNotFound, "Page not found.")
	}
}

// status tells a client whether it is logged in, and nothing else: by a page to browsers, in two words to programs.
func (f *Flows) status(w http.ResponseWriter, r *http.Request, st *authn.State) {
	st.Scope = st.Policy.Rules.Main()
	f.auth.Recognize(r, st)
	if st.Grant != nil && st.Grant.Login != nil {
		f.auth.KeepFresh(r, st)
	}
	said, page := "logged out", pages.Message{Code: http.StatusOK, Title: "You are logged out", Text: "To use the app, log in again.", Links: []pages.Link{{Text: "Log in again", Href: "/"}}}
	if st.User != nil || st.Session != nil && f.auth.GrantsAnything(st) {
		said, page = "logged in", pages.Message{Code: http.StatusOK, Title: "You are logged in", Text: "You can use the app, or log out.",
			Links: []pages.Link{{Text: "Open the app", Href: "/"}, {Text: "Log out", Href: target.Logout}}}
	}
	if navigation.IsPageVisit(r) {
		st.ProtectResponse(http.StatusOK, w.Header())
		f.pages.Say(w, r, page)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	st.ProtectResponse(http.StatusOK, w.Header())
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, said)
}

// refuseSpeculative answers a prefetch of one of our pages. It must have no effect, and the browser must ask again when the
// user opens the page: an error status ends a prerendering, and is not cached.
func (f *Flows) refuseSpeculative(w http.ResponseWriter, r *http.Request) {
	f.pages.Refuse(w, r, http.StatusServiceUnavailable, "This page cannot be prefetched.")
}
