// Package build creates the environment of an app outside its project: a virtual environment, an R library or a
// container image. An environment is reused as long as its inputs stay the same. It does not know how the app is
// started or served.
package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Project is what an environment is built for.
type Project struct {
	Dir    string // absolute
	Recipe platform.Recipe
}

// Builder builds environments below CacheDir, which several builders and processes may share.
type Builder struct {
	CacheDir  string
	Installer Installer // "" is Auto
	Environ   []string  // the caller's variables, NAME=value; uv, python3, Rscript and docker are looked up in its PATH
	Log       io.Writer // output of installers; nil discards it
	Notify    func(platform.Event)
	Now       func() time.Time

	// Run runs a command to its end, and stops it and everything it started when ctx ends. The error is a
	// *platform.ExitError if the command failed.
	Run func(context.Context, platform.Command) error
}

// Built is an environment in use: it is not removed or changed before Release.
type Built struct {
	platform.Environment
	lock *flock.Flock
}

// Release says that the environment is no longer in use. It may be called more than once, and on nil.
func (b *Built) Release() {
	if b != nil && b.lock != nil {
		_ = b.lock.Unlock()
	}
}

// envBuilder builds one kind of environment.
type envBuilder struct {
	key      string   // equal keys mean that one environment serves both
	fresh    bool     // whether to rebuild each time, because the tool has a cache of its own
	warnings []string // a message for the user, whether it is built or reused
	// make fills dir, which is empty, and returns the environment and the files that it requires to work.
	make func(ctx context.Context, dir string) (env platform.Environment, needs []string, err error)
}

const lockPoll = 100 * time.Millisecond

// Build returns the environment of p, building it if there is none. The error is a *platform.Problem if the
// project is wrong or a program is missing, ctx.Err() if ctx ended first. An interrupted build is never reused:
// the next one starts over.
func (b *Builder) Build(ctx context.Context, p Project) (*Built, error) {
	k, err := b.envBuilder(ctx, p)
	if err != nil {
		return nil, err
	}
	k.key = b.same(k.key)
	for _, warning := range k.warnings {
		b.notify(platform.Event{Phase: platform.Building, Message: warning, Warning: true})
	}
	if err := os.MkdirAll(b.envs(), 0o700); err != nil {
		return nil, fmt.Errorf("create the cache folder: %w", err)
	}
	b.expire()
	built, err := b.reuse(ctx, k.key)
	message := "the environment is ready (reused)"
	for err == nil && (built == nil || k.fresh) {
		built.Release()
		built, message = nil, "the environment is ready"
		if err = b.make(ctx, p, k); err == nil {
			built, err = b.reuse(ctx, k.key)
		}
		k.fresh = false
	}
	if err == nil {
		err = b.remember(p, k.key)
	}
	if err != nil {
		built.Release()
		return nil, err
	}
	b.step(platform.Built, "%s", message)
	return built, nil
}

// Latest returns the last environment built for p, even if p has changed since. The error is a *platform.Problem
// if there is none.
func (b *Builder) Latest(ctx context.Context, p Project) (*Built, error) {
	none := &platform.Problem{Msg: "no environment has been built for " + p.Dir, Hint: "build it once"}
	key, _, err := readPointer(b.pointer(p))
	if errors.Is(err, os.ErrNotExist) {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	built, err := b.reuse(ctx, filepath.Base(key))
	if err == nil && built == nil {
		return nil, none
	}
	return built, err
}

func (b *Builder) envBuilder(ctx context.Context, p Project) (envBuilder, error) {
	switch p.Recipe.Runtime {
	case platform.R:
		return b.rBuilder(ctx, p)
	case platform.Container:
		return b.imageBuilder(ctx, p)
	case platform.Plain:
		return envBuilder{key: "plain", make: func(context.Context, string) (platform.Environment, []string, error) {
			return platform.Environment{}, nil, nil
		}}, nil
	default:
		return b.venvBuilder(ctx, p)
	}
}

// reuse returns the environment of key, locked against changes; nil if there is none that works.
func (b *Builder) reuse(ctx context.Context, key string) (*Built, error) {
	dir := filepath.Join(b.envs(), key)
	if _, ok := readMarker(dir); !ok {
		return nil, nil // skip creating a lock file
	}
	lock := flock.New(dir + lockSuffix)
	if _, err := lock.TryRLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	m, ok := readMarker(dir)
	if !ok || !m.works() {
		_ = lock.Unlock()
		return nil, nil
	}
	m.touch(dir, b.Now())
	if m.Environment.Image != "" {
		_ = lock.Unlock() // the engine stores the image, so the next build need not wait
	}
	return &Built{Environment: m.Environment, lock: lock}, nil
}

// make builds the environment of k unless another process was faster.
//
// It is built in its final folder: the programs of a virtual environment contain its path, so it cannot be moved
// once complete. The marker, written last, means that it is complete.
func (b *Builder) make(ctx context.Context, p Project, k envBuilder) error {
	dir := filepath.Join(b.envs(), k.key)
	lock := flock.New(dir + lockSuffix)
	locked, err := lock.TryLock()
	if err == nil && !locked {
		b.step(platform.Building, "waiting for another build of the same environment")
		_, err = lock.TryLockContext(ctx, lockPoll)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	defer func() { _ = lock.Unlock() }()
	if m, ok := readMarker(dir); ok && m.works() && !k.fresh {
		return nil
	}
	if err := removeEnv(dir); err != nil {
		return fmt.Errorf("remove an old environment: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("create the environment's folder: %w", err)
	}
	env, needs, err := k.make(ctx, dir)
	if err == nil {
		err = marker{Project: p.Dir, Made: b.Now(), Environment: env, Needs: needs}.write(dir)
	}
	if err != nil {
		_ = removeEnv(dir)
	}
	return err
}

// run runs an installer in the project's folder with the variables that installers see.
func (b *Builder) run(ctx context.Context, p Project, what, path string, args ...string) error {
	return b.runIn(ctx, p, b.environ(), what, path, args...)
}

// runIn runs an installer in the project's folder. Its output goes to the log and into the error, without the
// credentials in URLs of package indexes.
func (b *Builder) runIn(ctx context.Context, p Project, env []string, what, path string, args ...string) error {
	output := redactor{&progress{log: b.Log, notify: b.notify}}
	err := b.Run(ctx, platform.Command{Path: path, Args: args, Dir: p.Dir, Env: env, Output: output})
	var exit *platform.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	lines := make([]string, len(exit.Output))
	for i, line := range exit.Output {
		lines[i] = redact(line)
	}
	return &platform.Problem{Msg: what + " failed", Output: lines, Err: fmt.Errorf("%s %w", filepath.Base(path), exit)}
}

// ask runs a program and returns its output.
func (b *Builder) ask(ctx context.Context, p Project, path string, args ...string) (string, error) {
	var out strings.Builder
	err := b.Run(ctx, platform.Command{Path: path, Args: args, Dir: p.Dir, Env: b.environ(), Output: &out})
	return strings.TrimSpace(out.String()), err
}

func (b *Builder) step(phase platform.Phase, format string, args ...any) {
	b.notify(platform.Event{Phase: phase, Message: fmt.Sprintf(format, args...)})
}

func (b *Builder) notify(e platform.Event) {
	if b.Notify != nil {
		b.Notify(e)
	}
}

// digest returns a short hash of parts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
