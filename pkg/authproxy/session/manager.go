package session

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

const (
	// Grace is how long a former id of a session stays valid after a rotation.
	Grace = 2 * time.Minute
	// claimTime is how long a claim lasts: longer than the requests to a provider take.
	claimTime = 15 * time.Second
	// maxFormer is the maximum number of former keys of a session.
	maxFormer = 16
)

// Manager finds the sessions of a store by the ids that browsers keep, and creates, changes, rotates and ends them. The
// secrets that its methods take are the valid ones, newest first: new keys are made with the first, existing ones are found
// with all. All methods are safe for concurrent use.
type Manager struct {
	store  Store
	random io.Reader
	owner  Owner
}

// NewManager returns a manager of the sessions in store. random must be cryptographically secure.
func NewManager(store Store, random io.Reader) (*Manager, error) {
	m := &Manager{store: store, random: random}
	_, err := io.ReadFull(random, m.owner[:])
	return m, err
}

// Found is a session and the id that it has now.
type Found struct {
	*Session
	ID       ID   // differs from the presented one after a rotation; empty if it requires a secret that is not known here
	Outdated bool // the key was made with an older secret; see Rebind
}

// Find returns the session of an id, which may be a former one, and records its use. The error is ErrNotFound if there is
// no such session.
func (m *Manager) Find(ctx context.Context, secrets []Secret, id ID, now time.Time) (Found, error) {
	for i := range secrets {
		key := id.Key(&secrets[i])
		s, err := m.store.Use(ctx, key, now)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return Found{}, err
		case s.Key == key:
			return Found{s, id, i > 0}, nil
		}
		current, with := currentID(secrets, id, s)
		return Found{s, current, with > 0}, nil
	}
	return Found{}, ErrNotFound
}

// CurrentID returns the current id of s, given that or a former one. It is empty if id does not belong to s, or the key of s
// was made with a secret that is not among secrets.
func CurrentID(secrets []Secret, id ID, s *Session) ID {
	current, _ := currentID(secrets, id, s)
	return current
}

// currentID also returns the index of the secret that the key of s was made with.
func currentID(secrets []Secret, id ID, s *Session) (current ID, with int) {
	for range len(s.Former) + 1 {
		next := id
		for i := range secrets {
			key := id.Key(&secrets[i])
			if key == s.Key {
				return id, i
			}
			for j := range s.Former {
				if f := &s.Former[j]; f.Key == key && f.Nonce != [32]byte{} {
					next = id.successor(&secrets[i], &f.Nonce)
				}
			}
		}
		if next == id {
			break
		}
		id = next
	}
	return "", 0
}

// Create sets the key of s and stores it under a new random id.
func (m *Manager) Create(ctx context.Context, secrets []Secret, s *Session) (ID, error) {
	id, err := NewID(m.random)
	if err != nil {
		return "", err
	}
	s.Key = id.Key(&secrets[0])
	return id, m.store.Create(ctx, s)
}

// Change modifies a copy of a session. If another change is stored first it is called again, with the result of that one. It
// returns false if nothing remains to be done.
type Change func(next *Session) bool

// Update changes s, whose id stays the same, and returns the stored session.
func (m *Manager) Update(ctx context.Context, s *Session, change Change) (*Session, error) {
	return m.replace(ctx, s, change, func(*Session) error { return nil })
}

// Rotate changes s and gives it a new id. id is its current one, from which CurrentID derives the new one, and which stays
// valid for Grace. If several rotations happen at once, in one process or in several, one takes effect, and the others apply
// their changes to its result. Rotate returns the stored session.
func (m *Manager) Rotate(ctx context.Context, secrets []Secret, id ID, s *Session, now time.Time, change Change) (*Session, error) {
	old := s.Key
	return m.replace(ctx, s, change, func(next *Session) error {
		if next.Key != old { // another rotation was faster
			return nil
		}
		i := slices.IndexFunc(secrets, func(secret Secret) bool { return id.Key(&secret) == old })
		if i < 0 { // the key requires a secret that is not known here
			next.RotationDue = true
			return nil
		}
		f := Former{Key: old, Until: now.Add(Grace)}
		if _, err := io.ReadFull(m.random, f.Nonce[:]); err != nil {
			return err
		}
		next.move(id.successor(&secrets[i], &f.Nonce).Key(&secrets[0]), f, now)
		next.RotationDue = false
		return nil
	})
}

// Rebind replaces the key of a session that was found with an older secret by one made with the newest, so that the session
// stays valid when the older secret is removed. Its id stays the same.
func (m *Manager) Rebind(ctx context.Context, secrets []Secret, found Found, now time.Time, change Change) (*Session, error) {
	old := found.Key
	return m.replace(ctx, found.Session, change, func(next *Session) error {
		if next.Key == old {
			next.move(found.ID.Key(&secrets[0]), Former{Key: old, Until: now.Add(Grace)}, now)
		}
		return nil
	})
}

// move gives s another key and drops former keys that have expired.
func (s *Session) move(to Key, from Former, now time.Time) {
	former := make([]Former, 0, len(s.Former)+1)
	for _, f := range s.Former {
		if now.Before(f.Until) && f.Key != to {
			former = append(former, f)
		}
	}
	former = append(former, from)
	s.Key, s.Former = to, former[max(0, len(former)-maxFormer):]
}

// replace changes s in the store, unless it has ended. It ignores the end of ctx: the tokens that a refresh token was
// exchanged for must not be lost.
func (m *Manager) replace(ctx context.Context, s *Session, change Change, rename func(next *Session) error) (*Session, error) {
	ctx = context.WithoutCancel(ctx)
	for {
		next := s.Clone()
		next.Version++
		if !change(next) {
			return s, nil
		}
		if err := rename(next); err != nil {
			return nil, err
		}
		stored, err := m.store.Replace(ctx, s, next)
		if err != nil || stored == next {
			return stored, err
		}
		s = stored
	}
}

// Claim reserves the renewal of tokens for this manager. It returns the session as stored now, and whether the claim
// succeeded. The error is ErrNotFound if the session has ended.
func (m *Manager) Claim(ctx context.Context, key Key, now time.Time) (*Session, bool, error) {
	return m.store.Claim(context.WithoutCancel(ctx), key, m.owner, now, now.Add(claimTime))
}

// Use returns a session and records its use.
func (m *Manager) Use(ctx context.Context, key Key, now time.Time) (*Session, error) {
	return m.store.Use(ctx, key, now)
}

// Look returns a session without recording a use.
func (m *Manager) Look(ctx context.Context, key Key, now time.Time) (*Session, error) {
	return m.store.Look(ctx, key, now)
}

// End ends the session of a key or former key, even if ctx ends. It returns its current key, or none if the session had
// ended before.
func (m *Manager) End(ctx context.Context, key Key) ([]Key, error) {
	return m.store.Delete(context.WithoutCancel(ctx), key)
}

// EndTagged ends all sessions with a tag, even if ctx ends, and returns their keys.
func (m *Manager) EndTagged(ctx context.Context, tag string) ([]Key, error) {
	return m.store.DeleteTagged(context.WithoutCancel(ctx), tag)
}
