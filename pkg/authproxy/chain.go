package authproxy

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/access"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// stage is one step on a request's way to the app. It answers the request itself or calls the next stage.
type stage func(w http.ResponseWriter, r *http.Request, x *exchange)

// exchange is what the stages have learnt about one request. It lives as long as the request and is used again.
type exchange struct {
	proxy      *Proxy
	policy     *policy     // goes for all of this request
	now        time.Time   // when it came
	connection *connection // over which; nil where it is not known

	path   string     // decoded, as the rules and the app both read it
	client netip.Addr // of the visitor; of the peer where no trusted proxy is in front
	https  bool       // the visitor's connection is encrypted
	host   string     // that the visitor asked for, maybe with a port
	scheme string     // that the visitor asked for; empty where it is not known

	scope         *access.Scope
	session       *session.Session   // alive, whatever it grants; nil without one
	conflicting   []*session.Session // in place of session where cookies lead to more than one
	grant         *session.Grant     // of the session, for this area; nil without one
	who           *identity.Identity // who asks, for this area; nil where nobody has logged in
	basic         password.Result    // outcome of Basic credentials, if any were looked at
	token         tokenState         // outcome of a token in the Authorization header
	bearer        *bearer            // that it is of, where it is good
	gone          bool               // the session has just ended, since its tokens could not be renewed
	expired       *session.Grant     // of that session, where it was for an audience: the provider has to forget it too
	sessionID     session.ID         // of session, by now; empty where it is not known here
	pendingCookie []string           // cookie of a session that the browser does not have yet, to be sent with the response

	tracked *registry.Connection            // while the request is with the app
	found   [maxCandidates]*session.Session // room for presented
	writer  statusWriter                    // room for observed
}

// chain is the whole way of a request. The order is what makes it safe:
//
//  1. checkTarget first: no rule is asked about a path that the app could read differently.
//  2. cleanHeaders before anything looks at a header: from here on nobody but us speaks about who asks and from
//     where, on every path, public ones and our own included.
//  3. checkOrigin before credentials count: a foreign page cannot use a visitor's cookie to open a WebSocket.
//  4. ownEndpoints before the login is demanded: the login page has to be reachable without one.
//  5. authenticate finds out who asks; authorize compares that with the rules and asks for a login.
//  6. identify tells the app who asks, takes away what was meant for us, and so comes last before
//  7. forward, which is the only way to the app.
func (p *Proxy) chain() stage {
	return p.checkTarget(
		p.cleanHeaders(
			p.checkOrigin(
				p.ownEndpoints(
					p.authenticate(
						p.authorize(
							p.identify(
								p.forward)))))))
}

// ServeHTTP answers one request. It changes r.Header, which is the proxy's from here on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := p.exchanges.Get().(*exchange)
	*x = exchange{}
	x.proxy, x.policy, x.now, x.connection = p, p.policy.Load(), p.now(), connectionOf(r)
	if r.ContentLength != 0 || r.ProtoMinor == 0 {
		p.frame(w, r, x.connection)
	}
	if p.observed {
		x.watched(w, r)
	} else {
		p.first(w, r, x)
	}
	// Not deferred: after a panic, which cuts the connection, x is simply not used again.
	p.exchanges.Put(x)
}
