package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

// Options describe an application that is registered with a provider. Now and Random are required.
type Options struct {
	Name         string // tells providers apart where there are several; at most 64 bytes, may be empty
	Issuer       string // URL, as users type it: https:// and the last slash may be left out
	ClientID     string
	ClientSecret string
	Scope        string // empty means "openid profile email"; openid is added where it is missing
	Prompt       string // what the provider is to show, such as "consent"; empty leaves it to the provider
	Audience     string // of the access token; empty asks for none
	Params       string // further parameters of the authorization request, as a query; they never replace those of the login
	NameClaim    string // becomes the name, as for User.Strings; empty means the e-mail
	// LogoutURL is where the provider logs users out, in place of what it announces. The placeholders {client_id},
	// {return_to} and {id_token} in its query are replaced; without any of them the usual parameters are added.
	LogoutURL   string
	Tenants     string // of Entra ID, see CheckTenants; required for an issuer of many tenants
	RedirectURL string // of the callback, as it is registered

	Now       func() time.Time
	Random    io.Reader         // cryptographically secure
	Log       *slog.Logger      // nil logs nothing
	Issuers   *Issuers          // shared with other Providers; nil means one of its own
	Transport http.RoundTripper // of its own Issuers, as in IssuersOptions
}

// Format keeps the client secret out of printed Options.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.Issuer+" "+o.ClientID) }

// LogValue keeps it out of logs.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.Issuer + " " + o.ClientID) }

// Provider is one application at one provider. It is safe for concurrent use.
type Provider struct {
	*issuer

	options Options
	scope   string
	params  url.Values
	binding binding

	closing sync.Once
	usePost atomic.Bool // the provider has refused the secret in the Authorization header

	states, logouts replayCache // states redeemed, logout tokens seen

	refreshes singleflight.Group                       // exchanges of refresh tokens under way, by hash
	refreshed *expiring.Map[[sha256.Size]byte, Tokens] // what refresh tokens were exchanged for, by hash
}

const defaultScope = "openid profile email"

// New checks the options and makes the Provider; it does not talk to it. Errors name the option.
func New(o Options) (*Provider, error) {
	issuer, err := NormalIssuer(o.Issuer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the issuer %w", ErrMisconfigured, err)
	case o.ClientID == "" || hasControl(o.ClientID):
		return nil, fmt.Errorf("%w: the client id is missing or has a control character", ErrMisconfigured)
	case o.ClientSecret == "":
		return nil, fmt.Errorf("%w: the client secret is missing", ErrMisconfigured)
	case o.Now == nil || o.Random == nil:
		return nil, errors.New("oidc needs a clock and randomness")
	case len(o.Name) > maxName:
		return nil, fmt.Errorf("%w: the name is longer than %d bytes", ErrMisconfigured, maxName)
	}
	if u, err := url.Parse(o.RedirectURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" ||
		u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%w: the redirect URL must be an http(s) URL", ErrMisconfigured)
	}
	params, err := url.ParseQuery(o.Params)
	if err == nil {
		err = errors.Join(CheckLogoutURL(o.LogoutURL), CheckTenants(o.Tenants))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMisconfigured, err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Issuers == nil {
		o.Issuers = NewIssuers(IssuersOptions{Now: o.Now, Transport: o.Transport, Log: o.Log})
	}
	return &Provider{
		issuer:  o.Issuers.acquire(issuerKey{url: issuer, manyTenants: o.Tenants != ""}),
		options: o, scope: scopeOf(o.Scope), params: params, binding: bindingOf(issuer, o.ClientID),
		states: newReplayCache(), logouts: newReplayCache(), refreshed: expiring.New[[sha256.Size]byte, Tokens](maxRefreshed),
	}, nil
}

// scopeOf returns the scopes, openid among them: without it there is no ID token.
func scopeOf(scope string) string {
	fields := strings.Fields(scope)
	if len(fields) == 0 {
		return defaultScope
	}
	if !slices.Contains(fields, "openid") {
		fields = append([]string{"openid"}, fields...)
	}
	return strings.Join(fields, " ")
}

// Format keeps the client secret out of printed Providers.
func (p *Provider) Format(f fmt.State, verb rune) { p.options.Format(f, verb) }

// LogValue keeps it out of logs.
func (p *Provider) LogValue() slog.Value { return p.options.LogValue() }

// Name is Options.Name.
func (p *Provider) Name() string { return p.options.Name }

// Issuer is the issuer's URL, with https:// and without a slash at the end.
func (p *Provider) Issuer() string { return p.discovery.issuer }

// Ready returns nil where users can log in: the provider has been discovered. Otherwise it tries to, at most once in a
// few seconds. It stays nil when the provider becomes unavailable later.
func (p *Provider) Ready(ctx context.Context) error {
	_, err := p.discovery.get(ctx)
	return err
}

// Run looks for the provider until ctx ends, so that it is found again without a request that asks for it, at most 15
// seconds after it is back, and keeps the keys in use fresh. Without Run a Provider works all the same, and a token may
// have to wait for keys that are an hour old to be fetched again.
func (p *Provider) Run(ctx context.Context) { p.run(ctx) }

// Close closes idle connections to the provider, unless other Providers use them. The Provider is not to be used
// afterwards.
func (p *Provider) Close() {
	p.closing.Do(func() { p.options.Issuers.release(p.issuer) })
}
