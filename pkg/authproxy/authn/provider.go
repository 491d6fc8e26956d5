package authn

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// ProviderRest is how long no refresh is tried at a provider that has not answered one.
const ProviderRest = 5 * time.Second

// Provider is an OpenID provider in use.
type Provider struct {
	*oidc.Provider
	ID string // in sessions: they belong to one application at one issuer

	made    registration
	cancel  context.CancelFunc // nil before start
	resting atomic.Int64       // in Unix nanoseconds: no refresh is tried before then
}

// registration is everything that a Provider is made from: equal ones share a Provider.
type registration struct {
	config.Provider
	callback string
}

// newProviders makes the providers of c. Those that have not changed are taken from before.
func (a *Authenticator) newProviders(c config.Config, before *Policy) (all []*Provider, err error) {
	var added []*Provider
	defer func() {
		if err != nil {
			for _, pr := range added {
				pr.Close()
			}
		}
	}()
	for _, conf := range c.Providers {
		made := registration{conf, c.Origin() + target.Callback}
		pr := before.registered(made)
		if pr == nil {
			client, err := oidc.New(oidc.Options{
				Name: conf.Name, Issuer: conf.Issuer, ClientID: conf.ClientID, ClientSecret: conf.ClientSecret.Reveal(),
				Scope: conf.Scope, Prompt: conf.Prompt, Audience: conf.Audience, Params: conf.Params, NameClaim: conf.NameClaim,
				LogoutURL: conf.LogoutURL, Tenants: conf.Tenants, RedirectURL: made.callback,
				Now: a.now, Random: a.options.Random, Log: a.log.Logger, Issuers: a.options.Issuers, Transport: a.options.Transport,
			})
			if err != nil {
				return nil, config.Errorf(conf.Key(config.EnvIssuer), "%w", err)
			}
			pr = &Provider{Provider: client, made: made, ID: providerID(client.Issuer(), conf.ClientID)}
			added = append(added, pr)
		}
		all = append(all, pr)
	}
	return all, nil
}

// tenantsOf returns the tenants of Entra ID whose accounts may log in, of the providers that accept only some.
func tenantsOf(providers []*Provider) map[string][]string {
	tenants := map[string][]string{}
	for _, pr := range providers {
		if list := pr.made.Tenants; list != "" && list != oidc.AnyTenant {
			tenants[pr.ID] = strings.Split(list, ",")
		}
	}
	return tenants
}

// providerID names an application at an issuer in characters that a cookie can hold.
func providerID(issuer, clientID string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + clientID))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func (pol *Policy) registered(made registration) *Provider {
	if pol == nil {
		return nil
	}
	for _, pr := range pol.Providers {
		if pr.made == made {
			return pr
		}
	}
	return nil
}

func (pr *Provider) stop() { pr.cancel() }

// Named returns the provider with a name, or the only one for "". It is nil if there is none.
func (pol *Policy) Named(name string) *Provider {
	for _, pr := range pol.Providers {
		if pr.Name() == name || name == "" && len(pol.Providers) == 1 {
			return pr
		}
	}
	return nil
}

// ProviderOf returns the provider of a login, nil where it is no longer configured.
func (pol *Policy) ProviderOf(l *session.Login) *Provider {
	for _, pr := range pol.Providers {
		if pr.ID == l.Provider {
			return pr
		}
	}
	return nil
}

// rest keeps a provider that does not answer from being asked with every request.
func (pr *Provider) rest(now time.Time) { pr.resting.Store(now.Add(ProviderRest).UnixNano()) }

func (pr *Provider) isResting(now time.Time) bool { return now.UnixNano() < pr.resting.Load() }
