package authproxy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// provider is an OpenID provider in use.
type provider struct {
	*oidc.Provider
	made registration
	id   string // in sessions: they belong to one application at one issuer

	cancel  context.CancelFunc // nil before start
	resting atomic.Int64       // until then, in Unix nanoseconds, no refresh is tried
}

// registration is all that a provider is made of: two that are equal need only one.
type registration struct {
	config.Provider
	callback string
}

// newProviders makes the providers of c, or takes those that are there already.
func (p *Proxy) newProviders(c config.Config, before *policy) (all []*provider, err error) {
	var added []*provider
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
				Now: p.now, Random: p.random, Log: p.log.Logger, Issuers: p.issuers, Transport: p.transport,
			})
			if err != nil {
				return nil, config.Errorf(conf.Key(config.EnvIssuer), "%w", err)
			}
			pr = &provider{Provider: client, made: made, id: providerID(client.Issuer(), conf.ClientID)}
			added = append(added, pr)
		}
		all = append(all, pr)
	}
	return all, nil
}

// tenantsOf returns the tenants of Entra ID whose accounts may log in, of the providers that accept only some.
func tenantsOf(providers []*provider) map[string][]string {
	tenants := map[string][]string{}
	for _, pr := range providers {
		if list := pr.made.Tenants; list != "" && list != oidc.AnyTenant {
			tenants[pr.id] = strings.Split(list, ",")
		}
	}
	return tenants
}

// providerID names an application at an issuer in characters that a cookie can hold.
func providerID(issuer, clientID string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + clientID))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func (pol *policy) registered(made registration) *provider {
	if pol == nil {
		return nil
	}
	for _, pr := range pol.providers {
		if pr.made == made {
			return pr
		}
	}
	return nil
}

// start looks for a provider until it is stopped.
func (p *Proxy) start(pr *provider) {
	if pr.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	pr.cancel = cancel
	p.running.Go(func() { pr.Run(ctx) })
}

func (pr *provider) stop() { pr.cancel() }

// named returns the provider of a name, "" being that of the only one.
func (pol *policy) named(name string) *provider {
	for _, pr := range pol.providers {
		if pr.Name() == name || name == "" && len(pol.providers) == 1 {
			return pr
		}
	}
	return nil
}

// issuerOf returns the provider at which somebody logged in, nil where it is no longer asked.
func (pol *policy) issuerOf(l *session.Login) *provider {
	for _, pr := range pol.providers {
		if pr.id == l.Provider {
			return pr
		}
	}
	return nil
}

// Ready returns nil where people can log in: every provider has been found. It looks for those that have not, at
// most once in a few seconds each, so ctx should end soon. Sessions go on either way.
func (p *Proxy) Ready(ctx context.Context) error {
	var missing []error
	for _, pr := range p.policy.Load().providers {
		if err := pr.Ready(ctx); err != nil {
			missing = append(missing, fmt.Errorf("provider %s: %w", pr.Issuer(), err))
		}
	}
	return errors.Join(missing...)
}

// rest keeps the proxy from asking a provider that does not answer once a request.
func (pr *provider) rest(now time.Time) { pr.resting.Store(now.Add(refreshRest).UnixNano()) }

func (pr *provider) isResting(now time.Time) bool { return now.UnixNano() < pr.resting.Load() }
