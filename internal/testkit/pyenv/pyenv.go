// Package pyenv makes Python virtual environments for tests of real apps and keeps them between runs. It must
// not know which apps there are.
package pyenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Variable is the environment variable that names the cache folder.
const Variable = "PLOOMBER_TEST_CACHE"

// uv is what installs where the machine has no uv of its own.
const uv = "uv==0.13.9"

// ErrNoPython says that there is no Python to make an environment with.
var ErrNoPython = errors.New("no python3 on PATH")

// Cache is a folder of environments. Processes may share it.
type Cache struct{ Dir string }

// DefaultCache is the folder that Variable names, else one below the user's cache folder.
func DefaultCache(getenv func(string) string) (Cache, error) {
	if dir := getenv(Variable); dir != "" {
		return Cache{dir}, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("set %s: %w", Variable, err)
	}
	return Cache{filepath.Join(dir, "ploomber-cloud-test")}, nil
}

// Env is a virtual environment with everything installed.
type Env struct {
	Dir     string
	Took    time.Duration // to install it, now; zero where it was in the cache
	Written int64         // bytes of its files, now; zero where it was in the cache
}

// Bin is the folder of the commands.
func (e Env) Bin() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(e.Dir, "Scripts")
	}
	return filepath.Join(e.Dir, "bin")
}

// Program returns the path of a command of the environment, e.g. "python".
func (e Env) Program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(e.Bin(), name)
}

// Ensure returns an environment with what all the requirements files ask for, from the cache where the same
// was asked for before. The error wraps ErrNoPython where there is none.
func (c Cache) Ensure(ctx context.Context, requirements ...string) (Env, error) {
	lines, err := merge(requirements)
	if err != nil {
		return Env{}, err
	}
	return c.ensure(ctx, lines, []string{"--without-pip"}, func(env Env) error {
		install, err := c.installer(ctx)
		if err != nil {
			return err
		}
		list := filepath.Join(env.Dir, "requirements.txt")
		if err := os.WriteFile(list, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			return err
		}
		return run(ctx, install, "pip", "install", "--quiet", "--python", env.Program("python"), "-r", list)
	})
}

// merge reads the files and returns their lines without comments, sorted, each once.
func merge(files []string) ([]string, error) {
	var lines []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

// installer returns the path of uv: the machine's, else one installed into an environment of its own.
func (c Cache) installer(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("uv"); err == nil {
		return path, nil
	}
	env, err := c.ensure(ctx, []string{uv}, nil, func(env Env) error {
		return run(ctx, env.Program("python"), "-m", "pip", "install", "--quiet", "--retries=10", "--disable-pip-version-check", uv)
	})
	return env.Program("uv"), err
}

// ensure makes the environment for the lines, flags being those of venv, unless it is complete. The mark of completeness comes last, so a
// killed run is not taken for a finished one.
func (c Cache) ensure(ctx context.Context, lines, flags []string, fill func(Env) error) (Env, error) {
	python, version, err := findPython(ctx)
	if err != nil {
		return Env{}, err
	}
	sum := sha256.Sum256([]byte(version + "\n" + strings.Join(lines, "\n")))
	env := Env{Dir: filepath.Join(c.Dir, "venv-"+hex.EncodeToString(sum[:8]))}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return Env{}, err
	}
	lock := flock.New(env.Dir + ".lock")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return Env{}, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Unlock() }()

	complete := filepath.Join(env.Dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return env, nil
	}
	start := time.Now()
	if err := run(ctx, python, slices.Concat([]string{"-m", "venv", "--clear"}, flags, []string{env.Dir})...); err != nil {
		return Env{}, err
	}
	if err := fill(env); err != nil {
		return Env{}, err
	}
	env.Took = time.Since(start)
	if env.Written, err = size(env.Dir); err != nil {
		return Env{}, err
	}
	return env, os.WriteFile(complete, nil, 0o644)
}

func findPython(ctx context.Context) (path, version string, err error) {
	for _, name := range []string{"python3", "python"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "-c", "import sys; print(sys.version, sys.executable)").Output()
		if err == nil {
			return path, strings.TrimSpace(string(out)), nil
		}
	}
	return "", "", ErrNoPython
}

func run(ctx context.Context, name string, args ...string) error {
	var said bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = &said, &said
	c.Env = append(os.Environ(), "UV_HTTP_RETRIES=10", "UV_HTTP_TIMEOUT=120") // the index may fail for a moment
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, said.Bytes())
	}
	return nil
}

func size(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
