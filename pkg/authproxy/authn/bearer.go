package authn

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// bearer is what is known of the owner of a valid access token, usually a program.
type bearer struct {
	who      identity.Identity
	login    *session.Login
	audience string
	missing  string // what to do about a claim that the token lacks, for the log
	expires  time.Time
}

// bearers cache verified tokens by their hashes, so that a program that sends one with every request has it verified only
// once in a while.
type bearers = expiring.Map[[sha256.Size]byte, *bearer]

const (
	keepBearer = 5 * time.Minute // or as long as the token is good
	maxBearers = 1024
)

func newBearers() *bearers { return expiring.New[[sha256.Size]byte, *bearer](maxBearers) }

// TokenState is the result of checking a token in the Authorization header.
type TokenState int

const (
	TokenNone        TokenState = iota // none was sent, or it is the app's own
	TokenGood                          // it is valid, and its owner may use the app
	TokenBad                           // it is invalid
	TokenDenied                        // it is valid, but its owner may not use the app
	TokenUnavailable                   // it could not be verified, because the provider does not answer
)

// tryBearer looks at a token in the Authorization header. Without an audience that header is the app's.
func (a *Authenticator) tryBearer(r *http.Request, st *State) {
	audience := st.Policy.Config.BearerAudience
	sent, ok := r.Header["Authorization"]
	if audience == "" || !ok {
		return
	}
	const scheme = "bearer "
	if len(sent[0]) <= len(scheme) || !strings.EqualFold(sent[0][:len(scheme)], scheme) {
		return
	}
	raw := strings.TrimSpace(sent[0][len(scheme):])
	key := sha256.Sum256([]byte(raw))
	var known bool
	if st.bearer, known = st.Policy.bearers.Get(key, st.Now); !known {
		b, err := st.Policy.verify(r, raw)
		if err != nil {
			a.refuseToken(r, st, err)
			return
		}
		st.Policy.bearers.Put(key, b, st.Now, min(keepBearer, b.expires.Sub(st.Now)))
		st.bearer = b
	}
	if reason := st.Policy.Access.DenialReason(st.bearer.login); reason != "" {
		st.Token = TokenDenied
		a.observer.Count(observe.Refused)
		a.log.Request(r, slog.LevelWarn, "login refused", slog.String("user", st.bearer.who.DisplayName()), slog.String("by", "token"),
			slog.String("reason", "access rules: "+reason+st.bearer.missing), slog.String("client", st.Client.Addr.String()))
		return
	}
	st.Token, st.User = TokenGood, &st.bearer.who
}

// verify checks a token that is not in the cache. Its claims say which provider may have issued it.
func (pol *Policy) verify(r *http.Request, raw string) (*bearer, error) {
	err := oidc.ErrToken
	for _, pr := range pol.Providers {
		if !pr.Claimed(raw) {
			continue
		}
		var b *oidc.Bearer
		if b, err = pr.VerifyBearer(r.Context(), raw, pol.Config.BearerAudience); err == nil {
			return &bearer{who: b.Identity(), login: pol.Access.Login(pr.ID, &b.User), audience: pol.Config.BearerAudience,
				missing: pol.Access.MissingClaim(&b.User), expires: b.Expires}, nil
		}
	}
	return nil, err
}

func (a *Authenticator) refuseToken(r *http.Request, st *State, err error) {
	st.Token = TokenBad
	if errors.Is(err, oidc.ErrUnavailable) || errors.Is(err, oidc.ErrMisconfigured) {
		st.Token = TokenUnavailable
	}
	a.observer.Count(observe.Refused)
	a.log.Request(r, slog.LevelWarn, "token refused", slog.String("client", st.Client.Addr.String()), slog.String("error", err.Error()))
}
