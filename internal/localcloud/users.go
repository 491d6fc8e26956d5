package localcloud

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/store"
)

// Users are the users of the platform in a data folder, whether it runs or not.
type Users struct {
	folder folder
	store  *store.Store
}

// User is a user and the number of projects.
type User struct {
	platform.User
	Projects int
}

// OpenUsers opens the users of a data folder, in which a platform must have run. Close must be called at the end.
func OpenUsers(ctx context.Context, data string, now func() time.Time, random io.Reader) (*Users, error) {
	dir, err := existing(data)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{Dir: string(dir), Now: now, Random: random})
	if err != nil {
		return nil, err
	}
	return &Users{dir, s}, nil
}

// existing returns the data folder of a platform that has run before.
func existing(data string) (folder, error) {
	dir, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, store.FileName)); errors.Is(err, fs.ErrNotExist) {
		return "", &platform.Problem{Msg: "no platform has run with the data folder " + dir, Err: err,
			Hint: "start it once with 'ploomber-cloud platform serve', or name the right folder with --data"}
	} else if err != nil {
		return "", &platform.Problem{Msg: "cannot read the platform's data folder", Err: err, Hint: "run the command as the user that the platform runs as"}
	}
	return folder(dir), nil
}

// Close closes the file.
func (u *Users) Close() error { return u.store.Close() }

// Add adds a user and returns the API key. The error wraps platform.ErrExists.
func (u *Users) Add(ctx context.Context, name string, tier platform.Tier) (key string, err error) {
	_, key, err = u.store.CreateUser(ctx, name, tier)
	return key, err
}

// List returns all users.
func (u *Users) List(ctx context.Context) ([]User, error) {
	users, err := u.store.Users(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]User, len(users))
	for i, one := range users {
		projects, err := u.store.Projects(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		list[i] = User{one, len(projects)}
	}
	return list, nil
}

// RotateKey replaces the API key of a user, and returns the new one. That of the owner is also written to its file.
func (u *Users) RotateKey(ctx context.Context, name string) (platform.User, string, error) {
	user, err := u.store.User(ctx, name)
	if err != nil {
		return user, "", err
	}
	key, err := u.store.RotateUserKey(ctx, name)
	if err == nil && name == platform.OwnerName {
		err = u.folder.writeOwnerKey(key)
	}
	return user, key, err
}

// SetTier changes what a user may do. The error wraps platform.ErrState for the owner.
func (u *Users) SetTier(ctx context.Context, name string, tier platform.Tier) error {
	return u.store.SetTier(ctx, name, tier)
}

// Remove removes a user, whose projects pass to the owner. The error wraps platform.ErrState for the owner.
func (u *Users) Remove(ctx context.Context, name string) error { return u.store.RemoveUser(ctx, name) }

// RotateSecrets encrypts all secrets with a new key.
func (u *Users) RotateSecrets(ctx context.Context) error { return u.store.RotateKey(ctx) }
