package authn

import (
	"maps"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/access"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/forwarded"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/keys"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Policy is a config.Config made ready for use: parsed rules, hashed passwords, keys, providers. It never changes.
type Policy struct {
	Config    config.Config // without secrets
	Base      string        // the base path, without a slash at the end; empty for the whole host
	Trusted   forwarded.Trusted
	Rules     *access.Rules
	Access    *access.Policy
	Passwords *password.Checker
	Signer    *keys.Signer
	Sealer    *oidc.Sealer // nil without providers
	Providers []*Provider

	secrets          []session.Secret                     // for making keys of sessions from their ids, newest first
	checked          map[config.Feature]map[string]string // fingerprints of the credentials that Passwords has
	bearers          *bearers
	private, noStore []string // values of Cache-Control, made once
}

// newPolicy makes the policy of c. It takes what has not changed from the policy before, which may be nil: hashes and
// lockouts of passwords, and providers with what is known of them.
func (a *Authenticator) newPolicy(c config.Config, before *Policy) (*Policy, error) {
	secrets := [][]byte{a.own[:]}
	if len(c.Secrets) > 0 || a.options.Persistent {
		secrets = c.LastingSecrets()
	}
	pol := &Policy{Base: c.BasePath(), Trusted: c.TrustedProxies, Signer: keys.NewSigner(c.RevealedSecrets(), a.own[:], a.now),
		secrets: sessionSecrets(secrets), bearers: newBearers(), private: []string{"private"}, noStore: []string{"no-store"}}
	pol.Rules = access.NewRules(c, pol.secrets)
	var err error
	if err = a.addChecker(pol, c, before); err != nil {
		return nil, err
	}
	if len(c.Providers) > 0 {
		if pol.Sealer, err = oidc.NewSealer(c.RevealedSecrets(), a.now); err != nil {
			return nil, err
		}
		if pol.Providers, err = a.newProviders(c, before); err != nil {
			return nil, err
		}
	}
	pol.Access = access.NewPolicy(c.Access, tenantsOf(pol.Providers))
	pol.Config = c.WithoutSecrets()
	return pol, nil
}

// addChecker hashes the passwords, unless before has hashed the same ones.
func (a *Authenticator) addChecker(pol *Policy, c config.Config, before *Policy) (err error) {
	digest := keys.Derive(a.own[:], "ploomber-cloud authproxy checker 1") // only fingerprints stay here
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
		pol.Passwords = before.Passwords
		return nil
	}
	pol.Passwords, err = password.NewChecker(password.Options{Logins: logins, Hashed: hashed, Cost: a.options.BcryptCost, Now: a.now, Random: a.options.Random,
		Slots: a.options.HashSlots})
	return err
}

// labelSession keeps the session secrets apart from what else is derived from the same.
const labelSession = "ploomber-cloud authproxy session key 1"

// sessionSecrets derives the secrets of sessions, which are thereby bound to the configured ones.
func sessionSecrets(secrets [][]byte) []session.Secret {
	all := make([]session.Secret, len(secrets))
	for i, secret := range secrets {
		all[i] = keys.Derive(secret, labelSession)
	}
	return all
}

// holds reports whether a grant still gives access to its scope: its password has not changed, or its provider is still
// configured and the account may use the app.
func (pol *Policy) holds(scope *access.Scope, g *session.Grant) bool {
	switch {
	case scope == nil || scope.Name != g.Scope:
		return false
	case g.Login == nil:
		return scope.Password && scope.Current(g.Fingerprint) != ""
	default:
		return scope.Provider && pol.ProviderOf(g.Login) != nil && pol.Access.Allows(g.Login)
	}
}

// allows reports whether a session or a token, of which one is nil, gives access to a path.
func (pol *Policy) allows(path string, s *session.Session, b *bearer) bool {
	scope := pol.Rules.Scope(path)
	switch {
	case scope.Open():
		return true
	case b != nil:
		return scope.Provider && pol.Config.BearerAudience == b.audience && pol.ProviderOf(b.login) != nil && pol.Access.Allows(b.login)
	case s != nil:
		g := s.Grant(scope.Name)
		return g != nil && pol.holds(scope, g)
	default:
		return false
	}
}

// HasLogin reports whether any user can log in.
func (pol *Policy) HasLogin() bool { return pol.Config.HasPasswords() || len(pol.Providers) > 0 }

// HasForm reports whether any user can log in by user name and password on the login page.
func (pol *Policy) HasForm() bool {
	return pol.Config.HasPasswords() && pol.Config.PasswordMode != config.ModeBasic
}
