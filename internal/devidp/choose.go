package devidp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// showChoice shows the page on which the user is chosen, or goes on at once where one is logged in already.
func (e *endpoints) showChoice(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("id")
	asked, ok := e.store.requests.Get(id, e.now())
	if !ok {
		e.over(w)
		return
	}
	switch s, loggedIn := e.store.session(e.cookieOf(r)); {
	case loggedIn && !asked.mustAsk(s, e.now()):
		e.goOn(w, r, id, s)
	case asked.silent():
		asked.refuse(w, r, &refusal{"login_required", "no user is logged in"})
	default:
		e.ask(w, http.StatusOK, id, &asked, "", asked.loginHint)
	}
}

// choose logs the chosen user in. The form holds id and email.
func (e *endpoints) choose(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("id")
	asked, ok := e.store.requests.Get(id, e.now())
	if !ok {
		e.over(w)
		return
	}
	typed := strings.TrimSpace(r.PostFormValue("email"))
	user, err := e.store.user(typed)
	if err != nil {
		e.ask(w, http.StatusUnprocessableEntity, id, &asked, "Enter an e-mail address such as ada@example.com.", typed)
		return
	}
	cookie, started, err := e.store.logIn(user, e.cookieOf(r))
	if err != nil {
		e.failed(w, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: e.cookie, Value: cookie, Path: pagesPath, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	e.log.Info("dev login", "user", user.Email)
	e.goOn(w, r, id, started)
}

// goOn redirects the browser back to the application with a code.
func (e *endpoints) goOn(w http.ResponseWriter, r *http.Request, id string, s session) {
	asked, ok := take(e.store, e.store.requests, id)
	if !ok { // another tab was faster
		e.over(w)
		return
	}
	name, err := putNew(e.store, e.store.codes, code{
		grant:       grant{session: s, scopes: asked.scopes, audience: asked.audience},
		redirectURI: asked.redirectURI, challenge: asked.challenge, nonce: asked.nonce,
	}, codeLife)
	if err != nil {
		e.failed(w, err)
		return
	}
	asked.goBack(w, r, url.Values{"code": {name}})
}

// cookieOf returns the value of the session's cookie, "" where there is none.
func (e *endpoints) cookieOf(r *http.Request) string {
	c, err := r.Cookie(e.cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

func (e *endpoints) over(w http.ResponseWriter) {
	e.pages.show(w, http.StatusGone, "message.html", "", message{"This login has expired",
		"It was completed in another tab, or it took too long. Go back to the app and start again."})
}

// ask shows the page. Its forms may only lead to the provider and from there to the application.
func (e *endpoints) ask(w http.ResponseWriter, status int, id string, asked *request, problem, typed string) {
	at, err := url.Parse(asked.redirectURI)
	if err != nil {
		e.failed(w, err)
		return
	}
	form := choice{ID: id, App: at.Scheme + "://" + at.Host, Problem: problem, Typed: typed}
	for _, u := range e.store.users {
		form.People = append(form.People, person{u.Email, u.shown(), strings.Join(u.Groups, ", ")})
	}
	if slices.ContainsFunc(form.People, func(p person) bool { return p.Email == typed }) {
		form.Typed = "" // a button that was offered
	}
	e.pages.show(w, status, "choose.html", form.App, form)
}
