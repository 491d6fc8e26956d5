package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const userColumns = "id, name, tier, created"

func scanUser(r row) (u platform.User, err error) {
	var created int64
	err = r.Scan(&u.ID, &u.Name, &u.Tier, &created)
	u.Created = fromMicros(created)
	return u, err
}

// CreateUser adds a user and returns the API key, of which only a hash is stored. The error wraps platform.ErrExists if the
// name is taken.
func (s *Store) CreateUser(ctx context.Context, name string, tier platform.Tier) (u platform.User, key string, err error) {
	if err := errors.Join(platform.CheckUserName(name), checkTier(tier)); err != nil {
		return platform.User{}, "", err
	}
	if key, err = platform.NewKey(s.random); err != nil {
		return platform.User{}, "", err
	}
	id, err := platform.NewUserID(s.random)
	if err != nil {
		return platform.User{}, "", err
	}
	u = platform.User{ID: id, Name: name, Tier: tier, Created: fromMicros(micros(s.now()))}
	hash := platform.KeyHash(key)
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO users (id, name, tier, key_hash, created) VALUES (?, ?, ?, ?, ?)",
			u.ID, u.Name, string(u.Tier), hash[:], micros(u.Created))
		if isDuplicate(err) {
			return fmt.Errorf("user %q: %w", name, platform.ErrExists)
		}
		return err
	})
	if err != nil {
		return platform.User{}, "", err
	}
	return u, key, nil
}

// User returns the user with a name. The error wraps platform.ErrNotFound if there is none.
func (s *Store) User(ctx context.Context, name string) (platform.User, error) {
	u, err := scanUser(s.db.Read.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE name = ?", name))
	if errors.Is(err, sql.ErrNoRows) {
		return platform.User{}, notFound("user", name)
	}
	return u, s.failed(err)
}

// UserByKey returns the user with an API key. The error wraps platform.ErrNotFound if nobody has it.
func (s *Store) UserByKey(ctx context.Context, key string) (platform.User, error) {
	hash := platform.KeyHash(key)
	u, err := scanUser(s.db.Read.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE key_hash = ?", hash[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return platform.User{}, fmt.Errorf("user with this API key: %w", platform.ErrNotFound)
	}
	return u, s.failed(err)
}

// Users returns all users, sorted by name.
func (s *Store) Users(ctx context.Context) ([]platform.User, error) {
	rows, err := s.db.Read.QueryContext(ctx, "SELECT "+userColumns+" FROM users ORDER BY name")
	users, err := collect(rows, err, scanUser)
	return users, s.failed(err)
}

// RotateUserKey gives a user a new API key. The previous one ceases to be valid at once.
func (s *Store) RotateUserKey(ctx context.Context, name string) (key string, err error) {
	if key, err = platform.NewKey(s.random); err != nil {
		return "", err
	}
	hash := platform.KeyHash(key)
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE users SET key_hash = ? WHERE name = ?", hash[:], name)
		return mustChange(result, err, "user", name)
	})
	if err != nil {
		return "", err
	}
	return key, nil
}

// SetTier changes the tier of a user. That of the platform's owner cannot be changed: the error wraps platform.ErrState.
func (s *Store) SetTier(ctx context.Context, name string, tier platform.Tier) error {
	if err := checkTier(tier); err != nil {
		return err
	}
	if name == platform.OwnerName && tier != platform.Owner {
		return fmt.Errorf("change the tier of the platform's owner: %w", platform.ErrState)
	}
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE users SET tier = ? WHERE name = ?", string(tier), name)
		return mustChange(result, err, "user", name)
	})
}

// RemoveUser removes a user; the projects pass to the platform's owner, who cannot be removed: the error wraps
// platform.ErrState then.
func (s *Store) RemoveUser(ctx context.Context, name string) error {
	if name == platform.OwnerName {
		return fmt.Errorf("remove the platform's owner: %w", platform.ErrState)
	}
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE projects SET owner = (SELECT id FROM users WHERE name = ?)
			WHERE owner = (SELECT id FROM users WHERE name = ?)`, platform.OwnerName, name)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, "DELETE FROM users WHERE name = ?", name)
		return mustChange(result, err, "user", name)
	})
}

func checkTier(tier platform.Tier) error {
	if !slices.Contains(platform.Tiers(), tier) {
		return fmt.Errorf("unknown tier %q", tier)
	}
	return nil
}
