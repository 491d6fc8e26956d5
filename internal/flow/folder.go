// Package flow is the work that commands share: finding and making a project, gathering its secrets, deploying and watching
// it. A command reads the configuration (Folder.Load or Find) and the secrets file (Folder.Env) once, and passes on what it
// got. The package knows no command line, asks nothing and shows nothing: what there is to say comes back as values.
package flow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// EnvName is the file of a project folder that holds its secrets.
const EnvName = ".env"

// Env is the content of a project's secrets file.
type Env struct {
	*dotenv.File        // empty if there is no file
	Path         string // its path, even if it does not exist
	Exists       bool
	Base         []byte // its content when it was read, nil if there was no file
}

// EntryKey is the variable in the secrets file that names the file that starts the app, like a flag of 'up'.
const EntryKey = "PLOOMBER_ENTRY"

// maxEnv limits the size of a secrets file, in bytes.
const maxEnv = 16 << 20

// Folder is a project folder as a command sees it.
type Folder struct {
	Dir     string // "." on the command line
	Config  string // --config: a file or a folder, relative to Dir; "" for the default file
	EnvFile string // --env-file: a secrets file, relative to Dir, instead of the default one
}

// ConfigPath is the path of the configuration, whether or not it exists.
func (f Folder) ConfigPath() (string, error) {
	path, err := project.Path(f.Config)
	if err != nil {
		return "", &failure.Error{Code: failure.Failed, Err: err}
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Join(f.Dir, path), nil
}

// Load reads the project's configuration. Every error says what to run next.
func (f Folder) Load() (*project.Config, error) {
	path, err := f.ConfigPath()
	if err != nil {
		return nil, err
	}
	c, err := project.Load(path)
	var invalid *project.Invalid
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, failure.Failedf("project not initialized: %s not found", path).
			WithHint("run 'ploomber-cloud init'")
	case errors.As(err, &invalid):
		return c, (&failure.Error{Code: failure.Failed, Err: err}).
			WithHint("correct the file, or create it again with 'ploomber-cloud init --force'")
	case err != nil:
		return nil, &failure.Error{Code: failure.Failed, Err: err}
	}
	return c, nil
}

// Find is Load for commands that need no project: if none was created or named, exists is false and the
// configuration nil.
func (f Folder) Find() (c *project.Config, there bool, err error) {
	there, err = f.Initialised()
	if err != nil || !there && f.Config == "" {
		return nil, false, err
	}
	c, err = f.Load()
	return c, there, err
}

// Initialised reports whether the configuration exists, valid or not.
func (f Folder) Initialised() (bool, error) {
	path, err := f.ConfigPath()
	if err != nil {
		return false, err
	}
	_, err = os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, failure.Failedf("cannot read %s: %w", path, err)
	}
	return err == nil, nil
}

// EnvPath is the path of the project's secrets file.
func (f Folder) EnvPath() string {
	switch {
	case f.EnvFile == "":
		return filepath.Join(f.Dir, EnvName)
	case filepath.IsAbs(f.EnvFile):
		return f.EnvFile
	default:
		return filepath.Join(f.Dir, f.EnvFile)
	}
}

// Env reads the secrets file.
func (f Folder) Env() (Env, error) {
	path := f.EnvPath()
	data, err := readFile(path, maxEnv)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Env{}, failure.Failedf("cannot read %s: %w", path, err)
	}
	exists := err == nil
	file, err := dotenv.Parse(data)
	if err != nil {
		return Env{}, failure.Failedf("cannot read %s: %w", path, err).
			WithHint("save the file as UTF-8")
	}
	return Env{File: file, Path: path, Exists: exists, Base: data}, nil
}

// readFile reads a regular file of at most limit bytes; a pipe or device would block or never end.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fsx.Cause(err)
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > limit:
		return nil, fmt.Errorf("it is larger than %d MB", limit>>20)
	}
	data, err := os.ReadFile(path)
	return data, fsx.Cause(err)
}
