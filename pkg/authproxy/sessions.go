package authproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Tags by which sessions are ended together.
const (
	tagSubject = "subject " // and the subject of a grant, as X-Auth-Sub names it
	tagPerson  = "person "  // and issuer and subject, as a provider names somebody
	tagSID     = "sid "     // and issuer and the id of the provider's own session
	tagNoSID   = "no sid "  // and issuer and subject, where the ID token names no session of the provider's
)

// presented returns the live sessions that the client's cookies name. More than one distinct session means that at
// least one cookie was planted. They are in x.found until the next call.
func (p *Proxy) presented(r *http.Request, x *exchange) []*session.Session {
	found, _ := p.namedBy(r, x, p.cookieName(cookieSession, x.https))
	if len(found) > 0 || p.formerNames == nil {
		return found
	}
	former := p.formerNames[0]
	if x.https {
		former = p.formerNames[1]
	}
	found, id := p.namedBy(r, x, former)
	if len(found) == 1 && x.fresh == nil { // else its id has just been renewed
		x.handOut(id, found[0])
	}
	return found
}

// namedBy returns the live sessions that cookies of this name have, and the id that the first was found by.
func (p *Proxy) namedBy(r *http.Request, x *exchange, name string) (found []*session.Session, first session.ID) {
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
		s := p.lookup(r, x, id)
		if s != nil && !slices.ContainsFunc(found, func(other *session.Session) bool { return other.Key == s.Key }) {
			if len(found) == 0 {
				first = id
			}
			found = append(found, s)
		}
	}
	return found, first
}

// lookup returns the live session of an id, nil where there is none. One that was made under an older secret is
// bound to the newest at this occasion.
func (p *Proxy) lookup(r *http.Request, x *exchange, id session.ID) *session.Session {
	keys := x.policy.keys
	for i := range keys {
		s := p.use(r, x, keys[i].of(id))
		if s == nil {
			continue
		}
		if i > 0 {
			return p.rebind(r, x, s, id)
		}
		return s
	}
	if len(keys) > 1 { // another request may have renewed it just now
		if s := p.use(r, x, keys[0].of(id)); s != nil {
			return s
		}
	}
	for i := range keys {
		if s := p.former(r, x, keys[i].of(id)); s != nil {
			return s
		}
	}
	return nil
}

func (p *Proxy) use(r *http.Request, x *exchange, key session.Key) *session.Session {
	s, err := p.store.Use(r.Context(), key, x.now)
	if err != nil {
		p.logStoreError(r, err)
		return nil
	}
	return s
}

// rebind puts a session that was found under an older secret under the first, so that it outlives the other.
func (p *Proxy) rebind(r *http.Request, x *exchange, old *session.Session, id session.ID) *session.Session {
	n, first, err := p.renames.begin(r.Context(), old.Key, x.now)
	switch {
	case err != nil: // the visitor has left
		return old
	case !first:
		return p.under(r, x, n.id)
	}
	defer p.renames.done(old.Key)
	s := *old
	s.Key = x.policy.keys[0].of(id)
	s.Grants = slices.Clone(old.Grants)
	for i := range s.Grants {
		g := &s.Grants[i]
		if scope := x.policy.rules.Named(g.Area); scope != nil && scope.Current(g.Stamp) != "" {
			g.Stamp = scope.Current(g.Stamp)
		}
	}
	switch err := p.store.Put(context.WithoutCancel(r.Context()), &s, old.Key); {
	case errors.Is(err, session.ErrNotFound): // another request was faster, or it has ended
		return p.use(r, x, s.Key)
	case err != nil:
		p.logStoreError(r, err)
		return old
	}
	p.handOver(r, x, old.Key, &s)
	return &s
}

// handOver moves what is open of a session to the one that has taken its place, which may have ended meanwhile.
func (p *Proxy) handOver(r *http.Request, x *exchange, from session.Key, to *session.Session) {
	if !p.live.move(from, to, x.policy) {
		return
	}
	if _, err := p.store.Use(context.WithoutCancel(r.Context()), to.Key, x.now); errors.Is(err, session.ErrNotFound) {
		p.live.end(to.Key)
	}
}

// begin makes a session under a new id (security class 8). sids are the tags of providers' sessions.
func (p *Proxy) begin(r *http.Request, x *exchange, grants []session.Grant, sids ...string) (session.ID, *session.Session, error) {
	id, err := session.NewID(p.random)
	if err != nil {
		return "", nil, err
	}
	s := &session.Session{Key: x.policy.keys[0].of(id), Tags: x.policy.tags(grants, sids), Grants: grants,
		Created: x.now, Idle: x.policy.config.SessionIdle, Expires: x.now.Add(x.policy.config.SessionLifetime)}
	return id, s, p.store.Put(r.Context(), s, session.Key{})
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

// enter starts the session of somebody who has just logged in and hands it out with the answer. What the visitor's
// one session granted elsewhere goes on; every id that the browser sent ends here, planted ones included. It is
// false where that failed, and then everything has been answered.
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
		p.handOver(r, x, old[0].Key, s)
	}
	p.end(r, old)
	p.setCookie(w.Header(), cookieSession, string(id), x.https, x.policy.config.SessionLifetime)
	w.Header().Set("Cache-Control", "no-store")
	p.observer.Count(EventLogin)
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

// end ends sessions, under whatever ids they have by now, and what is open of them. It does so even where the
// visitor does not wait for it.
func (p *Proxy) end(r *http.Request, sessions []*session.Session) {
	if err := p.endAll(r.Context(), sessions); err != nil {
		p.logStoreError(r, err)
	}
}

func (p *Proxy) endAll(ctx context.Context, sessions []*session.Session) error {
	ctx = context.WithoutCancel(ctx)
	var failed []error
	for _, s := range sessions {
		for key, more := s.Key, true; more; key, more = p.renames.after(key) {
			if err := p.store.Delete(ctx, key); err != nil {
				failed = append(failed, err)
			}
			p.live.end(key)
		}
	}
	return errors.Join(failed...)
}

// EndOwner ends every session of a subject and what is open of them. The subject is what X-Auth-Sub told the app:
// a provider's sub, or "password|" and the user name. Two providers may name two people alike; both are logged out.
func (p *Proxy) EndOwner(ctx context.Context, subject string) error {
	_, err := p.endTagged(ctx, tagSubject+subject)
	return err
}

// endTagged ends all sessions with a tag and returns how many there were.
func (p *Proxy) endTagged(ctx context.Context, tag string) (int, error) {
	keys, err := p.store.DeleteTagged(context.WithoutCancel(ctx), tag)
	for _, key := range keys {
		p.live.end(key)
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

func (p *Proxy) logStoreError(r *http.Request, err error) {
	if !errors.Is(err, session.ErrNotFound) && !errors.Is(err, context.Canceled) { // who has left takes no harm
		p.note(r, slog.LevelError, "session store failed", slog.String("error", err.Error()))
	}
}
