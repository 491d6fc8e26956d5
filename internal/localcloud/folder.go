package localcloud

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/store"
	"github.com/ploomber/ploomber-cloud/internal/platform/supervise"
)

// folder is the data folder of a platform. What is in it is only for the user that the platform runs as, and for apps that
// have users of their own: they may pass through it to their files.
type folder string

// OwnerKeyFile is the file of the owner's API key, in the data folder. The key is its last line.
const OwnerKeyFile = "owner.key"

func (f folder) join(names ...string) string {
	return filepath.Join(append([]string{string(f)}, names...)...)
}

func (f folder) ownerKey() string     { return f.join(OwnerKeyFile) }
func (f folder) archives() string     { return f.join("archives") }
func (f folder) environments() string { return f.join("environments") }
func (f folder) sessions() string     { return f.join("sessions.db") }

// app is the folder for the code and the processes of a deployment.
func (f folder) app(d platform.Deployment) string  { return f.join("apps", d.ID) }
func (f folder) code(d platform.Deployment) string { return f.join("apps", d.ID, "code") }
func (f folder) run(d platform.Deployment) string  { return f.join("apps", d.ID, "run") }

// data is what the apps of a project keep, whatever is deployed.
func (f folder) data(project string) string { return f.join("data", project) }

// isolation is what keeps the apps in f from each other.
func (f folder) isolation() *supervise.Isolation {
	return supervise.NewIsolation(platform.FolderName(string(f)), string(f))
}

// openFolder makes the folder dir if it is missing, with the folders in it.
func openFolder(dir string) (folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	f := folder(dir)
	for _, sub := range []string{"", "archives", "environments", "apps", "logs", "data"} {
		if err := os.MkdirAll(f.join(sub), 0o700); err != nil {
			return "", &platform.Problem{Msg: "cannot create the platform's data folder", Err: err, Hint: "name another folder with --data"}
		}
	}
	// A folder that was there before may be open to other users.
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs the x bit
		return "", &platform.Problem{Msg: "cannot make the platform's data folder private", Err: err, Hint: "name another folder with --data"}
	}
	return f, nil
}

// errInUse means that another platform uses the data folder.
var errInUse = errors.New("another platform is running on this data folder")

// lock reserves f for this process until the returned lock is released.
func (f folder) lock() (*flock.Flock, error) {
	l := flock.New(f.join("lock"), flock.SetPermissions(0o600))
	got, err := l.TryLock()
	switch {
	case err != nil:
		return nil, &platform.Problem{Msg: "cannot write to the platform's data folder", Err: err, Hint: "check the permissions and the free space of " + string(f)}
	case !got:
		return nil, &platform.Problem{Msg: "cannot use the data folder " + string(f), Err: errInUse,
			Hint: "stop it with 'ploomber-cloud platform stop', or name another folder with --data"}
	}
	return l, nil
}

// ensureOwner creates the owner at the first start, and a new key if the file with it is missing.
func (f folder) ensureOwner(ctx context.Context, s *store.Store) error {
	_, err := s.User(ctx, platform.OwnerName)
	missing := errors.Is(err, platform.ErrNotFound)
	if err != nil && !missing {
		return err
	}
	if _, err := os.Lstat(f.ownerKey()); err == nil && !missing {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var key string
	if missing {
		_, key, err = s.CreateUser(ctx, platform.OwnerName, platform.Owner)
	} else {
		key, err = s.RotateUserKey(ctx, platform.OwnerName)
	}
	if err != nil {
		return err
	}
	return f.writeOwnerKey(key)
}

func (f folder) writeOwnerKey(key string) error {
	text := "# API key of the owner of this platform. It gives control over every app.\n" + key + "\n"
	return fsx.Replace(fsx.File{Path: f.ownerKey(), Data: []byte(text), Mode: fsx.Private, Tighten: true})
}

// readOwnerKey returns the owner's key.
func (f folder) readOwnerKey() (string, error) {
	data, err := os.ReadFile(f.ownerKey())
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.TrimSpace(lines[len(lines)-1]), nil
}

// sessionKey returns the key that the sessions of all apps are encrypted with, and creates it if it is missing: then
// everyone has to log in again.
func (f folder) sessionKey(random io.Reader) ([]byte, error) {
	path := f.join("sessions.key")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if key, err := hex.DecodeString(strings.TrimSpace(string(text))); err == nil && len(key) == sessionKeySize {
		return key, nil
	}
	key := make([]byte, sessionKeySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("generate a key for sessions: %w", err)
	}
	return key, fsx.Replace(fsx.File{Path: path, Data: []byte(hex.EncodeToString(key) + "\n"), Mode: fsx.Private, Tighten: true})
}

const sessionKeySize = 32 // bytes
