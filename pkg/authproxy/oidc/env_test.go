package oidc_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

const (
	issuerURL   = "https://tenant.example.com"
	callbackURL = "https://app.example.com/callback"
	cookieKey   = "0123456789abcdefghijklmnopqrstuvwxyz"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_900_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// env is a Provider under test, the provider that it talks to, and the network between them.
type env struct {
	*oidc.Provider
	fake   *oidctest.Provider
	clock  *clock
	net    *oidctest.Network
	log    *bytes.Buffer
	logger *slog.Logger
	sealer *oidc.Sealer
}

func newEnv(t *testing.T, change func(*oidc.Options)) *env {
	t.Helper()
	e := &env{clock: newClock(), net: oidctest.NewNetwork(), log: &bytes.Buffer{}}
	e.logger = slog.New(slog.NewTextHandler(&locked{w: e.log}, nil))
	e.fake = oidctest.New(issuerURL, e.clock.now)
	e.net.Set("tenant.example.com", e.fake)
	e.Provider = e.provider(t, change)
	e.sealer = must(oidc.NewSealer([]string{cookieKey}, e.clock.now))
	return e
}

// provider makes another Provider on the same network.
func (e *env) provider(t *testing.T, change func(*oidc.Options)) *oidc.Provider {
	t.Helper()
	o := oidc.Options{Issuer: issuerURL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, RedirectURL: callbackURL,
		Now: e.clock.now, Random: rand.Reader, Transport: e.net,
		Log: e.logger}
	if change != nil {
		change(&o)
	}
	p, err := oidc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// begin starts a login and lets the transaction go through a cookie.
func (e *env) begin(t *testing.T, p *oidc.Provider) (string, oidc.Transaction) {
	t.Helper()
	address, tx, err := p.Begin(t.Context(), "/deep?x=1")
	if err != nil {
		t.Fatal(err)
	}
	tx, err = e.sealer.Open(e.sealer.Seal(tx))
	if err != nil {
		t.Fatal(err)
	}
	return address, tx
}

// login does a whole login.
func (e *env) login(t *testing.T) (*oidc.Login, error) {
	t.Helper()
	address, tx := e.begin(t, e.Provider)
	return e.Finish(t.Context(), e.fake.Authorize(t, address), tx)
}

// wantErr compares an error with a sentinel, nil among them.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	for _, secret := range []string{oidctest.ClientSecret, "opaque-token", "code-", "refresh-1"} {
		if err != nil && strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("error shows %q: %v", secret, err)
		}
	}
}

func asRefusal(t *testing.T, err error) *oidc.Refusal {
	t.Helper()
	var refusal *oidc.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%v is not a refusal", err)
	}
	return refusal
}
