package devidp

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// session is somebody who is logged in here, known by a cookie.
type session struct {
	user User
	id   string // in ID tokens as sid; the cookie's value is another, and secret
	at   time.Time
}

// grant is what one login lets the application have, from its code to its last refresh token.
type grant struct {
	session  session
	scopes   []string
	audience string // of the access token; empty makes one that is for nobody but us
}

func (g *grant) GetAMR() []string       { return nil } // nothing was proven
func (g *grant) GetAudience() []string  { return []string{clientID} }
func (g *grant) GetAuthTime() time.Time { return g.session.at }
func (g *grant) GetClientID() string    { return clientID }
func (g *grant) GetScopes() []string    { return g.scopes }
func (g *grant) GetSubject() string     { return g.session.user.subject() }

// authRequest is somebody's way through the login page, as the library wants to see it.
type authRequest struct {
	grant
	asked oidc.AuthRequest
	id    string
	done  bool // somebody was chosen: session holds whom
}

var _ op.AuthRequest = (*authRequest)(nil)

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetNonce() string                   { return a.asked.Nonce }
func (a *authRequest) GetRedirectURI() string             { return a.asked.RedirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return a.asked.ResponseType }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.asked.ResponseMode }
func (a *authRequest) GetState() string                   { return a.asked.State }
func (a *authRequest) Done() bool                         { return a.done }
func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.asked.CodeChallenge, Method: a.asked.CodeChallengeMethod}
}

// mustAsk reports whether the page is to be shown to somebody who is logged in already.
func (a *authRequest) mustAsk(s session, now time.Time) bool {
	for _, p := range a.asked.Prompt {
		if p == oidc.PromptLogin || p == oidc.PromptSelectAccount || p == oidc.PromptConsent {
			return true
		}
	}
	return a.asked.MaxAge != nil && !now.Before(s.at.Add(time.Duration(*a.asked.MaxAge)*time.Second))
}

// silent reports whether no page may be shown.
func (a *authRequest) silent() bool {
	return len(a.asked.Prompt) == 1 && a.asked.Prompt[0] == oidc.PromptNone
}

// refreshRequest is a refresh token that has come back.
type refreshRequest struct{ grant }

var _ op.RefreshTokenRequest = (*refreshRequest)(nil)

func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }

// forAudience is the same grant for the one who is to get the access token.
type forAudience struct{ *grant }

func (f forAudience) GetAudience() []string { return []string{f.audience} }
