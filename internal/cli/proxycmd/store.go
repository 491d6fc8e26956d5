package proxycmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sqlite"
)

// sqlitePath returns the file of a session store, "" for in-memory sessions.
func sqlitePath(store string) (string, error) {
	path, isFile := strings.CutPrefix(store, "sqlite:")
	switch {
	case store == "memory":
		return "", nil
	case isFile && path != "":
		return path, nil
	default:
		return "", errors.New("must be memory or sqlite:PATH")
	}
}

// store holds the sessions. file is nil for in-memory sessions, otherwise the same store as sessions.
type store struct {
	sessions session.Store
	file     *sqlite.Store
}

// openStore opens the store named by --session-store, sealed with the keys derived from c.
func (o *Options) openStore(ctx context.Context, c config.Config) (store, error) {
	path, err := sqlitePath(o.SessionStore)
	if err != nil {
		return store{}, err
	}
	if path == "" {
		return store{sessions: session.NewMemory(0)}, nil
	}
	file, err := sqlite.Open(ctx, o.inFolder(path), c.StoreKeys(), o.Now)
	if err != nil {
		return store{}, err
	}
	return store{file, file}, nil
}

// adopt seals data with the keys of a new configuration from now on.
func (s store) adopt(c config.Config) {
	if s.file != nil {
		s.file.SetKeys(c.StoreKeys())
	}
}

// lost is the number of sessions that opening the store has ended.
func (s store) lost() int {
	if s.file == nil {
		return 0
	}
	return s.file.Lost()
}

func (s store) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// tryStore checks that the store can be opened, without creating or changing a file: if it does not exist, its folder is
// checked.
func (o *Options) tryStore(ctx context.Context, c config.Config) error {
	path, err := sqlitePath(o.SessionStore)
	if err != nil || path == "" {
		return err
	}
	if _, err := os.Lstat(o.inFolder(path)); errors.Is(err, fs.ErrNotExist) {
		folder := filepath.Dir(o.inFolder(path))
		switch info, err := os.Stat(folder); {
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is not a folder", filepath.Dir(path))
		}
		return mayWrite(folder)
	}
	return sqlite.Check(ctx, o.inFolder(path), c.StoreKeys())
}

// inFolder resolves a file of the command line relative to the current folder.
func (o *Options) inFolder(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(o.Folder.Dir, path)
}
