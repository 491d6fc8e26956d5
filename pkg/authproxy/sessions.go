package authproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Tags by which sessions are ended together.
const (
	tagSubject = "subject " // and the subject of a grant, as X-Auth-Sub names it
	tagPerson  = "person "  // and issuer and subject, as a provider names somebody
	tagSID     = "sid "     // and issuer and the id of the provider's own session
	tagNoSID   = "no sid "  // and issuer and subject, where the ID token names no session of the provider's
)

// presented returns the live sessions that the client's cookies lead to. More than one distinct session means that at
// least one cookie was injected. They are in x.found until the next call. The id of a single one is in x.sessionID; where
// the client does not have it yet it goes out with the response.
func (p *Proxy) presented(r *http.Request, x *exchange) []*session.Session {
	found, changed := p.namedBy(r, x, p.cookies.Name(cookie.Session, x.https))
	if len(found) == 0 && p.formerCookies != nil {
		found, changed = p.namedBy(r, x, p.formerCookies.Name(cookie.Session, x.https))
		changed = true
	}
	if len(found) == 1 && changed && x.pendingCookie == nil {
		x.sendCookie(found[0])
	}
	return found
}

// namedBy returns the live sessions that cookies of this name lead to, and whether the first one has another id than
// its cookie says.
func (p *Proxy) namedBy(r *http.Request, x *exchange, name string) (found []*session.Session, changed bool) {
	candidates := 0
	found = x.found[:0]
	for _, c := range r.CookiesNamed(name) {
		id, ok := session.ParseID(c.Value)
		if !ok { // garbage hides nothing
			continue
		}
		if candidates++; candidates > maxCandidates {
			break
		}
		s, current := p.lookup(r, x, id)
		if s != nil && !slices.ContainsFunc(found, func(other *session.Session) bool { return other.Key == s.Key }) {
			if len(found) == 0 {
				x.sessionID, changed = current, current != id
			}
			found = append(found, s)
		}
	}
	return found, changed
}

// sendCookie gives the browser the id of a session with the response, if it is known here.
func (x *exchange) sendCookie(s *session.Session) {
	if x.sessionID != "" {
		x.pendingCookie = []string{x.proxy.cookie(cookie.Session, string(x.sessionID), x.https, s.Expires.Sub(x.now))}
	}
}

// lookup returns the live session that an id leads to, and the id that it has by now; nil where there is none. One that
// was made under an older secret is bound to the newest at this occasion.
func (p *Proxy) lookup(r *http.Request, x *exchange, id session.ID) (*session.Session, session.ID) {
	found, err := p.sessions.Find(r.Context(), x.policy.keys, id, x.now)
	switch {
	case err != nil:
		p.logStoreError(r, err)
		return nil, ""
	case found.Outdated:
		return p.rebind(r, x, found), found.ID
	}
	return found.Session, found.ID
}

// rebind binds a session that was found under an older secret to the newest, so that it outlives the other.
func (p *Proxy) rebind(r *http.Request, x *exchange, found session.Found) *session.Session {
	s, err := p.sessions.Rebind(r.Context(), x.policy.keys, found, x.now, func(next *session.Session) bool {
		if next.Key != found.Key { // another request was faster
			return false
		}
		for i := range next.Grants {
			g := &next.Grants[i]
			if scope := x.policy.rules.Named(g.Area); scope != nil && scope.Current(g.Fingerprint) != "" {
				g.Fingerprint = scope.Current(g.Fingerprint)
			}
		}
		return true
	})
	switch {
	case errors.Is(err, session.ErrNotFound):
		return nil
	case err != nil:
		p.logStoreError(r, err)
		return found.Session
	}
	p.move(found.Key, s, x.policy)
	return s
}

// begin makes a session under a new id (security class 8). sids are the tags of providers' sessions.
func (p *Proxy) begin(r *http.Request, x *exchange, grants []session.Grant, sids ...string) (session.ID, *session.Session, error) {
	s := &session.Session{Tags: x.policy.tags(grants, sids), Grants: grants,
		Created: x.now, Idle: x.policy.config.SessionIdle, Expires: x.now.Add(x.policy.config.SessionLifetime)}
	id, err := p.sessions.Create(r.Context(), x.policy.keys, s)
	return id, s, err
}

func (pol *policy) tags(grants []session.Grant, sids []string) []string {
	tags := slices.Clone(sids)
	for _, g := range grants {
		tags = append(tags, tagSubject+g.Identity.Subject)
		if g.Login != nil {
			if pr := pol.issuerOf(g.Login); pr != nil {
				tags = append(tags, tagPerson+pr.Issuer()+" "+g.Identity.Subject)
			}
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// enter starts the session of somebody who has just logged in and sends its cookie with the response. What the user's
// one session granted elsewhere goes on; every id that the browser sent ends here, injected ones included. It is
// false where that failed, and then the response is complete.
func (p *Proxy) enter(w http.ResponseWriter, r *http.Request, x *exchange, g session.Grant, sids ...string) bool {
	old := p.presented(r, x)
	var grants []session.Grant
	if len(old) == 1 {
		for _, kept := range old[0].Grants {
			if kept.Area == g.Area || !x.policy.holds(x.policy.rules.Named(kept.Area), &kept) {
				continue
			}
			grants = append(grants, kept)
			if kept.Login != nil {
				sids = append(sids, sidsOf(old[0])...)
			}
		}
	}
	id, s, err := p.begin(r, x, append(grants, g), sids...)
	if err != nil {
		p.logStoreError(r, err)
		p.pages.Refuse(w, r, http.StatusInternalServerError, "Logging in is not possible at the moment.")
		return false
	}
	if len(old) == 1 && samePerson(old[0].Grant(g.Area), &g) {
		p.move(old[0].Key, s, x.policy)
	}
	p.end(r, old)
	p.setCookie(w.Header(), cookie.Session, string(id), x.https, x.policy.config.SessionLifetime)
	w.Header().Set("Cache-Control", "no-store")
	p.observer.Count(observe.Login)
	return true
}

// samePerson reports whether a grant takes the place of another's, or of none: a WebSocket that was opened in the name
// of one person is not handed to the next.
func samePerson(old, g *session.Grant) bool {
	if old == nil {
		return true
	}
	return old.Identity.Subject == g.Identity.Subject && (old.Login == nil) == (g.Login == nil) &&
		(g.Login == nil || old.Login.Provider == g.Login.Provider)
}

func sidsOf(s *session.Session) []string {
	var sids []string
	for _, tag := range s.Tags {
		if strings.HasPrefix(tag, tagSID) || strings.HasPrefix(tag, tagNoSID) {
			sids = append(sids, tag)
		}
	}
	return sids
}

// end ends sessions and what is open of them, although the client may not wait for that.
func (p *Proxy) end(r *http.Request, sessions []*session.Session) {
	if _, err := p.endAll(r.Context(), sessions...); err != nil {
		p.logStoreError(r, err)
	}
}

// endAll is end. It returns how many sessions have ended now: of many requests that end one, one is told so.
func (p *Proxy) endAll(ctx context.Context, sessions ...*session.Session) (n int, err error) {
	var failed []error
	for _, s := range sessions {
		keys, err := p.sessions.End(ctx, s.Key)
		failed = append(failed, err)
		n += len(keys)
		p.inFlight.End(registry.Key(s.Key))
		for _, key := range keys {
			p.inFlight.End(registry.Key(key))
		}
	}
	return n, errors.Join(failed...)
}

// EndOwner ends every session of a subject and what is open of them. The subject is what X-Auth-Sub told the app:
// a provider's sub, or "password|" and the user name. Two providers may name two people alike; both are logged out.
func (p *Proxy) EndOwner(ctx context.Context, subject string) error {
	_, err := p.endTagged(ctx, tagSubject+subject)
	return err
}

// endTagged ends all sessions with a tag and returns how many there were.
func (p *Proxy) endTagged(ctx context.Context, tag string) (int, error) {
	keys, err := p.sessions.EndTagged(ctx, tag)
	for _, key := range keys {
		p.inFlight.End(registry.Key(key))
	}
	return len(keys), err
}

// endAtProvider ends what a logout token says is over: the sessions with its sid, or all of its subject. Where it names
// both, those of the subject whose ID token has named no session may be the one that is meant (Back-Channel Logout, 2.4).
func (p *Proxy) endAtProvider(ctx context.Context, issuer string, token oidc.LogoutToken) (int, error) {
	switch {
	case token.SessionID == "":
		return p.endTagged(ctx, tagPerson+issuer+" "+token.Subject)
	case token.Subject == "":
		return p.endTagged(ctx, tagSID+issuer+" "+token.SessionID)
	}
	named, err := p.endTagged(ctx, tagSID+issuer+" "+token.SessionID)
	nameless, err2 := p.endTagged(ctx, tagNoSID+issuer+" "+token.Subject)
	return named + nameless, errors.Join(err, err2)
}

// noteStoreError is logStoreError where there is no request.
func (p *Proxy) noteStoreError(ctx context.Context, err error) {
	if err != nil {
		p.log.LogAttrs(ctx, slog.LevelError, "session store failed", slog.String("error", err.Error()))
	}
}

func (p *Proxy) logStoreError(r *http.Request, err error) {
	if !errors.Is(err, session.ErrNotFound) && !errors.Is(err, context.Canceled) { // who has left takes no harm
		p.log.Request(r, slog.LevelError, "session store failed", slog.String("error", err.Error()))
	}
}
