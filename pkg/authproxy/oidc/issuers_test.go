package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

// sharing are 100 applications at one issuer, each with its own client id, in one process.
func sharing(t *testing.T, e *env) []*oidc.Provider {
	t.Helper()
	issuers := oidc.NewIssuers(oidc.IssuersOptions{Now: e.clock.now, Transport: e.net, Log: e.logger})
	var all []*oidc.Provider
	for i := range 100 {
		all = append(all, e.provider(t, func(o *oidc.Options) {
			o.Issuers, o.Transport, o.ClientID = issuers, nil, fmt.Sprintf("app-%d", i)
			if i%2 == 0 {
				o.Issuer += "/" // another spelling is not another issuer
			}
		}))
	}
	return all
}

func TestIssuersAskOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	var wg sync.WaitGroup
	for i, p := range sharing(t, e) {
		token := e.fake.AccessToken(audience, nil)
		wg.Go(func() {
			address, _, err := p.Begin(t.Context(), "/")
			if err != nil || !strings.Contains(address, fmt.Sprintf("client_id=app-%d&", i)) {
				t.Errorf("app %d logs people in at %s, error %v", i, address, err)
			}
			if _, err := p.VerifyBearer(t.Context(), token, audience); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for place, want := range map[string]int{"tenant.example.com" + wellKnown: 1, keysPlace: 1} {
		if n := e.net.Count(place); n != want {
			t.Errorf("%s was asked for %d times, want %d", place, n, want)
		}
	}
	if n := strings.Count(e.log.String(), "provider found"); n != 1 {
		t.Errorf("the log says %d times that the provider was found, want once:\n%s", n, e.log)
	}
}

// An app that goes away leaves the others what they share; what nobody uses any more is forgotten.
func TestIssuersAreKeptWhileUsed(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	issuers := oidc.NewIssuers(oidc.IssuersOptions{Now: e.clock.now, Transport: e.net})
	const document = "tenant.example.com" + wellKnown
	ready := func(p *oidc.Provider, want int) {
		t.Helper()
		wantErr(t, p.Ready(t.Context()), nil)
		if n := e.net.Count(document); n != want {
			t.Errorf("the document was read %d times, want %d", n, want)
		}
	}
	share := func(o *oidc.Options) { o.Issuers = issuers }
	first, second := e.provider(t, share), e.provider(t, share)
	ready(first, 1)
	first.Close()
	first.Close() // again does nothing
	ready(e.provider(t, share), 1)
	ready(second, 1)
	own := e.provider(t, nil)
	ready(own, 2)
	other := e.provider(t, func(o *oidc.Options) { o.Issuers, o.Tenants = issuers, oidc.AnyTenant })
	ready(other, 3) // is checked in another way
	second.Close()
	other.Close()
	ready(e.provider(t, share), 3)
}

func TestIssuersForgetUnused(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	issuers := oidc.NewIssuers(oidc.IssuersOptions{Now: e.clock.now, Transport: e.net})
	for want := 1; want <= 3; want++ {
		p := e.provider(t, func(o *oidc.Options) { o.Issuers = issuers })
		wantErr(t, p.Ready(t.Context()), nil)
		if n := e.net.Count("tenant.example.com" + wellKnown); n != want {
			t.Errorf("the document was read %d times, want %d", n, want)
		}
		p.Close()
	}
}

// Of many that run one looks for the issuer. Where it ends, another goes on.
func TestIssuersRunOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, nil)
		issuers := oidc.NewIssuers(oidc.IssuersOptions{Now: time.Now, Transport: e.net})
		asked := func() int { return e.net.Count("tenant.example.com" + wellKnown) }
		var ends []context.CancelFunc
		for range 10 {
			p := e.provider(t, func(o *oidc.Options) { o.Issuers, o.Now = issuers, time.Now })
			ctx, cancel := context.WithCancel(t.Context())
			ends = append(ends, cancel)
			go p.Run(ctx)
		}
		time.Sleep(time.Minute)
		if n := asked(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		for _, end := range ends {
			before := asked()
			time.Sleep(2 * time.Hour)
			if n := asked() - before; n < 2 || n > 4 {
				t.Errorf("asked %d times in two hours, want once in 45 minutes", n)
			}
			end()
		}
	})
}

// One application's wrong secret is its own.
func TestIssuersKeepSecretsApart(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	issuers := oidc.NewIssuers(oidc.IssuersOptions{Now: e.clock.now, Transport: e.net})
	good := e.provider(t, func(o *oidc.Options) { o.Issuers = issuers })
	bad := e.provider(t, func(o *oidc.Options) { o.Issuers, o.ClientSecret = issuers, "wrong" })
	for name, p := range map[string]*oidc.Provider{"good": good, "bad": bad, "good again": good} {
		address, tx := e.begin(t, p)
		_, err := p.Finish(t.Context(), e.fake.Authorize(t, address), tx)
		if wrong := errors.Is(err, oidc.ErrMisconfigured); wrong != (p == bad) || !wrong && err != nil {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
