package devidp

import (
	"net/http"
	"net/url"
)

// logout ends the session of the browser, and the one of the ID token where that is another. It goes back where the
// application is known: OpenID Connect RP-Initiated Logout 1.0, sections 2 and 3.
func (e *endpoints) logout(w http.ResponseWriter, r *http.Request) {
	hint, client, back := r.FormValue("id_token_hint"), r.FormValue("client_id"), r.FormValue("post_logout_redirect_uri")
	isKnown := hint != "" || client != ""
	if client != "" && client != clientID {
		e.refuseLogout(w, "the client_id is not that of the development login")
		return
	}
	session := ""
	if hint != "" {
		var err error
		if session, err = e.sessionOf(hint); err != nil {
			e.refuseLogout(w, "the id_token_hint is not an ID token of the development login")
			return
		}
	}
	if isKnown && back != "" && !e.store.isPostLogout(back) {
		e.refuseLogout(w, "the post_logout_redirect_uri is not registered exactly as it is")
		return
	}
	e.store.logOut(e.cookieOf(r), session)
	http.SetCookie(w, &http.Cookie{Name: e.cookie, Path: pagesPath, MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	e.log.Info("dev logout")
	if !isKnown || back == "" {
		e.pages.show(w, http.StatusOK, "message.html", "", message{"Logged out", "You are logged out of the development login. You can close this page."})
		return
	}
	more := url.Values{}
	if state := r.FormValue("state"); state != "" {
		more.Set("state", state)
	}
	redirect(w, r, back, more)
}

func (e *endpoints) refuseLogout(w http.ResponseWriter, reason string) {
	e.log.Warn("dev login refuses a logout", "detail", reason)
	e.pages.show(w, http.StatusBadRequest, "message.html", "", message{"Not logged out", "The app asked for something that is not allowed: " + reason + "."})
}
