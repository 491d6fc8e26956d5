// Package flow is the work that commands share: finding and making a project, gathering its secrets,
// deploying and watching it. It knows no command line and shows nothing by itself; what goes on is told to a
// Reporter, what is missing is asked of an Asker.
package flow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Reporter hears what goes on.
type Reporter interface {
	Note(format string, args ...any)
	Success(format string, args ...any)
	Warn(format string, args ...any)
}

// Asker is the part of a prompter that flows use.
type Asker interface {
	Text(ctx context.Context, q prompt.Question) (string, error)
	Secret(ctx context.Context, q prompt.Question) (string, error)
	Confirm(ctx context.Context, q prompt.Question, standard bool) (bool, error)
	Choose(ctx context.Context, q prompt.Question, options []string, again string, accept func(string) (int, bool)) (int, error)

	// Expect is an error where nobody can answer qs. What is bound to ask calls it before it shows or requests anything.
	Expect(ctx context.Context, qs ...prompt.Question) error
}

// EnvName is the file of a project folder that holds its secrets.
const EnvName = ".env"

// EntryKey is a variable of the secrets file that names the file that starts the app here, as a flag of 'up' does.
const EntryKey = "PLOOMBER_ENTRY"

// maxEnv bounds what is read as a secrets file, in bytes.
const maxEnv = 16 << 20

// Folder is a project folder as a command sees it.
type Folder struct {
	Dir     string // "." on the command line
	Config  string // --config: a file or a folder, from Dir; "" for the usual file
	EnvFile string // --env-file: a secrets file, from Dir, in place of the usual one
}

// ConfigPath is where the configuration is or would be.
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
		return nil, failure.Failedf("project not initialized: there is no %s here", path).
			WithHint("run 'ploomber-cloud init'")
	case errors.As(err, &invalid):
		return c, (&failure.Error{Code: failure.Failed, Err: err}).
			WithHint("correct the file, or make it anew with 'ploomber-cloud init --force'")
	case err != nil:
		return nil, &failure.Error{Code: failure.Failed, Err: err}
	}
	return c, nil
}

// Initialised tells whether the configuration is there, right or wrong.
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

// EnvPath is where the project's secrets are.
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

// Env reads the secrets file; exists is false, and the file empty, where there is none.
func (f Folder) Env() (env *dotenv.File, exists bool, err error) {
	data, err := readFile(f.EnvPath(), maxEnv)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, failure.Failedf("cannot read %s: %w", f.EnvPath(), err)
	}
	exists = err == nil
	env, err = dotenv.Parse(data)
	if err != nil {
		return nil, exists, failure.Failedf("cannot read %s: %w", f.EnvPath(), err).
			WithHint("save the file as UTF-8")
	}
	return env, exists, nil
}

// ConfigFile returns c as the file to be written.
func (f Folder) ConfigFile(c *project.Config) (fsx.File, error) {
	path, err := f.ConfigPath()
	if err != nil {
		return fsx.File{}, err
	}
	data, err := c.Marshal()
	return fsx.File{Path: path, Data: data, Mode: fsx.Public}, err
}

// Save writes the configuration and the secrets, either of which may be nil: both or, when one cannot be
// written, none.
func (f Folder) Save(c *project.Config, env *dotenv.File) error {
	var files []fsx.File
	if env != nil {
		files = append(files, fsx.File{Path: f.EnvPath(), Data: env.Bytes(), Mode: fsx.Private})
	}
	if c != nil {
		config, err := f.ConfigFile(c)
		if err != nil {
			return err
		}
		files = append(files, config)
	}
	return fsx.Replace(files...)
}

// readFile reads a regular file of at most limit bytes; a pipe or device would block or never end.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, cause(err)
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > limit:
		return nil, fmt.Errorf("it is larger than %d MB", limit>>20)
	}
	data, err := os.ReadFile(path)
	return data, cause(err)
}

// cause drops the operation and path that the caller names itself.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
