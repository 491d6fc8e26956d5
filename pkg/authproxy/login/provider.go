package login

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// askForLogin answers a page visit that needs a login at a provider: by the redirect to it, or the choice between several.
func (f *Flows) askForLogin(w http.ResponseWriter, r *http.Request, st *authn.State) {
	next := returnTarget(r, st)
	switch providers := st.Policy.Providers; {
	case f.redirectToBase(w, r, st, "", next):
	case len(providers) == 1:
		f.beginLogin(w, r, st, providers[0], next)
	default:
		f.pages.Redirect(w, loginPage("", next), http.StatusFound)
	}
}

// returnTarget is where the user wanted to go. A form that was posted after its session had ended cannot be posted again,
// so that the login leads to the start of the scope instead.
func returnTarget(r *http.Request, st *authn.State) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return st.Policy.Rules.LocalTarget(r.RequestURI)
	}
	return st.Policy.Rules.LocalTarget(st.Scope.Path)
}

// loginPage is the address of the login page, or of the login at one provider, that leads back to next.
func loginPage(provider, next string) string {
	address := target.Login
	if provider != "" {
		address += "/" + provider
	}
	if escaped := url.QueryEscape(next); next != "/" && len(escaped) <= target.MaxLocal {
		address += "?next=" + escaped
	}
	return address
}

// showProviders is GET /_auth/login?next=/where/to/go where providers protect that path.
func (f *Flows) showProviders(w http.ResponseWriter, r *http.Request, st *authn.State, next string) {
	if len(st.Policy.Providers) == 1 {
		f.beginLogin(w, r, st, st.Policy.Providers[0], next)
		return
	}
	choice := pages.Message{Code: http.StatusOK, Title: "Log in", Text: "Choose an account to log in with."}
	for _, pr := range st.Policy.Providers {
		choice.Links = append(choice.Links, pages.Link{Text: "Log in with " + titled(pr.Name()), Href: loginPage(pr.Name(), next)})
	}
	f.pages.Choice(w, r, choice)
}

// chosenLogin is GET /_auth/login/<provider>?next=/where/to/go.
func (f *Flows) chosenLogin(w http.ResponseWriter, r *http.Request, st *authn.State, name string) {
	pr := st.Policy.Named(name)
	if pr == nil || name == "" {
		f.pages.Refuse(w, r, http.StatusNotFound, "Page not found.")
		return
	}
	next := st.Policy.Rules.LocalTarget(r.URL.Query().Get("next"))
	if !f.redirectToBase(w, r, st, name, next) {
		f.beginLogin(w, r, st, pr, next)
	}
}

// titled capitalizes a provider's name for people: "Azure Ad" for azure-ad.
func titled(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' })
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:] // names are ASCII
	}
	return strings.Join(words, " ")
}

// beginLogin redirects the browser to a provider, and gives it the cookie that the callback is checked against.
func (f *Flows) beginLogin(w http.ResponseWriter, r *http.Request, st *authn.State, pr *authn.Provider, next string) {
	kept, err := f.returns.keep(next, f.random, st.Now)
	if err != nil {
		f.refuseFailed(w, r)
		return
	}
	address, t, err := pr.Begin(r.Context(), kept)
	if err != nil {
		f.log.Request(r, slog.LevelWarn, "login not possible", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
		f.pages.Say(w, r, f.providerFailure(w, err, loginPage(pr.Name(), next), r.Method != http.MethodPost))
		return
	}
	f.keepTransaction(w.Header(), r, st, t, next)
	f.pages.Redirect(w, address, http.StatusFound)
}

// retryProvider is how long a page about a provider that is down waits before it loads itself again.
const retryProvider = 10 * time.Second

// providerFailure is the page about a provider that cannot be used now, or not at all. again is the address at which to try
// again.
func (f *Flows) providerFailure(w http.ResponseWriter, err error, again string, reload bool) pages.Message {
	if errors.Is(err, oidc.ErrMisconfigured) {
		return pages.Message{Code: http.StatusInternalServerError, Title: "The login is set up wrongly", Detail: refusalOf(err),
			Text: "The settings of this app do not match its login provider. Trying again does not help; the administrator of the app can find the reason in its log."}
	}
	seconds := setRetryAfter(w, retryProvider)
	m := pages.Message{Code: http.StatusServiceUnavailable, Title: "The login provider does not answer", Detail: refusalOf(err),
		Text:  "New logins work once it is back. Users who are already logged in can continue.",
		Links: []pages.Link{{Text: "Try again", Href: again}}}
	if reload {
		m.Refresh = seconds
		m.Text += " This page tries again by itself."
	}
	return m
}

// refusalOf is what the provider said, in characters that are safe to show, else what to do about it; empty if it said
// nothing. On a callback the provider's words are part of the address, which the user sees anyway.
func refusalOf(err error) string {
	var refusal *oidc.Refusal
	if !errors.As(err, &refusal) {
		return ""
	}
	if refusal.Description != "" {
		return refusal.Description + " (" + refusal.Code + ")"
	}
	if advice := refusal.Hint(); advice != "" {
		return refusal.Code + ": " + advice
	}
	return refusal.Code
}
