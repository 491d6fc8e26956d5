package session_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sessiontest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, func(*testing.T) session.Store { return session.NewMemory(0) })
}

func BenchmarkMemoryUse(b *testing.B) { sessiontest.BenchmarkUse(b, session.NewMemory(0)) }

// Security class 21: a store has a bound; who used the app last keeps the session.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const limit = 64
	store, now := session.NewMemory(limit), time.Unix(1000, 0)
	ctx := context.Background()
	add := func() session.Key {
		id, _ := session.NewID(rand.Reader)
		now = now.Add(time.Millisecond)
		s := &session.Session{Key: id.Key(&session.Secret{1}), Created: now, Idle: time.Hour, Expires: now.Add(time.Hour)}
		if err := store.Create(ctx, s); err != nil {
			t.Fatal(err)
		}
		return s.Key
	}
	busy := add()
	var keys []session.Key
	for range 10 * limit {
		keys = append(keys, add())
		if _, err := store.Use(ctx, busy, now); err != nil {
			t.Fatalf("the busy session was dropped: %v", err)
		}
	}
	alive := 0
	for _, key := range keys {
		if _, err := store.Use(ctx, key, now); err == nil {
			alive++
		}
	}
	if alive == 0 || alive > limit {
		t.Errorf("%d sessions alive, want 1 to %d", alive, limit)
	}
}

// A use that comes while the session gets new tokens is not lost with the old ones.
func TestMemoryUseDuringReplace(t *testing.T) {
	t.Parallel()
	store, made, ctx := session.NewMemory(0), time.Unix(1000, 0), context.Background()
	s := session.Session{Key: session.Key{1}, Created: made, Idle: time.Hour, Expires: made.Add(1e6 * time.Hour)}
	if err := store.Create(ctx, &s); err != nil {
		t.Fatal(err)
	}
	for n := range 20_000 {
		now := made.Add(time.Duration(n) * 40 * time.Minute)
		var both sync.WaitGroup
		both.Go(func() {
			old := s
			s.Version++
			next := s
			if _, err := store.Replace(ctx, &old, &next); err != nil {
				t.Errorf("replace: %v", err)
			}
		})
		if _, err := store.Use(ctx, s.Key, now); err != nil {
			t.Fatalf("use %d: %v", n, err)
		}
		both.Wait()
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	a, err := session.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := session.NewID(rand.Reader)
	if a == b || a.Key(&session.Secret{1}) == b.Key(&session.Secret{1}) {
		t.Error("two ids are equal")
	}
	if a.Key(&session.Secret{1}) == a.Key(&session.Secret{2}) {
		t.Error("two secrets lead to one session")
	}
	if back, ok := session.ParseID(string(a)); !ok || back != a {
		t.Errorf("ParseID(%d characters) = %v", len(a), ok)
	}
	if _, err := session.NewID(bytes.NewReader(make([]byte, session.IDSize-1))); err == nil {
		t.Error("an id from too few random bytes")
	}
	if _, err := session.NewID(failing{}); !errors.Is(err, errBroken) {
		t.Errorf("err = %v, want the source's", err)
	}
}

var errBroken = errors.New("no randomness")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 42) + "=", strings.Repeat("é", 22), strings.Repeat("A", 10000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := session.ParseID(s); ok && (string(id) != s || len(s) != 43) {
			t.Errorf("ParseID(%q) = %q", s, id)
		}
	})
}
