package devidp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// showChoice shows the page on which somebody is chosen, or goes on at once where somebody is logged in already.
func (e *endpoints) showChoice(w http.ResponseWriter, r *http.Request) {
	request, err := e.store.request(r.FormValue("id"))
	if err != nil || request.done {
		e.over(w)
		return
	}
	if s, ok := e.session(r); ok && !request.mustAsk(s, e.now()) {
		e.goOn(w, r, request.id, s)
		return
	}
	if request.silent() {
		op.AuthRequestError(w, r, request, oidc.ErrLoginRequired(), e)
		return
	}
	e.ask(w, http.StatusOK, request, "", request.asked.LoginHint)
}

// choose logs the chosen one in. The form holds id and email.
func (e *endpoints) choose(w http.ResponseWriter, r *http.Request) {
	request, err := e.store.request(r.PostFormValue("id"))
	if err != nil || request.done {
		e.over(w)
		return
	}
	typed := strings.TrimSpace(r.PostFormValue("email"))
	user, err := e.store.find(typed)
	if err != nil {
		e.ask(w, http.StatusUnprocessableEntity, request, "This is no e-mail address such as ada@example.com.", typed)
		return
	}
	cookie, started, err := e.store.logIn(user, e.cookieOf(r))
	if err != nil {
		http.Error(w, "the development login has failed", http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: e.cookie, Value: cookie, Path: pagesPath, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	e.log.Info("dev login", "user", user.Email)
	e.goOn(w, r, request.id, started)
}

// goOn sends the browser back to the application with a code.
func (e *endpoints) goOn(w http.ResponseWriter, r *http.Request, id string, s session) {
	chosen, err := e.store.choose(id, s)
	if err != nil { // another tab was faster
		e.over(w)
		return
	}
	op.AuthResponse(chosen, e, w, r)
}

func (e *endpoints) session(r *http.Request) (session, bool) {
	return e.store.sessionOf(e.cookieOf(r))
}

// cookieOf returns the cookie's value, "" where there is none.
func (e *endpoints) cookieOf(r *http.Request) string {
	c, err := r.Cookie(e.cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// end ends the session of the browser, and the one of the ID token where that is another.
func (e *endpoints) end(w http.ResponseWriter, r *http.Request) {
	asked, err := op.ParseEndSessionRequest(r, e.Decoder())
	if err != nil {
		e.refuseEnd(w, "The request cannot be read.")
		return
	}
	valid, err := op.ValidateEndSessionRequest(r.Context(), asked, e)
	if err != nil {
		reason := oidc.DefaultToServerError(err, "").Description
		e.log.Warn("dev login refuses a logout", "detail", reason)
		e.refuseEnd(w, "The app asked for something that is not allowed: "+reason+". The address to return to has to be registered exactly.")
		return
	}
	id := ""
	if valid.IDTokenHintClaims != nil {
		id = valid.IDTokenHintClaims.SessionID
	}
	e.store.logOut(e.cookieOf(r), id)
	http.SetCookie(w, &http.Cookie{Name: e.cookie, Path: pagesPath, MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	e.log.Info("dev logout")
	if valid.RedirectURI == "" || asked.PostLogoutRedirectURI == "" {
		e.pages.show(w, http.StatusOK, "message.html", "", message{"Logged out", "You are logged out of the development login. You can close this page."})
		return
	}
	http.Redirect(w, r, valid.RedirectURI, http.StatusFound)
}

func (e *endpoints) refuseEnd(w http.ResponseWriter, text string) {
	e.pages.show(w, http.StatusBadRequest, "message.html", "", message{"Not logged out", text})
}

func (e *endpoints) over(w http.ResponseWriter) {
	e.pages.show(w, http.StatusGone, "message.html", "", message{"This log-in is over",
		"It was finished in another tab, or it took too long. Go back to the app and start again."})
}

// ask shows the page. Its forms lead to us and from there to the application, and nowhere else.
func (e *endpoints) ask(w http.ResponseWriter, status int, request *authRequest, problem, typed string) {
	at, err := url.Parse(request.asked.RedirectURI) // is a registered one
	if err != nil {
		e.over(w)
		return
	}
	form := choice{ID: request.id, App: at.Scheme + "://" + at.Host, Problem: problem, Typed: typed}
	for _, u := range e.store.users {
		form.People = append(form.People, person{u.Email, u.shown(), strings.Join(u.Groups, ", ")})
	}
	if slices.ContainsFunc(form.People, func(p person) bool { return p.Email == typed }) {
		form.Typed = "" // there is a button for it
	}
	e.pages.show(w, status, "choose.html", form.App, form)
}
