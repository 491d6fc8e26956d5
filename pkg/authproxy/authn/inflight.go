package authn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// connectionOwner is the user of a request or WebSocket in flight. It never changes.
type connectionOwner struct {
	auth    *Authenticator
	path    string
	session *session.Session // nil where no login is required, or credentials came with the request
	secret  session.Secret   // with which the key of session was made
	bearer  *bearer          // of the token in the request; nil without one
	basic   *session.Grant   // of the password in the request; nil without one
}

var _ registry.Owner = (*connectionOwner)(nil)

// Owner returns the owner of a request that may go to the app, for the registry of what is in flight. A session owns the
// request only if it is what gives access to the path.
func (a *Authenticator) Owner(st *State) registry.Owner {
	o := &connectionOwner{auth: a, path: st.Path, bearer: st.bearer}
	switch {
	case st.bearer != nil || st.Scope.Open():
	case st.Session != nil && st.Policy.allows(st.Path, st.Session, nil):
		o.session, o.secret = st.Session, st.Policy.secrets[0]
	case st.Basic.Verdict == password.Right:
		o.basic = &session.Grant{Scope: st.Scope.Name, Fingerprint: st.Scope.Fingerprint(st.Basic.Name)}
	}
	return o
}

// Key implements registry.Owner.
func (o *connectionOwner) Key() registry.Key {
	if o.session == nil {
		return registry.Key{}
	}
	return registry.Key(o.session.Key)
}

// IdleTimeout implements registry.Owner.
func (o *connectionOwner) IdleTimeout() time.Duration { return o.session.Idle }

// Check implements registry.Owner. Tokens whose time has come are renewed in the background.
func (o *connectionOwner) Check(now time.Time) registry.Verdict {
	pol := o.auth.policy.Load()
	switch s := o.session; {
	case s != nil && (!now.Before(s.Expires) || pol.outlived(o.path, s, now)):
		return registry.End
	case !o.allowed(pol), o.bearer != nil && !now.Before(o.bearer.expires):
		return registry.Deny
	case s != nil && pol.due(o.path, s, now):
		o.auth.renewOpen(pol, s, pol.Rules.Scope(o.path).Name)
	}
	return registry.Keep
}

// allowed reports whether pol still allows what an older policy has allowed. The secret of a session must still be in use,
// since its next request could not be matched to it otherwise.
func (o *connectionOwner) allowed(pol *Policy) bool {
	if o.basic != nil {
		scope := pol.Rules.Scope(o.path)
		return scope.Open() || pol.holds(scope, o.basic)
	}
	return pol.allows(o.path, o.session, o.bearer) && (o.session == nil || slices.Contains(pol.secrets, o.secret))
}

// Alive implements registry.Owner. If the session has changed meanwhile, in this or another process, what is in flight moves
// to its latest version.
func (o *connectionOwner) Alive(now time.Time, use bool) bool {
	ask := o.auth.sessions.Look
	if use {
		ask = o.auth.sessions.Use
	}
	stored, err := ask(context.Background(), o.session.Key, now)
	if err == nil && (stored.Key != o.session.Key || stored.Version != o.session.Version) {
		o.auth.move(o.session.Key, stored, o.auth.policy.Load())
	}
	return !errors.Is(err, session.ErrNotFound)
}

// move makes what is in flight of a session belong to a later version of it or to its successor, and ends what pol does not
// allow with the grants of that one.
func (a *Authenticator) move(from session.Key, to *session.Session, pol *Policy) {
	a.inFlight.Move(registry.Key(from), func(was registry.Owner) registry.Owner {
		o := *was.(*connectionOwner)
		if !pol.allows(o.path, to, nil) {
			return nil
		}
		if from != to.Key { // a key belongs to the secret that it was made with
			o.secret = pol.secrets[0]
		}
		o.session = to
		return &o
	})
}
