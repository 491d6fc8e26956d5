package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// A client that guesses keys is slowed down. A valid key from the same address works all the same.
func TestGuesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		a, err := New(m.options())
		if err != nil {
			t.Fatal(err)
		}
		ask := func(from, key string) (status int, took time.Duration) {
			r := httptest.NewRequest("GET", "http://127.0.0.1:8000/users/me", nil)
			r.RemoteAddr = from
			r.Header.Set("api_key", key)
			w := httptest.NewRecorder()
			begin := time.Now()
			a.ServeHTTP(w, r)
			return w.Code, time.Since(begin)
		}
		if status, _ := ask("10.0.0.1:1", communityKey); status != 200 {
			t.Fatalf("status %d", status)
		}
		begin := time.Now()
		for n := range 1000 {
			if status, _ := ask("10.0.0.1:2", fmt.Sprint("guess ", n)); status != 401 {
				t.Fatalf("guess %d: status %d", n, status)
			}
		}
		if took := time.Since(begin); took < 200*time.Second {
			t.Errorf("1000 guesses took %v", took)
		}
		if status, took := ask("10.0.0.1:3", communityKey); status != 200 || took > 0 {
			t.Errorf("a key that was valid before: status %d after %v", status, took)
		}
		if status, took := ask("10.0.0.1:3", teamsKey); status != 200 || took == 0 || took > maxWait {
			t.Errorf("a valid key that is new: status %d after %v", status, took)
		}
		if status, took := ask("10.0.0.2:1", "guess"); status != 401 || took > 0 {
			t.Errorf("another address: status %d after %v", status, took)
		}
		time.Sleep(time.Minute)
		if status, took := ask("10.0.0.1:4", "guess"); status != 401 || took > 0 {
			t.Errorf("after a minute: status %d after %v", status, took)
		}
	})
}

func TestManyWait(t *testing.T) {
	t.Parallel()
	g := newGuesses(time.Now)
	for range maxWaiting {
		if !g.enter() {
			t.Fatal("too early")
		}
	}
	var refused *refusal
	if err := g.sleep(t.Context(), time.Second); !errors.As(err, &refused) || refused.status != 429 || refused.header.Get("Retry-After") == "" {
		t.Errorf("one more: %v", err)
	}
	g.leave()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that disconnects: %v", err)
	}
	if !g.enter() {
		t.Error("a client that disconnected still counts")
	}
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"10.1.2.3:80": "10.1.2.3/32", "[::ffff:10.1.2.3]:80": "10.1.2.3/32", "[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64", "[fe80::1%eth0]:80": "fe80::/64",
		"@": "invalid Prefix",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		if got := addressOf(r); got.String() != want {
			t.Errorf("%s counts as %v, want %s", remote, got, want)
		}
	}
}
