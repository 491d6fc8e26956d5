package authproxy

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

// bearer is a program that has shown an access token.
type bearer struct {
	who      identity.Identity
	login    *session.Login
	audience string
	missing  string // what to do about a claim that the token lacks, for the log
	expires  time.Time
}

// bearers remember the tokens that have been verified, by their hashes, so that a program pays for it once in a while
// and not with every request.
type bearers = expiring.Map[[sha256.Size]byte, *bearer]

const (
	keepBearer = 5 * time.Minute // or as long as the token is good
	maxBearers = 1024
)

func newBearers() *bearers { return expiring.New[[sha256.Size]byte, *bearer](maxBearers) }

// tokenState is what has become of a token in the Authorization header.
type tokenState int

const (
	tokenNone        tokenState = iota // none was sent, or it is the app's own
	tokenGood                          // whose it is may come in
	tokenBad                           // it is not to be believed
	tokenDenied                        // it is genuine, and whose it is may not come in
	tokenUnavailable                   // the provider is needed for verifying it, and not there
)

// tryBearer looks at a token in the Authorization header. Without an audience that header is the app's.
func (p *Proxy) tryBearer(r *http.Request, x *exchange) {
	audience := x.policy.config.BearerAudience
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
	if x.bearer, known = x.policy.bearers.Get(key, x.now); !known {
		b, err := x.policy.verify(r, raw)
		if err != nil {
			p.refuseToken(r, x, err)
			return
		}
		x.policy.bearers.Put(key, b, x.now, min(keepBearer, b.expires.Sub(x.now)))
		x.bearer = b
	}
	if objection := x.policy.access.DenialReason(x.bearer.login); objection != "" {
		x.token = tokenDenied
		p.observer.Count(observe.Refused)
		p.log.Request(r, slog.LevelWarn, "login refused", slog.String("user", nameOf(x.bearer.who)), slog.String("by", "token"),
			slog.String("reason", "access rules: "+objection+x.bearer.missing), slog.String("client", x.client.String()))
		return
	}
	x.token, x.who = tokenGood, &x.bearer.who
}

// verify checks a token that has not been seen lately with the provider that it claims to be of.
func (pol *policy) verify(r *http.Request, raw string) (*bearer, error) {
	err := oidc.ErrToken
	for _, pr := range pol.providers {
		if !pr.Claimed(raw) {
			continue
		}
		var b *oidc.Bearer
		if b, err = pr.VerifyBearer(r.Context(), raw, pol.config.BearerAudience); err == nil {
			return &bearer{who: b.Identity(), login: pol.access.Login(pr.id, &b.Person), audience: pol.config.BearerAudience,
				missing: pol.access.MissingClaim(&b.Person), expires: b.Expires}, nil
		}
	}
	return nil, err
}

func (p *Proxy) refuseToken(r *http.Request, x *exchange, err error) {
	x.token = tokenBad
	if errors.Is(err, oidc.ErrUnavailable) || errors.Is(err, oidc.ErrMisconfigured) {
		x.token = tokenUnavailable
	}
	p.observer.Count(observe.Refused)
	p.log.Request(r, slog.LevelWarn, "token refused", slog.String("client", x.client.String()), slog.String("error", err.Error()))
}

// nameOf is how somebody is called in the log: by the e-mail, else by the subject.
func nameOf(who identity.Identity) string {
	if who.Name != "" {
		return who.Name
	}
	return who.Subject
}
