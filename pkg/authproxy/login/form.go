package login

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

const (
	loginValid   = 12 * time.Hour   // for how long a login page that was left open works
	maxLoginBody = 16 << 10         // bytes of a posted form
	loginRead    = 10 * time.Second // for sending it
)

// Purposes of signed values. A form is accepted only together with the cookie that was set with it, and both only with our
// signature: no other page can log a user in (security class 7), and nothing is stored before a login succeeds (class 21).
const (
	purposeCookie = "login cookie"
	purposeForm   = "login form"
)

// showLogin is GET /_auth/login?next=/where/to/go.
func (f *Flows) showLogin(w http.ResponseWriter, r *http.Request, st *authn.State) {
	next := st.Policy.Rules.LocalTarget(r.URL.Query().Get("next"))
	if f.redirectToBase(w, r, st, "", next) {
		return
	}
	path, _ := st.Policy.Rules.Parse(next)
	if scope := st.Policy.Rules.Scope(path); !scope.Password && len(st.Policy.Providers) > 0 || !st.Policy.HasForm() {
		f.showProviders(w, r, st, next)
		return
	}
	f.renderLogin(w, r, st, http.StatusOK, pages.LoginForm{Next: next})
}

func (f *Flows) renderLogin(w http.ResponseWriter, r *http.Request, st *authn.State, code int, form pages.LoginForm) {
	nonce, ok := f.loginNonce(r, st)
	if !ok {
		id, err := session.NewID(f.random)
		if err != nil {
			f.refuseFailed(w, r)
			return
		}
		nonce = string(id)
		f.setCookie(w.Header(), cookie.Form, st.Policy.Signer.Sign(purposeCookie, nonce, loginValid), st.Client.HTTPS, loginValid)
	}
	form.Token = st.Policy.Signer.Sign(purposeForm, nonce, loginValid)
	f.pages.Login(w, r, code, form)
}

// loginNonce returns what ties login pages to this browser. Its tabs share it.
func (f *Flows) loginNonce(r *http.Request, st *authn.State) (string, bool) {
	nonce, _, ok := f.signedCookie(r, st, cookie.Form, purposeCookie)
	return nonce, ok
}

// postLogin is POST /_auth/login with the form's fields.
func (f *Flows) postLogin(w http.ResponseWriter, r *http.Request, st *authn.State) {
	if site := r.Header.Get("Sec-Fetch-Site"); !st.SameOrigin(r) || site != "" && site != "same-origin" && site != "none" {
		f.RefuseOrigin(w, r, st, "This form was sent from another site.")
		return
	}
	if !isForm(r) {
		f.pages.Refuse(w, r, http.StatusUnsupportedMediaType, "This is not a login form.")
		return
	}
	if !f.readForm(w, r, maxLoginBody, loginRead) {
		f.pages.Refuse(w, r, http.StatusBadRequest, "This is not a login form.")
		return
	}
	form := pages.LoginForm{Next: st.Policy.Rules.LocalTarget(r.PostForm.Get("next")), Username: r.PostForm.Get("username")}
	nonce, ok := st.Policy.Signer.Verify(purposeForm, r.PostForm.Get("token"))
	if bound, sent := f.loginNonce(r, st); !ok || !sent || nonce != bound {
		form.Problem = "This page had expired, or your browser does not accept cookies. Please try again."
		f.renderLogin(w, r, st, http.StatusForbidden, form)
		return
	}
	f.checkLogin(w, r, st, form)
}

func (f *Flows) checkLogin(w http.ResponseWriter, r *http.Request, st *authn.State, form pages.LoginForm) {
	path, _ := st.Policy.Rules.Parse(form.Next)
	st.Scope = st.Policy.Rules.Scope(path)
	if !st.Scope.Password { // our own form never leads there
		f.pages.Redirect(w, form.Next, http.StatusSeeOther)
		return
	}
	result := st.Policy.Passwords.Check(r.Context(), st.Scope.Name, form.Username, r.PostForm.Get("password"), st.Client.Addr)
	switch result.Verdict {
	case password.Right:
		f.loggedIn(w, r, st, form.Next, result.Name)
	case password.Locked:
		f.auth.LogRefused(r, st, result)
		f.refuseLocked(w, r, result.Wait, loginPage("", form.Next))
	case password.Busy:
		f.pages.Refuse(w, r, http.StatusServiceUnavailable, "Too busy to check the password.")
	default:
		f.auth.LogRefused(r, st, result)
		form.Problem = "User name or password is wrong."
		f.renderLogin(w, r, st, http.StatusForbidden, form)
	}
}

// refuseLocked answers a client whose passwords are not checked for a while. Afterwards the page loads address by itself.
func (f *Flows) refuseLocked(w http.ResponseWriter, r *http.Request, wait time.Duration, address string) {
	seconds := setRetryAfter(w, wait)
	m := pages.Message{Code: http.StatusTooManyRequests, Title: "Too many wrong passwords", Text: fmt.Sprintf("You can try again in %d seconds.", seconds)}
	if seconds == 1 {
		m.Text = "You can try again in a second."
	}
	if address != "" && navigation.IsPageVisit(r) {
		m.Refresh, m.RefreshTo = seconds, address
		m.Text += " This page then goes on by itself."
	}
	f.pages.Say(w, r, m)
}

// refuseFailed answers a login that failed for a reason that is in the log.
func (f *Flows) refuseFailed(w http.ResponseWriter, r *http.Request) {
	f.pages.Refuse(w, r, http.StatusInternalServerError, "Logging in is not possible at the moment.")
}

// loggedIn starts a session and redirects to where the user wanted to go.
func (f *Flows) loggedIn(w http.ResponseWriter, r *http.Request, st *authn.State, next, name string) {
	grant := session.Grant{Scope: st.Scope.Name, Identity: identity.OfPassword(name), Fingerprint: st.Scope.Fingerprint(name)}
	if err := f.auth.Enter(w.Header(), r, st, grant); err != nil {
		f.refuseFailed(w, r)
		return
	}
	f.log.Request(r, slog.LevelInfo, "logged in", slog.String("scope", st.Scope.Name), slog.String("user", name),
		slog.String("client", st.Client.Addr.String()), slog.String("by", "form"))
	f.pages.Redirect(w, next, http.StatusSeeOther)
}
