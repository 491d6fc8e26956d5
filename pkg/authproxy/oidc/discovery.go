package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// Waits between attempts to find the provider. Together with callTimeout the longest stays below 20 s, the time
// within which a provider that is back must be found.
const (
	firstWait   = time.Second
	longestWait = 8 * time.Second
	// refindEvery is how often the document is read again, since providers change it. Keys are fetched along with it, often
	// enough that those in use stay fresh.
	refindEvery = 45 * time.Minute
)

// metadata is what a discovery document says, checked.
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	Userinfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	AnnouncesIss  bool     `json:"authorization_response_iss_parameter_supported"`

	tenants *tenants // nil where the issuer has one tenant
}

// UnmarshalJSON reads members by their exact names, and refuses duplicates. Optional members of another type than OpenID
// Connect Discovery, section 3, defines are ignored: they prevent no login.
func (m *metadata) UnmarshalJSON(text []byte) error {
	type plain metadata
	var given jsonObject
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	asList(given, "id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported", "code_challenge_methods_supported")
	without[bool](given, "authorization_response_iss_parameter_supported")
	without[string](given, "userinfo_endpoint", "end_session_endpoint")
	text, err := json.Marshal(given)
	if err != nil {
		return err
	}
	var p plain
	err = decodeExact(text, &p)
	*m = metadata(p)
	return err
}

// asList turns members that are one string into lists, and removes those that are not lists of strings.
func asList(given jsonObject, names ...string) {
	for _, name := range names {
		var one string
		if json.Unmarshal(given[name], &one) == nil && one != "" {
			given[name] = append(append(json.RawMessage("["), given[name]...), ']')
		}
	}
	without[[]string](given, names...)
}

// without removes members that do not have type T.
func without[T any](given jsonObject, names ...string) {
	for _, name := range names {
		var value T
		if json.Unmarshal(given[name], &value) != nil {
			delete(given, name)
		}
	}
}

// discovery finds the provider and keeps what it found.
type discovery struct {
	issuer      string // as NormalIssuer spells it
	manyTenants bool   // may log in
	call        caller
	now         func() time.Time
	log         *slog.Logger

	found  atomic.Pointer[metadata]
	flight singleflight.Group

	mu      sync.Mutex
	foundAt time.Time // the last time
	failed  error     // of the last attempt
	retryAt time.Time
	wait    time.Duration
}

// get returns the metadata, and fetches it where it is not known. After a failure it returns that failure for a while,
// so that requests do not wait for a provider that is down.
func (d *discovery) get(ctx context.Context) (*metadata, error) {
	if m := d.found.Load(); m != nil {
		return m, nil
	}
	d.mu.Lock()
	failed, retryAt := d.failed, d.retryAt
	d.mu.Unlock()
	if failed != nil && d.now().Before(retryAt) {
		return nil, failed
	}
	return d.look(ctx, false)
}

// look fetches the metadata, once for all who wait for it: a caller that gives up does not stop the others. What another
// call has found meanwhile is enough, unless again asks for a new fetch.
func (d *discovery) look(ctx context.Context, again bool) (*metadata, error) {
	result := d.flight.DoChan("", func() (any, error) {
		if m := d.found.Load(); m != nil && !again {
			return m, nil
		}
		return d.attempt(context.WithoutCancel(ctx))
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*metadata), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (d *discovery) attempt(ctx context.Context) (*metadata, error) {
	m, err := d.read(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.wait = min(max(2*d.wait, firstWait), longestWait)
		d.retryAt = d.now().Add(d.wait)
		if d.failed == nil || d.failed.Error() != err.Error() {
			d.log.LogAttrs(ctx, slog.LevelWarn, "provider not available", slog.String("issuer", d.issuer),
				slog.String("error", httpclient.OneLine(err.Error(), maxDescription)))
		}
		d.failed = err
		return nil, err
	}
	if d.found.Load() == nil || d.failed != nil {
		d.log.LogAttrs(ctx, slog.LevelInfo, "provider found", slog.String("issuer", m.Issuer))
	}
	d.failed, d.wait, d.foundAt = nil, 0, d.now()
	d.found.Store(m)
	return m, nil
}

func (d *discovery) read(ctx context.Context) (*metadata, error) {
	var m metadata
	if err := d.call.get(ctx, d.issuer+"/.well-known/openid-configuration", &m); err != nil {
		return nil, err
	}
	if err := m.check(d.issuer, d.manyTenants); err != nil {
		return nil, fmt.Errorf("%w: discovery document of %s: %w", ErrMisconfigured, d.issuer, err)
	}
	return &m, nil
}

// check refuses a document of another issuer (security class 12) and endpoints that are not safe to use.
func (m *metadata) check(issuer string, manyTenants bool) error {
	ofMany, err := m.checkTenants(issuer, manyTenants)
	if err != nil {
		return err
	}
	if announced, err := NormalIssuer(m.Issuer); !ofMany && (err != nil || announced != issuer) {
		hint := ""
		if strings.HasPrefix(m.Issuer, "https://sts.windows.net/") {
			hint = "; use the one that ends in /v2.0"
		}
		return fmt.Errorf("it is from the issuer %q%s", httpclient.OneLine(m.Issuer, maxDescription), hint)
	}
	if hasControl(m.Issuer) || strings.TrimSpace(m.Issuer) != m.Issuer || !strings.Contains(m.Issuer, "://") {
		return errors.New("the issuer is not a URL")
	}
	errs := []error{
		checkEndpoint("authorization_endpoint", m.Authorization, issuer),
		checkEndpoint("token_endpoint", m.Token, issuer),
		checkEndpoint("jwks_uri", m.Keys, issuer),
	}
	for name, optional := range map[string]string{"userinfo_endpoint": m.Userinfo, "end_session_endpoint": m.EndSession} {
		if optional != "" {
			errs = append(errs, checkEndpoint(name, optional, issuer))
		}
	}
	if len(m.ClientAuth) > 0 && !slices.Contains(m.ClientAuth, authBasic) && !slices.Contains(m.ClientAuth, authPost) {
		errs = append(errs, errors.New("the token endpoint takes no client secret"))
	}
	if len(m.Challenges) > 0 && !slices.Contains(m.Challenges, "S256") {
		errs = append(errs, errors.New("it does not support PKCE with S256"))
	}
	return errors.Join(errs...)
}

// algorithms returns the signature algorithms that are accepted: RS256, and the asymmetric ones that are announced. Never
// none, and never HS*, whose key would be a public one (security class 11).
func (m *metadata) algorithms() []jose.SignatureAlgorithm {
	algs := []jose.SignatureAlgorithm{jose.RS256}
	for _, safe := range []jose.SignatureAlgorithm{jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA} {
		if slices.Contains(m.Algorithms, string(safe)) {
			algs = append(algs, safe)
		}
	}
	return algs
}

// run looks for the provider until ctx ends: soon after a failure, now and then afterwards. It tells found what it finds.
func (d *discovery) run(ctx context.Context, found func(*metadata)) {
	for ctx.Err() == nil {
		timer := time.NewTimer(d.untilNext())
		select {
		case <-timer.C:
			if m, err := d.look(ctx, d.found.Load() != nil); err == nil {
				found(m)
			}
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// untilNext is how long run waits before it looks for the provider again.
func (d *discovery) untilNext() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch now := d.now(); {
	case d.failed != nil:
		return d.retryAt.Sub(now)
	case d.found.Load() == nil:
		return 0
	default:
		return d.foundAt.Add(refindEvery).Sub(now)
	}
}
