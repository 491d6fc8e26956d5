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

// Bearer is the owner of an access token, mostly a program.
type Bearer struct {
	who      identity.Identity
	login    *session.Login
	audience string
	missing  string // what to do about a claim that the token lacks, for the log
	expires  time.Time
}

// bearers remember the tokens that have been verified, by their hashes, so that a program pays for it once in a while
// and not with every request.
type bearers = expiring.Map[[sha256.Size]byte, *Bearer]

const (
	keepBearer = 5 * time.Minute // or as long as the token is good
	maxBearers = 1024
)

func newBearers() *bearers { return expiring.New[[sha256.Size]byte, *Bearer](maxBearers) }

// TokenState is what has become of a token in the Authorization header.
type TokenState int

const (
	TokenNone        TokenState = iota // none was sent, or it is the app's own
	TokenGood                          // it is valid, and its owner may use the app
	TokenBad                           // it is not valid
	TokenDenied                        // it is valid, and its owner may not use the app
	TokenUnavailable                   // the provider is needed for verifying it, and does not answer
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
	if st.Bearer, known = st.Policy.bearers.Get(key, st.Now); !known {
		b, err := st.Policy.verify(r, raw)
		if err != nil {
			a.refuseToken(r, st, err)
			return
		}
		st.Policy.bearers.Put(key, b, st.Now, min(keepBearer, b.expires.Sub(st.Now)))
		st.Bearer = b
	}
	if reason := st.Policy.Access.DenialReason(st.Bearer.login); reason != "" {
		st.Token = TokenDenied
		a.Observer.Count(observe.Refused)
		a.Log.Request(r, slog.LevelWarn, "login refused", slog.String("user", NameOf(st.Bearer.who)), slog.String("by", "token"),
			slog.String("reason", "access rules: "+reason+st.Bearer.missing), slog.String("client", st.Client.Addr.String()))
		return
	}
	st.Token, st.User = TokenGood, &st.Bearer.who
}

// verify checks a token that has not been seen lately with the provider that it claims to be of.
func (pol *Policy) verify(r *http.Request, raw string) (*Bearer, error) {
	err := oidc.ErrToken
	for _, pr := range pol.Providers {
		if !pr.Claimed(raw) {
			continue
		}
		var b *oidc.Bearer
		if b, err = pr.VerifyBearer(r.Context(), raw, pol.Config.BearerAudience); err == nil {
			return &Bearer{who: b.Identity(), login: pol.Access.Login(pr.ID, &b.User), audience: pol.Config.BearerAudience,
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
	a.Observer.Count(observe.Refused)
	a.Log.Request(r, slog.LevelWarn, "token refused", slog.String("client", st.Client.Addr.String()), slog.String("error", err.Error()))
}

// NameOf is the name of a user in the log: the e-mail address, else the subject.
func NameOf(who identity.Identity) string {
	if who.Name != "" {
		return who.Name
	}
	return who.Subject
}
