package devidp

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	scopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
	scopeOffline = "offline_access" // asks for a refresh token
	scopeGroups  = "groups"
)

func scopes() []string {
	return []string{scopeOpenID, scopeProfile, scopeEmail, scopeOffline, scopeGroups}
}

const (
	maxAudience = 1024 // bytes
	s256Length  = 43   // characters of a SHA-256 in base64url
)

// request is what the application has asked for, and is kept while the user has the login page open.
type request struct {
	redirectURI, state, nonce, challenge string

	scopes    []string
	audience  string // Auth0's parameter: the audience of the access token
	prompt    []string
	maxAge    time.Duration // of the user's login here; negative where nothing was said
	loginHint string
}

// authorize leads to the page where the user is chosen, or back with an error. It stays here with requests that name no
// place to go back to, since the place could be anybody's.
func (e *endpoints) authorize(w http.ResponseWriter, r *http.Request) {
	if reason := e.unanswerable(r); reason != "" {
		http.Error(w, reason, http.StatusBadRequest)
		return
	}
	asked := request{
		redirectURI: r.FormValue("redirect_uri"), state: r.FormValue("state"), nonce: r.FormValue("nonce"),
		challenge: r.FormValue("code_challenge"), audience: r.FormValue("audience"), prompt: strings.Fields(r.FormValue("prompt")),
		maxAge: -1, loginHint: r.FormValue("login_hint"),
		scopes: slices.DeleteFunc(strings.Fields(r.FormValue("scope")), func(s string) bool { return !slices.Contains(scopes(), s) }),
	}
	if text := r.FormValue("max_age"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			asked.refuse(w, r, &refusal{"invalid_request", "max_age is not a number of seconds"})
			return
		}
		asked.maxAge = time.Duration(seconds) * time.Second
	}
	switch mode := r.FormValue("response_mode"); {
	case r.FormValue("code_challenge_method") != "S256" || len(asked.challenge) != s256Length:
		asked.refuse(w, r, &refusal{"invalid_request", "PKCE is needed: a code_challenge with the method S256"})
	case !slices.Contains(asked.scopes, scopeOpenID):
		asked.refuse(w, r, &refusal{"invalid_scope", "the scope lacks openid"})
	case mode != "" && mode != "query":
		asked.refuse(w, r, &refusal{"invalid_request", "the only response_mode is query"})
	case slices.Contains(asked.prompt, "none") && len(asked.prompt) > 1:
		asked.refuse(w, r, &refusal{"invalid_request", "prompt cannot be none and something else"})
	default:
		id, err := putNew(e.store, e.store.requests, asked, requestLife)
		if err != nil {
			e.failed(w, err)
			return
		}
		http.Redirect(w, r, choosePath+"?id="+id, http.StatusFound)
	}
}

// unanswerable says why the browser cannot be sent back, "" where it can.
func (e *endpoints) unanswerable(r *http.Request) string {
	audience := r.FormValue("audience")
	switch {
	case r.FormValue("client_id") != clientID:
		return "the client_id is not that of the development login"
	case !e.store.isRedirect(r.FormValue("redirect_uri")):
		return "the redirect_uri is not registered"
	case r.FormValue("response_type") != "code":
		return "the only response_type is code"
	case len(audience) > maxAudience || strings.ContainsFunc(audience, isControl):
		return "the audience is too long or contains control characters"
	}
	return ""
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// mustAsk reports whether the page is to be shown to a user who is logged in already.
func (a *request) mustAsk(s session, now time.Time) bool {
	return slices.ContainsFunc([]string{"login", "select_account", "consent"}, func(p string) bool { return slices.Contains(a.prompt, p) }) ||
		a.maxAge >= 0 && !now.Before(s.at.Add(a.maxAge))
}

// silent reports whether no page may be shown.
func (a *request) silent() bool { return slices.Contains(a.prompt, "none") }

func (a *request) refuse(w http.ResponseWriter, r *http.Request, why *refusal) {
	a.goBack(w, r, url.Values{"error": {why.code}, "error_description": {why.description}})
}

// goBack sends the browser back to the application.
func (a *request) goBack(w http.ResponseWriter, r *http.Request, answer url.Values) {
	if a.state != "" {
		answer.Set("state", a.state)
	}
	redirect(w, r, a.redirectURI, answer)
}

// redirect leads to a registered address, with more in its query.
func redirect(w http.ResponseWriter, r *http.Request, address string, more url.Values) {
	at, err := url.Parse(address)
	if err != nil {
		http.Error(w, "the registered address is not a URL", http.StatusInternalServerError)
		return
	}
	q := at.Query()
	for name, values := range more {
		q[name] = values
	}
	at.RawQuery = q.Encode()
	http.Redirect(w, r, at.String(), http.StatusFound)
}
