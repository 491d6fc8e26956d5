package authn

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// maxCandidates is how many cookies of one name are looked up. Another site can inject one for each domain and path that
// the request belongs to, which are fewer.
const maxCandidates = 32

// Tags by which sessions are ended together.
const (
	tagSubject = "subject " // followed by the subject of a grant, as in X-Auth-Sub
	tagPerson  = "person "  // followed by issuer and subject, as the provider names the user
	tagSID     = "sid "     // followed by issuer and the id of the session at the provider
	tagNoSID   = "no sid "  // followed by issuer and subject, if the ID token names no session at the provider
)

// Presented returns the sessions of the client's cookies. More than one means that at least one cookie was injected. The
// result is valid until the next call. If there is one, its current id is sent with the response unless the client has it.
func (a *Authenticator) Presented(r *http.Request, st *State) []*session.Session {
	found, changed := a.namedBy(r, st, a.cookies.Name(cookie.Session, st.Client.HTTPS))
	if len(found) == 0 && a.formerCookies != nil {
		found, _ = a.namedBy(r, st, a.formerCookies.Name(cookie.Session, st.Client.HTTPS))
		changed = true
	}
	if len(found) == 1 && changed && st.pendingCookie == nil {
		a.sendCookie(st, found[0])
	}
	return found
}

// namedBy returns the sessions of the cookies with this name, and whether the current id of the first one differs from its
// cookie.
func (a *Authenticator) namedBy(r *http.Request, st *State, name string) (found []*session.Session, changed bool) {
	candidates := 0
	found = st.found[:0]
	for _, c := range r.CookiesNamed(name) {
		id, ok := session.ParseID(c.Value)
		if !ok { // other values do not hide valid ones
			continue
		}
		if candidates++; candidates > maxCandidates {
			break
		}
		s, current := a.lookup(r, st, id)
		if s != nil && !slices.ContainsFunc(found, func(other *session.Session) bool { return other.Key == s.Key }) {
			if len(found) == 0 {
				st.sessionID, changed = current, current != id
			}
			found = append(found, s)
		}
	}
	return found, changed
}

// sendCookie sends the id of a session with the response, if it is known.
func (a *Authenticator) sendCookie(st *State, s *session.Session) {
	if st.sessionID != "" {
		st.pendingCookie = []string{a.cookie(st, st.sessionID, s.Expires.Sub(st.Now))}
	}
}

// cookie returns the Set-Cookie line of a session id.
func (a *Authenticator) cookie(st *State, id session.ID, maxAge time.Duration) string {
	return a.cookies.Line(a.cookies.Name(cookie.Session, st.Client.HTTPS), string(id), st.Client.HTTPS, maxAge)
}

// lookup returns the session of an id and its current id, or nil. A session that was created with an older secret is bound to
// the newest.
func (a *Authenticator) lookup(r *http.Request, st *State, id session.ID) (*session.Session, session.ID) {
	found, err := a.sessions.Find(r.Context(), st.Policy.secrets, id, st.Now)
	switch {
	case err != nil:
		a.LogStoreError(r, err)
		return nil, ""
	case found.Outdated:
		return a.rebind(r, st, found), found.ID
	}
	return found.Session, found.ID
}

// rebind binds a session to the newest secret, so that it stays valid when the older one is removed.
func (a *Authenticator) rebind(r *http.Request, st *State, found session.Found) *session.Session {
	s, err := a.sessions.Rebind(r.Context(), st.Policy.secrets, found, st.Now, func(next *session.Session) bool {
		if next.Key != found.Key { // another request was faster
			return false
		}
		for i := range next.Grants {
			g := &next.Grants[i]
			if scope := st.Policy.Rules.Named(g.Scope); scope != nil && scope.Current(g.Fingerprint) != "" {
				g.Fingerprint = scope.Current(g.Fingerprint)
			}
		}
		return true
	})
	switch {
	case errors.Is(err, session.ErrNotFound):
		return nil
	case err != nil:
		a.LogStoreError(r, err)
		return found.Session
	}
	a.move(found.Key, s, st.Policy)
	return s
}

// begin creates a session with a new id (security class 8). sids are the tags of sessions at providers.
func (a *Authenticator) begin(r *http.Request, st *State, grants []session.Grant, sids ...string) (session.ID, *session.Session, error) {
	tags := st.Policy.tags(grants, sids)
	for i := range tags {
		tags[i] = a.space + tags[i]
	}
	if a.space != "" {
		tags = append(tags, a.space)
	}
	s := &session.Session{Tags: tags, Grants: grants,
		Created: st.Now, Idle: st.Policy.Config.SessionIdle, Expires: st.Now.Add(st.Policy.Config.SessionLifetime)}
	id, err := a.sessions.Create(r.Context(), st.Policy.secrets, s)
	return id, s, err
}

func (pol *Policy) tags(grants []session.Grant, sids []string) []string {
	tags := slices.Clone(sids)
	for _, g := range grants {
		tags = append(tags, tagSubject+g.Identity.Subject)
		if g.Login != nil {
			if pr := pol.ProviderOf(g.Login); pr != nil {
				tags = append(tags, tagPerson+pr.Issuer()+" "+g.Identity.Subject)
			}
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// ProviderSessionTag is the tag by which a provider can end the sessions that belong to one of its own. sid is that claim of
// the ID token, or empty.
func ProviderSessionTag(issuer, subject, sid string) string {
	if sid == "" {
		return tagNoSID + issuer + " " + subject
	}
	return tagSID + issuer + " " + sid
}

// Enter starts the session of a user who has just logged in, and puts its cookie into the header of the response. What
// the user's one session granted elsewhere goes on; every session that the browser sent an id of ends here, injected ones
// included. On error, which is in the log already, nothing has changed.
func (a *Authenticator) Enter(h http.Header, r *http.Request, st *State, g session.Grant, sids ...string) error {
	old := a.Presented(r, st)
	var grants []session.Grant
	if len(old) == 1 {
		for _, kept := range old[0].Grants {
			if kept.Scope == g.Scope || !st.Policy.holds(st.Policy.Rules.Named(kept.Scope), &kept) {
				continue
			}
			grants = append(grants, kept)
			if kept.Login != nil {
				sids = append(sids, a.sidsOf(old[0])...)
			}
		}
	}
	id, s, err := a.begin(r, st, append(grants, g), sids...)
	if err != nil {
		a.LogStoreError(r, err)
		return err
	}
	if len(old) == 1 && SamePerson(old[0].Grant(g.Scope), &g) {
		a.move(old[0].Key, s, st.Policy)
	}
	a.End(r, old)
	h.Add("Set-Cookie", a.cookie(st, id, st.Policy.Config.SessionLifetime))
	h.Set("Cache-Control", "no-store")
	a.observer.Count(observe.Login)
	return nil
}

// SamePerson reports whether a grant replaces one of the same user, or none: a WebSocket that was opened in the name of
// one user is not handed to another.
func SamePerson(old, g *session.Grant) bool {
	if old == nil {
		return true
	}
	return old.Identity.Subject == g.Identity.Subject && (old.Login == nil) == (g.Login == nil) &&
		(g.Login == nil || old.Login.Provider == g.Login.Provider)
}

func (a *Authenticator) sidsOf(s *session.Session) []string {
	var sids []string
	for _, tag := range s.Tags {
		tag, ok := strings.CutPrefix(tag, a.space)
		if ok && (strings.HasPrefix(tag, tagSID) || strings.HasPrefix(tag, tagNoSID)) {
			sids = append(sids, tag)
		}
	}
	return sids
}

// End ends sessions and their open connections, even if the client disconnects.
func (a *Authenticator) End(r *http.Request, sessions []*session.Session) {
	if _, err := a.endAll(r.Context(), sessions...); err != nil {
		a.LogStoreError(r, err)
	}
}

// endAll is End. It returns how many sessions it has ended, not counting those that other requests have ended.
func (a *Authenticator) endAll(ctx context.Context, sessions ...*session.Session) (n int, err error) {
	var failed []error
	for _, s := range sessions {
		keys, err := a.sessions.End(ctx, s.Key)
		failed = append(failed, err)
		n += len(keys)
		a.inFlight.End(registry.Key(s.Key))
		for _, key := range keys {
			a.inFlight.End(registry.Key(key))
		}
	}
	return n, errors.Join(failed...)
}

// EndOwner ends every session of a subject and what is open of them. The subject is what X-Auth-Sub told the app:
// a provider's sub, or "password|" and the user name. Two providers may have the same subject for two people; both are logged out.
func (a *Authenticator) EndOwner(ctx context.Context, subject string) error {
	_, err := a.endTagged(ctx, tagSubject+subject)
	return err
}

// EndAll ends every session of the app, which needs a Namespace.
func (a *Authenticator) EndAll(ctx context.Context) error {
	_, err := a.endTagged(ctx, "")
	return err
}

// endTagged ends all sessions with a tag and returns how many there were.
func (a *Authenticator) endTagged(ctx context.Context, tag string) (int, error) {
	keys, err := a.sessions.EndTagged(ctx, a.space+tag)
	for _, key := range keys {
		a.inFlight.End(registry.Key(key))
	}
	return len(keys), err
}

// EndAtProvider ends what a logout token says is over: the sessions with its sid, or all of its subject. Where it names
// both, those of the subject whose ID token has named no session may be the one that is meant (Back-Channel Logout, 2.4).
func (a *Authenticator) EndAtProvider(ctx context.Context, issuer string, token oidc.LogoutToken) (int, error) {
	switch {
	case token.SessionID == "":
		return a.endTagged(ctx, tagPerson+issuer+" "+token.Subject)
	case token.Subject == "":
		return a.endTagged(ctx, tagSID+issuer+" "+token.SessionID)
	}
	named, err := a.endTagged(ctx, tagSID+issuer+" "+token.SessionID)
	nameless, err2 := a.endTagged(ctx, tagNoSID+issuer+" "+token.Subject)
	return named + nameless, errors.Join(err, err2)
}

// noteStoreError is LogStoreError without a request.
func (a *Authenticator) noteStoreError(ctx context.Context, err error) {
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "session store failed", slog.String("error", err.Error()))
	}
}

// LogStoreError notes a failure of the session store.
func (a *Authenticator) LogStoreError(r *http.Request, err error) {
	if !errors.Is(err, session.ErrNotFound) && !errors.Is(err, context.Canceled) { // a client that has disconnected needs no answer
		a.log.Request(r, slog.LevelError, "session store failed", slog.String("error", err.Error()))
	}
}
