package authproxy

import (
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

const (
	loginValid   = 12 * time.Hour   // a login page that was left open still works
	maxLoginBody = 16 << 10         // bytes of a posted form
	loginRead    = 10 * time.Second // to send it
)

// Purposes of signed values. A form is accepted only with the cookie that was set along with it, and both only
// with our signature, so that no other page can log a visitor in (security class 7), and nothing is stored
// before anybody has logged in (class 21).
const (
	purposeCookie = "login cookie"
	purposeForm   = "login form"
)

// showLogin is GET /_auth/login?next=/where/to/go.
func (p *Proxy) showLogin(w http.ResponseWriter, r *http.Request, x *exchange) {
	next := x.policy.rules.LocalTarget(r.URL.Query().Get("next"))
	if p.moved(w, r, x, "", next) {
		return
	}
	path, _ := x.policy.rules.Parse(next)
	if a := x.policy.rules.Scope(path); !a.Password && len(x.policy.providers) > 0 || !x.policy.hasForm() {
		p.showProviders(w, r, x, next)
		return
	}
	p.renderLogin(w, r, x, http.StatusOK, pages.LoginForm{Next: next})
}

func (p *Proxy) renderLogin(w http.ResponseWriter, r *http.Request, x *exchange, code int, form pages.LoginForm) {
	nonce, ok := p.loginNonce(r, x)
	if !ok {
		id, err := session.NewID(p.random)
		if err != nil {
			p.pages.Refuse(w, r, http.StatusInternalServerError, "Logging in is not possible at the moment.")
			return
		}
		nonce = string(id)
		p.setCookie(w.Header(), cookie.Form, x.policy.signer.Sign(purposeCookie, nonce, loginValid), x.https, loginValid)
	}
	form.Token = x.policy.signer.Sign(purposeForm, nonce, loginValid)
	p.pages.Login(w, r, code, form)
}

// loginNonce returns what ties this browser to its login pages: tabs share it.
func (p *Proxy) loginNonce(r *http.Request, x *exchange) (string, bool) {
	nonce, _, ok := p.signedCookie(r, x, cookie.Form, purposeCookie)
	return nonce, ok
}

// postLogin is POST /_auth/login with the form's fields.
func (p *Proxy) postLogin(w http.ResponseWriter, r *http.Request, x *exchange) {
	if site := r.Header.Get("Sec-Fetch-Site"); !x.sameOrigin(r) || site != "" && site != "same-origin" && site != "none" {
		p.refuseOrigin(w, r, x, "This form was sent from another site.")
		return
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		p.pages.Refuse(w, r, http.StatusUnsupportedMediaType, "This is not a login form.")
		return
	}
	if !p.readForm(w, r, maxLoginBody, loginRead) {
		p.pages.Refuse(w, r, http.StatusBadRequest, "This is not a login form.")
		return
	}
	form := pages.LoginForm{Next: x.policy.rules.LocalTarget(r.PostForm.Get("next")), Username: r.PostForm.Get("username")}
	nonce, ok := x.policy.signer.Verify(purposeForm, r.PostForm.Get("token"))
	if bound, here := p.loginNonce(r, x); !ok || !here || nonce != bound {
		form.Problem = "This page had expired, or your browser keeps no cookies. Please try again."
		p.renderLogin(w, r, x, http.StatusForbidden, form)
		return
	}
	p.checkLogin(w, r, x, form)
}

func (p *Proxy) checkLogin(w http.ResponseWriter, r *http.Request, x *exchange, form pages.LoginForm) {
	path, _ := x.policy.rules.Parse(form.Next)
	x.scope = x.policy.rules.Scope(path)
	if !x.scope.Password { // only possible where the visitor made up the form's target
		x.redirect(w, form.Next, http.StatusSeeOther)
		return
	}
	result := x.policy.passwords.Check(r.Context(), x.scope.Name, form.Username, r.PostForm.Get("password"), x.client)
	switch result.Verdict {
	case password.Right:
		p.loggedIn(w, r, x, form.Next, result.Name)
	case password.Locked:
		p.logRefused(r, x, result)
		p.refuseLocked(w, r, result.Wait, loginPage("", form.Next))
	case password.Busy:
		p.pages.Refuse(w, r, http.StatusServiceUnavailable, "Too busy to check the password.")
	default:
		p.logRefused(r, x, result)
		form.Problem = "User name or password is wrong."
		p.renderLogin(w, r, x, http.StatusForbidden, form)
	}
}

// refuseLocked answers somebody whose password is not looked at for a while. The page goes on to address by itself.
func (p *Proxy) refuseLocked(w http.ResponseWriter, r *http.Request, wait time.Duration, address string) {
	setRetryAfter(w, wait)
	seconds := int((wait + time.Second - 1) / time.Second)
	m := pages.Message{Code: http.StatusTooManyRequests, Title: "Too many wrong passwords", Text: fmt.Sprintf("You can try again in %d seconds.", seconds)}
	if seconds == 1 {
		m.Text = "You can try again in a second."
	}
	if address != "" && navigation.IsPageVisit(r) {
		m.Refresh, m.RefreshTo = seconds, address
		m.Text += " This page then goes on by itself."
	}
	p.pages.Say(w, r, m)
}

// loggedIn starts a session and leads on.
func (p *Proxy) loggedIn(w http.ResponseWriter, r *http.Request, x *exchange, next, name string) {
	if !p.enter(w, r, x, session.Grant{Area: x.scope.Name, Identity: passwordIdentity(name), Fingerprint: x.scope.Fingerprint(name)}) {
		return
	}
	p.log.Request(r, slog.LevelInfo, "logged in", slog.String("area", x.scope.Name), slog.String("user", name),
		slog.String("client", x.client.String()), slog.String("by", "form"))
	x.redirect(w, next, http.StatusSeeOther)
}

// logRefused notes a failed login, without the name: people type passwords there.
func (p *Proxy) logRefused(r *http.Request, x *exchange, result password.Result) {
	p.observer.Count(observe.Refused)
	p.log.Request(r, slog.LevelWarn, "credentials refused", slog.String("area", x.scope.Name),
		slog.String("client", x.client.String()), slog.Duration("locked", result.Wait))
}
