package authproxy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// connectionOwner is who a request in flight, or what has become of it, is open for. It never changes.
type connectionOwner struct {
	proxy   *Proxy
	path    string
	session *session.Session // nil where no login is required, or credentials came with the request
	under   session.Secret   // that leads to session
	bearer  *bearer          // token that came with the request; nil otherwise
	basic   *session.Grant   // by the password that came with the request; nil otherwise
}

var _ registry.Owner = (*connectionOwner)(nil)

// newConnectionOwner is for a request that may go to the app. The session owns it only where the session is what opens the path.
func (p *Proxy) newConnectionOwner(x *exchange) *connectionOwner {
	o := &connectionOwner{proxy: p, path: x.path, bearer: x.bearer}
	switch {
	case x.bearer != nil || x.scope.Open():
	case x.session != nil && x.policy.lets(x.path, x.session, nil):
		o.session, o.under = x.session, x.policy.keys[0]
	case x.basic.Verdict == password.Right:
		o.basic = &session.Grant{Area: x.scope.Name, Fingerprint: x.scope.Fingerprint(x.basic.Name)}
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
	pol := o.proxy.policy.Load()
	switch s := o.session; {
	case s != nil && (!now.Before(s.Expires) || pol.outlived(o.path, s, now)):
		return registry.End
	case !o.allowed(pol), o.bearer != nil && !now.Before(o.bearer.expires):
		return registry.Deny
	case s != nil && pol.due(o.path, s, now):
		o.proxy.renewOpen(pol, s, pol.rules.Scope(o.path).Name)
	}
	return registry.Keep
}

// allowed reports whether pol still allows what an older policy may have allowed. A session under a secret that is no
// longer in use could not be found any more.
func (o *connectionOwner) allowed(pol *policy) bool {
	if o.basic != nil {
		scope := pol.rules.Scope(o.path)
		return scope.Open() || pol.holds(scope, o.basic)
	}
	return pol.lets(o.path, o.session, o.bearer) && (o.session == nil || slices.Contains(pol.keys, o.under))
}

// Alive implements registry.Owner. What the session has become since, in whichever process, the connection belongs to
// from then on.
func (o *connectionOwner) Alive(now time.Time, use bool) bool {
	ask := o.proxy.sessions.Look
	if use {
		ask = o.proxy.sessions.Use
	}
	stored, err := ask(context.Background(), o.session.Key, now)
	if err == nil && (stored.Key != o.session.Key || stored.Version != o.session.Version) {
		o.proxy.move(o.session.Key, stored, o.proxy.policy.Load())
	}
	return !errors.Is(err, session.ErrNotFound)
}

// move hands what is in flight of one session over to its successor, as far as pol allows it with what that one grants.
func (p *Proxy) move(from session.Key, to *session.Session, pol *policy) {
	p.inFlight.Move(registry.Key(from), func(was registry.Owner) registry.Owner {
		o := *was.(*connectionOwner)
		if !pol.lets(o.path, to, nil) {
			return nil
		}
		if from != to.Key { // a key belongs to the secret that it was made with
			o.under = pol.keys[0]
		}
		o.session = to
		return &o
	})
}

// Begin registers the request, which goes to the app now. It implements upstream.Hooks.
func (x *exchange) Begin(ctx context.Context, t upstream.Transfer) {
	x.tracked = x.proxy.inFlight.Add(ctx, x.proxy.newConnectionOwner(x), t)
}

// Done implements upstream.Hooks.
func (x *exchange) Done() {
	if x.tracked != nil { // else it has become a WebSocket
		x.tracked.Remove()
	}
}

// Upgrade implements upstream.Hooks: it keeps track of a WebSocket, so that it ends with its session.
func (x *exchange) Upgrade(t upstream.Transfer) (closed func(), ok bool) {
	if !x.tracked.Upgrade(t) {
		return nil, false
	}
	x.writer.status = http.StatusSwitchingProtocols
	webSocket, observer := x.tracked, x.proxy.observer
	x.tracked = nil // it outlives the request
	observer.WebSockets(1)
	return func() {
		webSocket.Remove()
		observer.WebSockets(-1)
	}, true
}
