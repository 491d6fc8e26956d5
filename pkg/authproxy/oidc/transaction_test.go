package oidc_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

const newKey = "another secret of at least 32 characters"

func TestSealer(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *oidc.Options) { o.Name = strings.Repeat("n", 64) })
	longest := "/" + strings.Repeat("é", (oidc.MaxReturnTo-1)/2) + `"`
	_, tx, err := e.Begin(t.Context(), longest)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Begin(t.Context(), longest+"x"); err == nil {
		t.Error("an address that is too long is accepted")
	}
	sealed := e.sealer.Seal(tx)
	if len(sealed) > oidc.MaxSealed || oidc.MaxSealed > 3500 || e.sealer.Seal(tx) == sealed {
		t.Errorf("%d bytes, at most %d", len(sealed), oidc.MaxSealed)
	}
	unsealed, err := e.sealer.Open(sealed)
	if err != nil || unsealed != tx || unsealed.ReturnTo() != longest || unsealed.CookieName() != tx.CookieName() {
		t.Errorf("opened with error %v", err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", tx, tx, &tx, tx); strings.Contains(shown, "é") {
		t.Errorf("shows %s", shown)
	}
}

// A login costs a browser little, whatever is kept for it elsewhere, and its values have nothing to do with each other.
func TestTransactionIsSmall(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	address, tx, err := e.Begin(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tx.CookieName()) + len(e.sealer.Seal(tx)); n > 120 {
		t.Errorf("the cookie has %d bytes", n)
	}
	query := must(url.Parse(address)).Query()
	other, _, err := e.Begin(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, q := range []url.Values{query, must(url.Parse(other)).Query()} {
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if value := q.Get(name); len(value) != 43 || seen[value] {
				t.Errorf("%s is %q, as before: %v", name, value, seen[value])
			}
			seen[q.Get(name)] = true
		}
	}
}

// Class 9: what an old secret sealed is good until the secret is removed.
func TestClass9Rotation(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	_, tx := e.begin(t, e.Provider)
	old := e.sealer.Seal(tx)
	both := must(oidc.NewSealer([]string{newKey, cookieKey}, e.clock.now))
	after := must(oidc.NewSealer([]string{newKey}, e.clock.now))
	if _, err := both.Open(old); err != nil {
		t.Errorf("old and new secret: %v", err)
	}
	_, err := after.Open(old)
	wantErr(t, err, oidc.ErrTransaction)
	if _, err := after.Open(both.Seal(tx)); err != nil {
		t.Errorf("the first secret does not seal: %v", err)
	}
	if _, err := oidc.NewSealer(nil, e.clock.now); err == nil {
		t.Error("a sealer without a secret")
	}
}

// Classes 7 and 10: garbage, changed and old cookies are refused.
func TestClass10Transactions(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	_, tx := e.begin(t, e.Provider)
	sealed := e.sealer.Seal(tx)
	raw := must(base64.RawURLEncoding.DecodeString(sealed))
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		_, err := e.sealer.Open(base64.RawURLEncoding.EncodeToString(changed))
		wantErr(t, err, oidc.ErrTransaction)
	}
	for name, value := range map[string]string{
		"empty": "", "garbage": "%%%", "short": "AAAA", "cut": sealed[:len(sealed)-4], "longer": sealed + "AAAA",
		"huge": strings.Repeat("A", 1<<20), "padded": sealed + "=", "line break": sealed[:8] + "\n" + sealed[8:],
	} {
		_, err := e.sealer.Open(value)
		if err == nil {
			t.Errorf("%s: opened", name)
		}
		wantErr(t, err, oidc.ErrTransaction)
	}
	e.clock.move(oidc.LoginTime - time.Second)
	if _, err := e.sealer.Open(sealed); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	e.clock.move(time.Second)
	_, err := e.sealer.Open(sealed)
	wantErr(t, err, oidc.ErrExpired)
}

// Class 21: the memory of what was used is bounded.
func TestClass21Memory(t *testing.T) {
	t.Parallel()
	used, c := oidc.NewReplayCache(), newClock()
	for i := range oidc.ReplayCacheSize + 100 {
		if !used.Use(fmt.Sprint(i), c.now(), c.now().Add(time.Minute)) {
			t.Fatalf("%d is new", i)
		}
	}
	if n := used.Len(); n > oidc.ReplayCacheSize {
		t.Errorf("%d remembered", n)
	}
	last := fmt.Sprint(oidc.ReplayCacheSize + 99)
	if used.Use(last, c.now(), c.now().Add(time.Minute)) {
		t.Error("the last one may be used again")
	}
	c.move(time.Minute)
	if !used.Use(last, c.now(), c.now().Add(time.Minute)) {
		t.Error("it is remembered longer than it could be used")
	}
}

// FuzzOpen: nothing but what was sealed opens, and nothing panics.
func FuzzOpen(f *testing.F) {
	c := newClock()
	sealer := must(oidc.NewSealer([]string{cookieKey}, c.now))
	f.Add("")
	f.Add(sealer.Seal(oidc.Transaction{}))
	f.Add(strings.Repeat("A", 200))
	f.Fuzz(func(t *testing.T, value string) {
		tx, err := sealer.Open(value)
		if err == nil && tx != (oidc.Transaction{}) {
			t.Errorf("%q opened", value)
		}
	})
}

// FuzzTransaction: what parses is within the bounds, and comes back the same after it was sealed.
func FuzzTransaction(f *testing.F) {
	sealer := must(oidc.NewSealer([]string{cookieKey}, func() time.Time { return time.Unix(0, 0) }))
	f.Add([]byte{})
	f.Add(append([]byte{3, 0, 0, 0, 0, 0x71, 0x3f, 0xb3, 0}, make([]byte, 200)...))
	f.Add(append([]byte{3, 0, 0, 0, 0, 0x71, 0x3f, 0xb3, 0}, append(make([]byte, 24), "\x03abc/x"...)...))
	f.Fuzz(func(t *testing.T, plain []byte) {
		tx, err := oidc.ParseTransaction(plain)
		if err != nil {
			return
		}
		if len(tx.ReturnTo()) > oidc.MaxReturnTo || len(tx.Provider()) > 64 {
			t.Errorf("return to %d bytes, name %d bytes", len(tx.ReturnTo()), len(tx.Provider()))
		}
		sealed := sealer.Seal(tx)
		if again, err := sealer.Open(sealed); len(sealed) > oidc.MaxSealed || err == nil && again != tx {
			t.Errorf("came back different: %v", err)
		}
	})
}

// FuzzCallback: a query that is accepted holds one state, and no error text that could break a line or a page.
func FuzzCallback(f *testing.F) {
	f.Add("state=a&code=b")
	f.Add("state=a&error=access_denied&error_description=%0d%0a%1b%5b31m")
	f.Add("state=a&state=b&iss=%00")
	f.Fuzz(func(t *testing.T, raw string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		state, refusal, err := oidc.ParseCallback(query)
		if err != nil {
			wantErr(t, err, oidc.ErrCallback)
			return
		}
		if len(query["state"]) > 1 || state != query.Get("state") || len(state) > 128 {
			t.Errorf("state %q", state)
		}
		if refusal != nil && (httpclient.OneLine(refusal.Error(), 1<<20) != refusal.Error() || len(refusal.Error()) > 2000) {
			t.Errorf("refusal %q", refusal.Error())
		}
	})
}

// FuzzIssuer: a normal form is its own normal form, and safe.
func FuzzIssuer(f *testing.F) {
	for _, s := range []string{"tenant.example.com", "HTTPS://A.example:443//", "http://[::1]:80/x/", "https://a%2fb/%2e%2e/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		normal, err := oidc.NormalIssuer(typed)
		if err != nil {
			return
		}
		if again, err := oidc.NormalIssuer(normal); err != nil || again != normal {
			t.Errorf("%q becomes %q, then %q, %v", typed, normal, again, err)
		}
		if !strings.HasPrefix(normal, "https://") && !strings.HasPrefix(normal, "http://") {
			t.Errorf("%q", normal)
		}
	})
}
