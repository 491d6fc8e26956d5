package authn

import (
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Authenticate finds out who sends a request to st.Path: by the session cookie, else by credentials in the Authorization
// header. A session comes first, because the pages of an app may use that header for purposes of their own.
func (a *Authenticator) Authenticate(r *http.Request, st *State) {
	st.Scope = st.Policy.Rules.Scope(st.Path)
	a.Recognize(r, st)
	switch {
	case st.Grant != nil && st.Grant.Login != nil:
		a.KeepFresh(r, st)
	case st.User == nil && st.Scope.Provider:
		a.tryBearer(r, st)
	}
}

// Recognize looks for a session, and for Basic credentials where st.Scope takes them.
func (a *Authenticator) Recognize(r *http.Request, st *State) {
	found := a.Presented(r, st)
	switch {
	case len(found) > 1: // it is impossible to tell which one is the user's (security class 10)
		st.Conflicting, st.pendingCookie = found, nil
	case len(found) == 1:
		st.Session = found[0]
		if g := st.Session.Grant(st.Scope.Name); g != nil && st.Policy.holds(st.Scope, g) {
			st.Grant, st.User = g, &g.Identity
		}
	}
	if st.User == nil && st.Scope.Password {
		a.tryBasic(r, st, found)
	}
}

// tryBasic checks Basic credentials. A client without a session gets one, since browsers do not send credentials with a
// WebSocket and frameworks use the Authorization header themselves.
func (a *Authenticator) tryBasic(r *http.Request, st *State, presented []*session.Session) {
	if st.Policy.Config.PasswordMode == config.ModeForm {
		return
	}
	st.Basic = st.Policy.Passwords.Basic(r.Context(), st.Scope.Name, r.Header.Get("Authorization"), st.Client.Addr, st.Connection.lastCredential())
	switch st.Basic.Verdict {
	case password.Wrong, password.Locked:
		a.LogRefused(r, st, st.Basic)
	case password.Right:
		if st.Session == nil || !a.GrantsAnything(st) {
			a.End(r, presented)
			a.basicSession(r, st)
		}
		if st.User == nil {
			who := identity.OfPassword(st.Basic.Name)
			st.User = &who
		}
	}
}

// GrantsAnything reports whether the session still gives access to any scope. One that does not is replaced.
func (a *Authenticator) GrantsAnything(st *State) bool {
	for i := range st.Session.Grants {
		if g := &st.Session.Grants[i]; st.Policy.holds(st.Policy.Rules.Named(g.Scope), g) {
			return true
		}
	}
	return false
}

// basicSessions finds the session of a credential, address and user agent, so that a program that ignores cookies does not
// fill the store with one session per request. Identical browsers that send the same credential from one address share a
// session too, since nothing in a first request distinguishes them from a program: when one logs out, the others' WebSockets
// close as well, and their credentials start the next session at once.
type basicSessions = expiring.Map[basicClient, basicSession]

type basicClient struct {
	credential password.Key
	from       netip.Addr
	agent      string
	https      bool
}

type basicSession struct {
	id     session.ID
	secret session.Secret // with which key was made from id
	key    session.Key
	cookie []string // values of Set-Cookie, never changed
}

const maxBasicSessions = 1024

func newBasicSessions() *basicSessions {
	return expiring.New[basicClient, basicSession](maxBasicSessions)
}

func (a *Authenticator) basicSession(r *http.Request, st *State) {
	agent := r.Header.Get("User-Agent")
	client := basicClient{st.Basic.Key, st.Client.Addr, agent[:min(len(agent), 256)], st.Client.HTTPS}
	if made, ok := a.basics.Get(client, st.Now); ok {
		if s := a.lookupMade(r, st, &made); s != nil {
			if g := s.Grant(st.Scope.Name); g != nil && st.Policy.holds(st.Scope, g) {
				st.Session, st.User = s, &g.Identity
				if !st.Connection.cookieSent(r, made.cookie[0], st.Now) {
					st.pendingCookie = made.cookie
				}
				return
			}
		}
	}
	who := identity.OfPassword(st.Basic.Name)
	id, s, err := a.begin(r, st, []session.Grant{{Scope: st.Scope.Name, Identity: who, Fingerprint: st.Scope.Fingerprint(who.Name)}})
	if err != nil {
		a.LogStoreError(r, err) // the credentials are good for this request all the same
		return
	}
	st.Session, st.pendingCookie = s, []string{a.cookie(st, id, st.Policy.Config.SessionLifetime)}
	a.basics.Put(client, basicSession{id, st.Policy.secrets[0], s.Key, st.pendingCookie}, st.Now, s.Expires.Sub(st.Now))
	a.observer.Count(observe.Login)
	a.log.Request(r, slog.LevelInfo, "logged in", slog.String("scope", st.Scope.Name), slog.String("user", who.Name),
		slog.String("client", st.Client.Addr.String()), slog.String("by", "basic"))
}

// lookupMade is lookup, but computes no hash as long as the secret stays the same.
func (a *Authenticator) lookupMade(r *http.Request, st *State, made *basicSession) *session.Session {
	if made.secret == st.Policy.secrets[0] {
		if s, err := a.sessions.Use(r.Context(), made.key, st.Now); err == nil && s.Key == made.key {
			return s
		}
	}
	s, _ := a.lookup(r, st, made.id)
	return s
}

// LogRefused logs a failed login, but not the user name: people mistakenly type passwords there.
func (a *Authenticator) LogRefused(r *http.Request, st *State, result password.Result) {
	a.observer.Count(observe.Refused)
	a.log.Request(r, slog.LevelWarn, "credentials refused", slog.String("scope", st.Scope.Name),
		slog.String("client", st.Client.Addr.String()), slog.Duration("locked", result.Wait))
}
