package oidc_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

const keysPlace = "tenant.example.com/keys"

// tokenFor is an access token for some days, signed with the provider's key under an id.
func tokenFor(f *oidctest.Provider, kid string) string {
	f.Lock()
	defer f.Unlock()
	now := time.Now().Unix()
	return oidctest.SignJWT(f.Key, f.Alg, kid, nil, map[string]any{"iss": issuerURL, "aud": audience, "sub": "job", "scope": "read",
		"iat": now, "exp": now + 1e6})
}

// hangKeys makes the provider's keys an address that never answers.
func hangKeys(f *oidctest.Provider) {
	f.Lock()
	defer f.Unlock()
	f.Handle["/keys"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// wantVerified wants a token to be good, after a wait of just that length.
func wantVerified(t *testing.T, p *oidc.Provider, token string, wait time.Duration) {
	t.Helper()
	start := time.Now()
	_, err := p.VerifyBearer(t.Context(), token, audience)
	wantErr(t, err, nil)
	if took := time.Since(start); took != wait {
		t.Errorf("the token was good after %v, want %v", took, wait)
	}
}

// A fetch of keys that hangs holds up the tokens that need it, and no others.
func TestKnownKeyDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, func(o *oidc.Options) { o.Now = time.Now })
		known, unknown := tokenFor(e.fake, "k1"), tokenFor(e.fake, "k2")
		wantVerified(t, e.Provider, known, 0)
		hangKeys(e.fake)
		start := time.Now()
		held := make(chan error)
		for range 20 {
			go func() {
				_, err := e.VerifyBearer(t.Context(), unknown, audience)
				held <- err
			}()
		}
		synctest.Wait()
		if n := e.net.Count(keysPlace); n != 2 {
			t.Fatalf("keys fetched %d times, want twice, the second time for all of the tokens with an unknown key", n)
		}
		wantVerified(t, e.Provider, known, 0)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := e.VerifyBearer(impatient, unknown, audience)
		wantErr(t, err, oidc.ErrUnavailable)
		if took := time.Since(start); took != time.Second {
			t.Errorf("who gives up after a second has waited %v", took)
		}
		for range 20 {
			wantErr(t, <-held, oidc.ErrUnavailable)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("tokens with an unknown key have waited %v, want 5s", took)
		}
	})
}

// Keys that are no longer fresh are worth waiting for, once: where they cannot be had, the old ones do, without a wait.
func TestOldKeysWaitOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, func(o *oidc.Options) { o.Now = time.Now })
		token := tokenFor(e.fake, "k1")
		wantVerified(t, e.Provider, token, 0)
		hangKeys(e.fake)
		time.Sleep(2 * time.Hour)
		wantVerified(t, e.Provider, token, 5*time.Second)
		for range 10 {
			time.Sleep(time.Minute)
			wantVerified(t, e.Provider, token, 0)
		}
		synctest.Wait()
		if n := e.net.Count(keysPlace); n != 12 {
			t.Errorf("keys fetched %d times, want 12: each of the tokens has them fetched", n)
		}
		time.Sleep(time.Minute) // the last fetch ends
	})
}

// Run fetches keys before they are too old, so that no token waits for them, not even while they cannot be had.
func TestRunKeepsKeysFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, func(o *oidc.Options) { o.Now = time.Now })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go e.Run(ctx)
		time.Sleep(time.Minute)
		if n := e.net.Count(keysPlace); n != 0 {
			t.Errorf("keys that nobody needs were fetched %d times", n)
		}
		token := tokenFor(e.fake, "k1")
		wantVerified(t, e.Provider, token, 0)
		for range 8 {
			time.Sleep(time.Hour)
			wantVerified(t, e.Provider, token, 0)
		}
		if n := e.net.Count(keysPlace); n != 11 { // at the first token, and every 45 minutes of 8 hours and a minute
			t.Errorf("keys fetched %d times, want 11", n)
		}
		hangKeys(e.fake)
		for range 20 {
			time.Sleep(time.Hour)
			wantVerified(t, e.Provider, token, 0)
		}
		time.Sleep(time.Minute)
	})
}
