package authproxy

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// askForLogin answers a page visit to what a provider guards: with the way to the provider, or the choice between
// several.
func (p *Proxy) askForLogin(w http.ResponseWriter, r *http.Request, x *exchange) {
	next := returnTarget(r, x)
	switch providers := x.policy.providers; {
	case p.moved(w, r, x, "", next):
	case len(providers) == 1:
		p.beginLogin(w, r, x, providers[0], next)
	default:
		x.redirect(w, loginPage("", next), http.StatusFound)
	}
}

// returnTarget is where a visitor wanted to go; after a form has been posted into an ended session, the beginning
// of the area.
func returnTarget(r *http.Request, x *exchange) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return x.policy.rules.LocalTarget(r.RequestURI)
	}
	return x.policy.rules.LocalTarget(x.scope.Path)
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

// showProviders is GET /_auth/login?next=/where/to/go where providers guard that place.
func (p *Proxy) showProviders(w http.ResponseWriter, r *http.Request, x *exchange, next string) {
	if len(x.policy.providers) == 1 {
		p.beginLogin(w, r, x, x.policy.providers[0], next)
		return
	}
	choice := pages.Message{Code: http.StatusOK, Title: "Log in", Text: "Choose an account to log in with."}
	for _, pr := range x.policy.providers {
		choice.Links = append(choice.Links, pages.Link{Text: "Log in with " + titled(pr.Name()), Href: loginPage(pr.Name(), next)})
	}
	p.pages.Choice(w, r, choice)
}

// chosenLogin is GET /_auth/login/<provider>?next=/where/to/go.
func (p *Proxy) chosenLogin(w http.ResponseWriter, r *http.Request, x *exchange, name string) {
	pr := x.policy.named(name)
	if pr == nil || name == "" {
		p.pages.Refuse(w, r, http.StatusNotFound, "Page not found.")
		return
	}
	next := x.policy.rules.LocalTarget(r.URL.Query().Get("next"))
	if !p.moved(w, r, x, name, next) {
		p.beginLogin(w, r, x, pr, next)
	}
}

// titled writes a provider's name as people do: google, azure-ad.
func titled(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' })
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:] // names are ASCII
	}
	return strings.Join(words, " ")
}

// beginLogin sends the visitor to a provider, with a cookie that the callback has to fit.
func (p *Proxy) beginLogin(w http.ResponseWriter, r *http.Request, x *exchange, pr *provider, next string) {
	kept, err := p.returns.keep(next, p.random, x.now)
	if err != nil {
		p.pages.Refuse(w, r, http.StatusInternalServerError, "Logging in is not possible at the moment.")
		return
	}
	address, t, err := pr.Begin(r.Context(), kept)
	if err != nil {
		p.log.Request(r, slog.LevelWarn, "login not possible", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
		p.pages.Say(w, r, p.providerFailure(w, err, loginPage(pr.Name(), next), r.Method != http.MethodPost))
		return
	}
	p.keepTransaction(w.Header(), r, x, t, next)
	x.redirect(w, address, http.StatusFound)
}

// retryProvider is after how many seconds a page about a provider that is down loads itself again.
const retryProvider = 10

// providerFailure is the page about a provider that cannot be used now, or not at all. again leads to another try.
func (p *Proxy) providerFailure(w http.ResponseWriter, err error, again string, reload bool) pages.Message {
	if errors.Is(err, oidc.ErrMisconfigured) {
		return pages.Message{Code: http.StatusInternalServerError, Title: "The login is set up wrongly", Detail: refusalOf(err),
			Text: "The settings of this app do not match its login provider. Trying again does not help; the administrator of the app finds the reason in its log."}
	}
	w.Header().Set("Retry-After", strconv.Itoa(retryProvider))
	m := pages.Message{Code: http.StatusServiceUnavailable, Title: "The login provider does not answer", Detail: refusalOf(err),
		Text:  "New logins work once it is back. Users who are already logged in can continue.",
		Links: []pages.Link{{Text: "Try again", Href: again}}}
	if reload {
		m.Refresh = retryProvider
		m.Text += " This page tries again by itself."
	}
	return m
}

// refusalOf is what the provider said, in characters that are safe to show, else what to do about it; empty where it
// said nothing. The provider's words come out of the visitor's own address bar.
func refusalOf(err error) string {
	var refusal *oidc.Refusal
	if !errors.As(err, &refusal) {
		return ""
	}
	if refusal.Description != "" {
		return refusal.Description + " (" + refusal.Code + ")"
	}
	if advice := refusal.Advice(); advice != "" {
		return refusal.Code + ": " + advice
	}
	return refusal.Code
}
