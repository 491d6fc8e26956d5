package authproxy

import (
	"log/slog"
	"mime"
	"net/http"
	"time"

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

// loginForm is what the login page shows.
type loginForm struct {
	Token, Next, Username string
	Problem               string
}

// showLogin is GET /_auth/login?next=/where/to/go.
func (p *Proxy) showLogin(w http.ResponseWriter, r *http.Request, x *exchange) {
	p.renderLogin(w, r, x, http.StatusOK, loginForm{Next: localTarget(r.URL.Query().Get("next"))})
}

func (p *Proxy) renderLogin(w http.ResponseWriter, r *http.Request, x *exchange, code int, form loginForm) {
	nonce, ok := p.loginNonce(r, x)
	if !ok {
		id, err := session.NewID(p.random)
		if err != nil {
			p.refuse(w, r, http.StatusInternalServerError, "Logging in is not possible at the moment.")
			return
		}
		nonce = string(id)
		p.setCookie(w.Header(), cookieLogin, p.signer.sign(purposeCookie, nonce, loginValid), x.https, loginValid)
	}
	form.Token = p.signer.sign(purposeForm, nonce, loginValid)
	p.pages.login(w, r, code, form)
}

// loginNonce returns what ties this browser to its login pages: tabs share it.
func (p *Proxy) loginNonce(r *http.Request, x *exchange) (string, bool) {
	for _, value := range cookieValues(make([]string, 0, maxCandidates), r.Header, p.cookieName(cookieLogin, x.https)) {
		if nonce, ok := p.signer.verify(purposeCookie, value); ok {
			return nonce, true
		}
	}
	return "", false
}

// postLogin is POST /_auth/login with the form's fields.
func (p *Proxy) postLogin(w http.ResponseWriter, r *http.Request, x *exchange) {
	if site := r.Header.Get("Sec-Fetch-Site"); !p.sameOrigin(r) || site != "" && site != "same-origin" && site != "none" {
		p.refuse(w, r, http.StatusForbidden, "This form was sent from another site.")
		return
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		p.refuse(w, r, http.StatusUnsupportedMediaType, "This is no login form.")
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(p.now().Add(loginRead)) // a writer without deadlines has none to miss
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginBody)
	if err := r.ParseForm(); err != nil {
		p.refuse(w, r, http.StatusBadRequest, "This is no login form.")
		return
	}
	_ = control.SetReadDeadline(time.Time{})

	form := loginForm{Next: localTarget(r.PostForm.Get("next")), Username: r.PostForm.Get("username")}
	nonce, ok := p.signer.verify(purposeForm, r.PostForm.Get("token"))
	if bound, here := p.loginNonce(r, x); !ok || !here || nonce != bound {
		form.Problem = "This page had expired, or your browser keeps no cookies. Please try again."
		p.renderLogin(w, r, x, http.StatusForbidden, form)
		return
	}
	p.checkLogin(w, r, x, form)
}

func (p *Proxy) checkLogin(w http.ResponseWriter, r *http.Request, x *exchange, form loginForm) {
	path, _ := parseTarget(form.Next)
	x.area = p.rules.of(path)
	if !x.area.password { // only possible where the visitor made up the form's target
		http.Redirect(w, r, form.Next, http.StatusSeeOther)
		return
	}
	result := p.passwords.Check(r.Context(), x.area.name, form.Username, r.PostForm.Get("password"), x.client)
	switch result.Verdict {
	case password.Right:
		p.loggedIn(w, r, x, form.Next, result.Name)
	case password.Locked:
		p.logRefused(r, x, result)
		setRetryAfter(w, result.Wait)
		form.Problem = "Too many wrong passwords. Please wait a while before you try again."
		p.renderLogin(w, r, x, http.StatusTooManyRequests, form)
	case password.Busy:
		p.refuse(w, r, http.StatusServiceUnavailable, "Too busy to check the password.")
	default:
		p.logRefused(r, x, result)
		form.Problem = "User name or password is wrong."
		p.renderLogin(w, r, x, http.StatusForbidden, form)
	}
}

// loggedIn starts a session under a new id. What the visitor's one session granted elsewhere goes on; every id
// that the browser sent ends here, planted ones included.
func (p *Proxy) loggedIn(w http.ResponseWriter, r *http.Request, x *exchange, next, name string) {
	old := p.presented(r, x)
	var grants []session.Grant
	if len(old) == 1 {
		for _, g := range old[0].Grants {
			if g.Area != x.area.name {
				grants = append(grants, g)
			}
		}
	}
	grants = append(grants, session.Grant{Area: x.area.name, Identity: passwordIdentity(name)})
	id, s, err := p.begin(r, grants)
	if err != nil {
		p.logStoreError(r, err)
		p.refuse(w, r, http.StatusInternalServerError, "Logging in is not possible at the moment.")
		return
	}
	if len(old) == 1 {
		p.live.move(old[0].Key, s)
	}
	p.end(r, old)
	p.setCookie(w.Header(), cookieSession, string(id), x.https, p.config.SessionLifetime)
	w.Header().Set("Cache-Control", "no-store")
	p.log.LogAttrs(r.Context(), slog.LevelInfo, "logged in", slog.String("area", x.area.name), slog.String("user", name),
		slog.String("client", x.client.String()), slog.String("by", "form"))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// logRefused notes a failed login, without the name: people type passwords there.
func (p *Proxy) logRefused(r *http.Request, x *exchange, result password.Result) {
	p.log.LogAttrs(r.Context(), slog.LevelWarn, "credentials refused", slog.String("area", x.area.name),
		slog.String("client", x.client.String()), slog.Duration("locked", result.Wait))
}
