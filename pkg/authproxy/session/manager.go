package session

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

const (
	// Grace is how long the former id of a session leads to it after a rotation.
	Grace = 2 * time.Minute
	// claimTime is how long one owner has for a renewal before another tries it: more than the calls to a provider take.
	claimTime = 15 * time.Second
	// maxFormer is how many former keys a session has at most, if it is rotated that often within Grace.
	maxFormer = 16
)

// Manager leads from the ids that browsers keep to the sessions of a store. The secrets that it is given are the valid
// ones, newest first: keys are made with the first, and found with all. All methods are safe for concurrent use.
type Manager struct {
	store  Store
	random io.Reader
	owner  Owner
}

// NewManager returns a manager of the sessions in store. random has to be cryptographically secure.
func NewManager(store Store, random io.Reader) (*Manager, error) {
	m := &Manager{store: store, random: random}
	_, err := io.ReadFull(random, m.owner[:])
	return m, err
}

// Found is a session and the id that it has now.
type Found struct {
	*Session
	ID       ID   // differs from the presented one after a rotation; empty where a secret of another process is needed
	Outdated bool // the key was made with an older secret: see Rebind
}

// Find returns the live session that id leads to, and notes that it was used at now. ErrNotFound where there is none.
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

// CurrentID returns the id that s has, of which id is the present or a former one. It is empty where s is another
// session, or has a key that was made with a secret which is not among secrets.
func CurrentID(secrets []Secret, id ID, s *Session) ID {
	current, _ := currentID(secrets, id, s)
	return current
}

// currentID returns besides which secret the key of s was made with.
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

// Create stores a new session under a new id. It fills in the key of s.
func (m *Manager) Create(ctx context.Context, secrets []Secret, s *Session) (ID, error) {
	id, err := NewID(m.random)
	if err != nil {
		return "", err
	}
	s.Key = id.Key(&secrets[0])
	return id, m.store.Create(ctx, s)
}

// Change alters a copy of a session. It is called again where another change was faster, with the outcome of that one,
// and returns false where there is nothing left to do.
type Change func(next *Session) bool

// Update changes s under the id that it has, and returns what is stored then.
func (m *Manager) Update(ctx context.Context, s *Session, change Change) (*Session, error) {
	return m.replace(ctx, s, change, func(*Session) error { return nil })
}

// Rotate changes s and gives it a new id, which CurrentID finds from id, its present one. The present one is good for
// Grace still. Of several rotations at once, by whatever processes, one counts; the others make their changes to what
// that one has stored. It returns what is stored then.
func (m *Manager) Rotate(ctx context.Context, secrets []Secret, id ID, s *Session, now time.Time, change Change) (*Session, error) {
	old := s.Key
	return m.replace(ctx, s, change, func(next *Session) error {
		if next.Key != old { // rotated meanwhile
			return nil
		}
		i := slices.IndexFunc(secrets, func(secret Secret) bool { return id.Key(&secret) == old })
		if i < 0 { // only the secret of another process leads to it
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

// Rebind binds a session that was found with an older secret to the newest, so that it outlives the older one. Its id
// stays the same.
func (m *Manager) Rebind(ctx context.Context, secrets []Secret, found Found, now time.Time, change Change) (*Session, error) {
	old := found.Key
	return m.replace(ctx, found.Session, change, func(next *Session) error {
		if next.Key == old {
			next.move(found.ID.Key(&secrets[0]), Former{Key: old, Until: now.Add(Grace)}, now)
		}
		return nil
	})
}

// move gives s another key and keeps the former ones that are still good.
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

// replace changes s in the store, unless it has ended. What has begun is brought to its end although ctx may end: a
// refresh token that was spent is worth nothing without the new one.
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

// Claim reserves the renewal of a session for this manager. It returns the session as it is stored now, and whether
// others leave the renewal to us. ErrNotFound where the session has ended.
func (m *Manager) Claim(ctx context.Context, key Key, now time.Time) (*Session, bool, error) {
	return m.store.Claim(context.WithoutCancel(ctx), key, m.owner, now, now.Add(claimTime))
}

// Use notes that a session was used, and returns it.
func (m *Manager) Use(ctx context.Context, key Key, now time.Time) (*Session, error) {
	return m.store.Use(ctx, key, now)
}

// Look returns a session. That does not count as a use.
func (m *Manager) Look(ctx context.Context, key Key, now time.Time) (*Session, error) {
	return m.store.Look(ctx, key, now)
}

// End ends a session, under whatever key it has by now, although ctx may end. It returns that key; none where the
// session had ended before.
func (m *Manager) End(ctx context.Context, key Key) ([]Key, error) {
	return m.store.Delete(context.WithoutCancel(ctx), key)
}

// EndTagged ends all sessions with a tag, although ctx may end, and returns their keys.
func (m *Manager) EndTagged(ctx context.Context, tag string) ([]Key, error) {
	return m.store.DeleteTagged(context.WithoutCancel(ctx), tag)
}
