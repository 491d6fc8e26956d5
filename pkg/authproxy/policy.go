package authproxy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/access"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/forwarded"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/keys"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// policy is everything that a Config decides, made ready for use. It never changes: Reload puts another in its
// place, and a request goes by the one that it has met at its beginning.
type policy struct {
	config    config.Config // without secrets
	base      string        // path below which all of this is, without a slash at the end; empty for the whole host
	trusted   forwarded.Trusted
	rules     *access.Rules
	passwords *password.Checker
	checked   map[config.Feature]map[string]string // fingerprints of the credentials that passwords has
	signer    *keys.Signer
	sealer    *oidc.Sealer     // nil without providers
	keys      []session.Secret // the newest first
	providers []*provider
	access    *access.Policy
	bearers   *bearers
}

// newPolicy makes the policy of c. What has not changed since before, which may be nil, is taken from there: hashes
// and locks of passwords, providers that have been found.
func (p *Proxy) newPolicy(c config.Config, before *policy) (*policy, error) {
	secrets := [][]byte{p.own[:]}
	if len(c.Secrets) > 0 || p.persistent {
		secrets = c.LastingSecrets()
	}
	pol := &policy{base: c.BasePath(), trusted: c.TrustedProxies, signer: keys.NewSigner(c.RevealedSecrets(), p.own[:], p.now),
		keys: sessionSecrets(secrets), bearers: newBearers()}
	pol.rules = access.NewRules(c, pol.keys)
	var err error
	if err = p.addChecker(pol, c, before); err != nil {
		return nil, err
	}
	if len(c.Providers) > 0 {
		if pol.sealer, err = oidc.NewSealer(c.RevealedSecrets(), p.now); err != nil {
			return nil, err
		}
		if pol.providers, err = p.newProviders(c, before); err != nil {
			return nil, err
		}
	}
	pol.access = access.NewPolicy(c.Access, tenantsOf(pol.providers))
	pol.config = c.WithoutSecrets()
	return pol, nil
}

// addChecker hashes the passwords, unless they are the ones that are hashed already.
func (p *Proxy) addChecker(pol *policy, c config.Config, before *policy) (err error) {
	digest := keys.Derive(p.own[:], "ploomber-cloud authproxy checker 1") // only fingerprints stay here
	var logins []password.Login
	var hashed []password.Hashed
	pol.checked = map[config.Feature]map[string]string{}
	for _, feature := range config.Features() {
		if login, ok := c.Passwords[feature]; ok {
			logins = append(logins, password.Login{Scope: string(feature), Name: login.Username, Password: login.Password.Reveal()})
		}
		for _, user := range c.Users[feature].Logins {
			hashed = append(hashed, password.Hashed{Scope: string(feature), Name: user.Username, Hash: user.Hash.Reveal()})
		}
		pol.checked[feature] = access.Fingerprints(c, feature, digest)
	}
	if before != nil && maps.EqualFunc(before.checked, pol.checked, maps.Equal) {
		pol.passwords = before.passwords
		return nil
	}
	pol.passwords, err = password.NewChecker(password.Options{Logins: logins, Hashed: hashed, Cost: p.bcryptCost, Now: p.now, Random: p.random,
		Slots: p.hashSlots})
	return err
}

// labelSession keeps the session secrets apart from what else is derived from the same.
const labelSession = "ploomber-cloud authproxy session key 1"

// sessionSecrets bind sessions to the configured secrets: without one of them no id leads to a session.
func sessionSecrets(secrets [][]byte) []session.Secret {
	all := make([]session.Secret, len(secrets))
	for i, secret := range secrets {
		all[i] = keys.Derive(secret, labelSession)
	}
	return all
}

// Reload makes c what the proxy goes by from now on. On error everything stays as it is. Connections go on, and so do
// requests under way; open WebSockets and event streams do unless c no longer lets them be opened, and sessions as far
// as c still grants what they hold: not those of a password that has changed or of somebody who may no longer come in.
// The error is that of New.
func (p *Proxy) Reload(c config.Config) error {
	c, err := c.Complete()
	if err != nil {
		return err
	}
	p.reloading.Lock()
	defer p.reloading.Unlock()
	select {
	case <-p.done:
		return fmt.Errorf("reload: %w", errClosed)
	default:
	}
	before := p.policy.Load()
	if c.BasePath() != before.base { // cookies belong to it
		return config.Errorf(config.EnvBaseURL, "has another path than at the start, which takes a restart")
	}
	pol, err := p.newPolicy(c, before)
	if err != nil {
		return err
	}
	p.adopt(pol, before)
	p.inFlight.Reap()
	return nil
}

// adopt puts a policy in force.
func (p *Proxy) adopt(pol, before *policy) {
	for _, pr := range pol.providers {
		p.start(pr)
	}
	p.policy.Store(pol)
	p.pages.SetOwner(pages.Owner{App: pol.config.AppName, Help: pol.config.HelpText})
	if before == nil {
		return
	}
	for _, pr := range before.providers {
		if !slices.Contains(pol.providers, pr) {
			pr.stop()
			pr.Close()
		}
	}
}

// holds reports whether a grant still opens its area: its password has not changed, its provider is still asked, and
// lets the person in.
func (pol *policy) holds(scope *access.Scope, g *session.Grant) bool {
	switch {
	case scope == nil || scope.Name != g.Area:
		return false
	case g.Login == nil:
		return scope.Password && scope.Current(g.Fingerprint) != ""
	default:
		return scope.Provider && pol.issuerOf(g.Login) != nil && pol.access.Allows(g.Login)
	}
}

// lets reports whether somebody with this session or this token may be at path.
func (pol *policy) lets(path string, s *session.Session, b *bearer) bool {
	scope := pol.rules.Scope(path)
	switch {
	case scope.Open():
		return true
	case b != nil:
		return scope.Provider && pol.config.BearerAudience == b.audience && pol.issuerOf(b.login) != nil && pol.access.Allows(b.login)
	case s != nil:
		g := s.Grant(scope.Name)
		return g != nil && pol.holds(scope, g)
	default:
		return false
	}
}
