package sqlite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

func TestOtherKeysFindNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, "a")
	p := newSession(1)
	put(t, s, p)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, "b")
	wantNone(t, s, p.Key, 0)
	if keys, err := s.DeleteTagged(context.Background(), "all"); err != nil || len(keys) != 0 {
		t.Errorf("%d sessions by a tag under another key, %v", len(keys), err)
	}
	if _, err := s.Replace(context.Background(), p, after(p, 2)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("replaced what cannot be opened: %v", err)
	}
	if n := rows(t, s); n != 1 {
		t.Errorf("%d rows, want the one that cannot be opened: another process may have its key", n)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path, "a")
	idle, renewed, tagged := newSession(1), newSession(2), newSession(3)
	for _, p := range []*session.Session{idle, renewed, tagged} {
		put(t, s, p)
	}
	s.SetKeys(testKeys("b", "a"))
	for _, p := range []*session.Session{idle, renewed, tagged} {
		use(t, s, p.Key, 0)
	}
	if keys, err := s.DeleteTagged(context.Background(), "person 3"); err != nil || len(keys) != 1 {
		t.Errorf("%d sessions by a tag under the older key, %v", len(keys), err)
	}
	replace(t, s, renewed, after(renewed, 2))
	fresh := newSession(4)
	put(t, s, fresh)
	s.SetKeys(testKeys("b")) // although all are in memory
	wantNone(t, s, idle.Key, 0)
	use(t, s, renewed.Key, 0)
	use(t, s, fresh.Key, 0)
	if keys, err := s.DeleteTagged(context.Background(), "all"); err != nil || len(keys) != 2 {
		t.Errorf("%d sessions by a tag under the newer key, %v", len(keys), err)
	}
}

func TestWithoutKeysNothingIsFoundOrKept(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	put(t, s, newSession(1))
	s.SetKeys(nil)
	wantNone(t, s, newSession(1).Key, 0)
	if err := s.Create(context.Background(), newSession(2)); !errors.Is(err, ErrNoKey) {
		t.Errorf("put: %v", err)
	}
	s.SetKeys(testKeys("a"))
	wantNone(t, s, newSession(2).Key, 0)
	use(t, s, newSession(1).Key, 0)
}

// Write access to the file is not enough to move a session to another key, or to change one.
func TestTamperedRows(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"exchanged":    "UPDATE sessions SET sealed = (SELECT sealed FROM sessions WHERE id = 2) WHERE id = 1",
		"one bit":      "UPDATE sessions SET sealed = substr(sealed, 1, length(sealed) - 1) || X'00' WHERE id = 1",
		"cut off":      "UPDATE sessions SET sealed = substr(sealed, 1, 20) WHERE id = 1",
		"empty":        "UPDATE sessions SET sealed = X'' WHERE id = 1",
		"text":         "UPDATE sessions SET sealed = 'text' WHERE id = 1",
		"lives longer": "UPDATE sessions SET used = 1 << 60, idle = 1 << 60, expires = 1 << 60 WHERE id = 1",
		"used: text":   "UPDATE sessions SET used = 'text' WHERE id = 1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s := open(t, path)
			put(t, s, newSession(1))
			put(t, s, newSession(2))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := execSQL(path, statement); err != nil {
				t.Fatal(err)
			}
			s = open(t, path)
			if got, err := s.Use(context.Background(), newSession(1).Key, newSession(1).Expires); err == nil {
				t.Errorf("the first is %+v", got)
			}
			use(t, s, newSession(2).Key, 0)
		})
	}
}

// Security class 8: write access to the file is not enough to make a key find the session of another user.
func TestTamperedFormerKeys(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path)
	put(t, s, newSession(1))
	put(t, s, newSession(2))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := execSQL(path, "INSERT INTO former_keys SELECT key, 2 FROM sessions WHERE id = 1; DELETE FROM sessions WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	wantNone(t, s, newSession(1).Key, 0)
	now := epoch
	if got, ours, err := s.Claim(context.Background(), newSession(1).Key, session.Owner{}, now, now.Add(time.Minute)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("claim: %+v, %v, %v", got, ours, err)
	}
	use(t, s, newSession(2).Key, 0)
}
