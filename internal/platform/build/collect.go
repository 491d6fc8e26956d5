package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// keptEnding is that of a file beside a lock which a hosting builder uses: nothing but Collect removes it and its environment.
const keptEnding = ".kept"

func (b *Builder) keptPath(key string) string { return filepath.Join(b.locks(), key+keptEnding) }

func (b *Builder) isKept(key string) bool {
	_, err := os.Stat(b.keptPath(key))
	return err == nil
}

// Collect removes the locks that hosting builders have used and for which keep returns false, with their environments,
// unless these are in use. Of the rest it removes what nobody has used for long.
func (b *Builder) Collect(ctx context.Context, keep func(lock string) bool) error {
	paths, err := filepath.Glob(filepath.Join(b.locks(), "*"+keptEnding))
	if err != nil {
		return err
	}
	var failed []error
	for _, path := range paths {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if key := strings.TrimSuffix(filepath.Base(path), keptEnding); !keep(key) {
			failed = append(failed, b.discard(ctx, key))
		}
	}
	b.expire()
	return errors.Join(failed...)
}

// discard removes the environment and the lock of a key, unless they are in use or 'up' has them too.
func (b *Builder) discard(ctx context.Context, key string) error {
	dir := filepath.Join(b.envs(), key)
	lock := flock.New(dir + lockSuffix)
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	if !locked {
		return nil
	}
	defer func() { _ = lock.Unlock() }()
	if b.current()[key] == "" {
		if m, ok := readMarker(dir); ok && m.Environment.Image != "" {
			// If it fails, the image has been removed already, or is in use and named by nothing here any more.
			_, _ = b.ask(ctx, Project{Dir: b.CacheDir}, m.Environment.Program, "image", "rm", m.Environment.Image)
		}
		if err := removeEnv(dir); err != nil {
			return fmt.Errorf("remove an environment: %w", err)
		}
		if err := os.Remove(b.lockPath(key)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.Remove(b.keptPath(key))
}
