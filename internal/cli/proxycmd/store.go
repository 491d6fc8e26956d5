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

// sqlitePath returns the file of a session store, "" for sessions in memory.
func sqlitePath(store string) (string, error) {
	path, isFile := strings.CutPrefix(store, "sqlite:")
	switch {
	case store == "memory":
		return "", nil
	case isFile && path != "":
		return path, nil
	default:
		return "", errors.New("must be memory, or sqlite: and the path of a file")
	}
}

// store is where the sessions are. file is nil where they are in memory, else the same as sessions.
type store struct {
	sessions session.Store
	file     *sqlite.Store
}

// openStore opens what --session-store names, sealed with the keys that belong to c.
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

// adopt seals from now on with the keys of another configuration.
func (s store) adopt(c config.Config) {
	if s.file != nil {
		s.file.SetKeys(c.StoreKeys())
	}
}

func (s store) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// tryStore tells whether the store can be opened. It makes no file: of one that is not there it looks at the folder.
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
			return fmt.Errorf("%s is no folder", filepath.Dir(path))
		}
		return mayWrite(folder)
	}
	s, err := o.openStore(ctx, c)
	if err != nil {
		return err
	}
	return s.close()
}

// inFolder finds a file of the command line from the current folder.
func (o *Options) inFolder(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(o.Folder.Dir, path)
}
