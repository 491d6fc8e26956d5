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
	"maps"
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

	// Previous is the Lock of the version before; "" if there is none. It is used again as long as the requirements stay
	// the same, however old it is. Unless the builder is Hosting, it knows the lock itself.
	Previous string
	// Upgrade asks for the newest versions that fit, even if the requirements have not changed.
	Upgrade bool
}

// Builder builds environments below CacheDir, which several builders and processes may share.
type Builder struct {
	CacheDir  string
	Installer Installer // "" is Auto
	Environ   []string  // the caller's variables, NAME=value; uv, python3, Rscript and docker are looked up in its PATH
	Log       io.Writer // output of installers; nil discards it
	Notify    func(platform.Event)
	Now       func() time.Time

	// Hosting is for a platform that runs the projects of several people. What is built stays until Collect, and builds
	// do not get in the way of apps: see hosting.go.
	Hosting bool

	// Run runs a command to its end, and stops it and everything it started when ctx ends. The error is a
	// *platform.ExitError if the command failed.
	Run func(context.Context, platform.Command) error

	free func(path string) (bytes int64, known bool) // nil is fsx.Free
}

// Built is an environment in use: it is not removed or changed before Release.
type Built struct {
	platform.Environment
	Lock     string // names what is installed, for Open; "" if nothing is
	Resolved string // every distribution with its version, in the format of requirements files; "" unless it is for Python
	lock     *flock.Flock
}

// Release says that the environment is no longer in use. It may be called more than once, and on nil.
func (b *Built) Release() {
	if b != nil && b.lock != nil {
		_ = b.lock.Unlock()
	}
}

// inputs is what decides about an environment.
type inputs struct {
	digest   string   // equal ones mean that one environment serves both
	fresh    bool     // whether to rebuild each time, because the tool has a cache of its own
	warnings []string // for the user, whether the environment is built or reused
	// make builds the environment that lock names, or where lock is "" one for a new lock, and returns the key of it.
	make func(ctx context.Context, lock string) (key string, err error)
}

const lockPoll = 100 * time.Millisecond

// Build returns the environment of p, building it if there is none. The error is a *platform.Problem if the
// project is wrong or a program is missing, ctx.Err() if ctx ended first. An interrupted build is never reused:
// the next one starts over.
func (b *Builder) Build(ctx context.Context, p Project) (*Built, error) {
	in, err := b.inputs(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, warning := range in.warnings {
		b.notify(platform.Event{Phase: platform.Building, Message: warning, Warning: true})
	}
	if err := b.makeFolders(); err != nil {
		return nil, err
	}
	if !b.Hosting {
		b.expire()
		p.Previous, _, _ = readPointer(b.pointer(p))
	}
	built, message, err := b.provide(ctx, p, in)
	if err == nil && !b.Hosting {
		err = b.remember(p, built.Lock)
	}
	if err != nil {
		built.Release()
		return nil, err
	}
	b.step(platform.Built, "%s", message)
	return built, nil
}

// provide returns the environment for inputs, made now or before, and a message that says which.
func (b *Builder) provide(ctx context.Context, p Project, in inputs) (*Built, string, error) {
	existing := func() (*Built, error) {
		if key := b.resolvedTo(in.digest, p.Previous); key != "" && !in.fresh && !p.Upgrade {
			return b.reuse(ctx, p, key)
		}
		return nil, nil
	}
	const reused = "the environment is ready (reused)"
	if built, err := existing(); built != nil || err != nil {
		return built, reused, err
	}
	unlock, err := b.exclusive(ctx, filepath.Join(b.resolved(), in.digest+lockSuffix), func() bool { return false })
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	if built, err := existing(); built != nil || err != nil {
		return built, reused, err // another process was faster
	}
	lock := ""
	if !p.Upgrade {
		lock = b.resolvedTo(in.digest, p.Previous)
	}
	built, err := b.made(ctx, p, in, lock)
	return built, "the environment is ready", err
}

// Open returns the environment that a lock names, for p, whose requirements it was resolved from. It is made again from
// the lock if it is not there. Errors are those of Build.
func (b *Builder) Open(ctx context.Context, lock string, p Project) (*Built, error) {
	built, err := b.reuse(ctx, p, lock)
	if built != nil || err != nil {
		return built, err
	}
	if _, err := b.readLock(lock); err != nil {
		b.notify(platform.Event{
			Phase: platform.Building, Warning: true,
			Message: "the versions that were installed are no longer known; the requirements are resolved again",
		})
		return b.Build(ctx, p)
	}
	in, err := b.inputs(ctx, p)
	if err == nil {
		err = b.makeFolders()
	}
	if err != nil {
		return nil, err
	}
	return b.made(ctx, p, in, lock)
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
	built, err := b.reuse(ctx, p, key)
	if err == nil && built == nil {
		return nil, none
	}
	return built, err
}

// inputs determines what decides about the environment of p, and how it is made.
func (b *Builder) inputs(ctx context.Context, p Project) (inputs, error) {
	switch p.Recipe.Runtime {
	case platform.R:
		return b.rInputs(ctx, p)
	case platform.Container:
		return b.imageInputs(ctx, p)
	case platform.Plain:
		return b.unresolved(p, "plain", func(context.Context, string) (platform.Environment, []string, error) {
			return platform.Environment{}, nil, nil
		}), nil
	default:
		return b.pythonInputs(ctx, p)
	}
}

// unresolved returns the inputs of an environment that has no list of versions: key stands for them.
func (b *Builder) unresolved(p Project, key string, how fill) inputs {
	return inputs{digest: key, make: func(ctx context.Context, _ string) (string, error) {
		return key, b.make(ctx, p, key, &lock{}, how)
	}}
}

// made makes the environment of a lock, or where it is "" of a new one, and returns it.
func (b *Builder) made(ctx context.Context, p Project, in inputs, lock string) (*Built, error) {
	key := ""
	err := b.sparing(ctx, func(ctx context.Context) (err error) {
		key, err = in.make(ctx, lock)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := b.rememberResolved(in.digest, key); err != nil {
		return nil, err
	}
	built, err := b.reuse(ctx, p, key)
	if err == nil && built == nil {
		err = fmt.Errorf("the environment %s has been removed", key)
	}
	return built, err
}

// reuse returns the environment of a lock for p, locked against changes; nil if there is none that works.
func (b *Builder) reuse(ctx context.Context, p Project, key string) (*Built, error) {
	dir := filepath.Join(b.envs(), filepath.Base(key))
	if _, ok := readMarker(dir); !ok {
		return nil, nil // skip creating a lock file
	}
	inUse := flock.New(dir + lockSuffix)
	if _, err := inUse.TryRLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	m, ok := readMarker(dir)
	if !ok || !m.works() {
		_ = inUse.Unlock()
		return nil, nil
	}
	b.touch(key)
	if m.Environment.Image != "" {
		_ = inUse.Unlock() // the engine stores the image, so the next build need not wait
	}
	l, _ := b.readLock(key) // an environment of an earlier version has none
	return &Built{Environment: forProject(m.Environment, p, l.Paths), Lock: key, Resolved: l.Resolved, lock: inUse}, nil
}

// forProject adds to a shared environment what differs from project to project: where its own modules are.
func forProject(env platform.Environment, p Project, paths []string) platform.Environment {
	if len(paths) == 0 {
		return env
	}
	folders := make([]string, len(paths))
	for i, path := range paths {
		folders[i] = filepath.Join(p.Dir, filepath.FromSlash(path))
	}
	env.Vars = maps.Clone(env.Vars)
	env.Vars["PYTHONPATH"] = strings.Join(folders, string(os.PathListSeparator))
	return env
}

// fill fills dir, which is empty, and returns the environment and the files that it requires to work.
type fill func(ctx context.Context, dir string) (env platform.Environment, needs []string, err error)

// make builds the environment of a lock, unless another process was faster, and keeps the lock.
//
// It is built in its final folder: the programs of a virtual environment contain its path, so it cannot be moved
// once complete. The marker, written last, means that it is complete.
func (b *Builder) make(ctx context.Context, p Project, key string, l *lock, how fill) error {
	dir := filepath.Join(b.envs(), key)
	complete := func() bool {
		m, ok := readMarker(dir)
		return ok && m.works() && m.Environment.Image == ""
	}
	unlock, err := b.exclusive(ctx, dir+lockSuffix, complete)
	if err != nil {
		return err
	}
	defer unlock()
	if complete() {
		return nil
	}
	if err := removeEnv(dir); err != nil {
		return fmt.Errorf("remove an old environment: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // see makeFolders
		return fmt.Errorf("create the environment's folder: %w", err)
	}
	env, needs, err := how(ctx, dir)
	if err == nil {
		err = b.writeLock(key, *l)
	}
	if err == nil {
		err = marker{Project: p.Dir, Made: b.Now(), Environment: env, Needs: needs}.write(dir)
	}
	if err != nil {
		_ = removeEnv(dir)
	}
	return err
}

// exclusive locks a file against other builds and against use. It waits for those that have it, unless done reports that
// there is nothing left to do: a process that made an environment goes on to use it.
func (b *Builder) exclusive(ctx context.Context, path string, done func() bool) (unlock func(), err error) {
	lock := flock.New(path)
	unlock = func() { _ = lock.Unlock() }
	for told := false; !done(); told = true {
		locked, err := lock.TryLock()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if locked {
			break
		}
		if !told {
			b.step(platform.Building, "waiting for another build of the same environment")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
	return unlock, nil
}

// run runs an installer in the project's folder with the variables that installers see.
func (b *Builder) run(ctx context.Context, p Project, what, path string, args ...string) error {
	return b.runIn(ctx, p, b.environ(), what, path, args...)
}

// runIn runs an installer in the project's folder. Its output goes to the log and into the error, without the
// credentials in URLs of package indexes.
func (b *Builder) runIn(ctx context.Context, p Project, env []string, what, path string, args ...string) error {
	output := redactor{&progress{log: b.Log, notify: b.notify}}
	err := b.Run(ctx, platform.Command{Path: path, Args: args, Dir: p.Dir, Env: env, Output: output, Background: b.Hosting})
	var exit *platform.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	lines := make([]string, len(exit.Output))
	for i, line := range exit.Output {
		lines[i] = redact(line)
	}
	problem := &platform.Problem{
		Reason: platform.ReasonBuild, Msg: what + " failed", Output: lines, Err: fmt.Errorf("%s %w", filepath.Base(path), exit),
	}
	if exit.Signal == "killed" {
		problem.Reason, problem.Hint = platform.ReasonMemory, "it was killed, probably because memory ran short: try again, or free some memory"
	}
	return problem
}

// ask runs a program and returns its output.
func (b *Builder) ask(ctx context.Context, p Project, path string, args ...string) (string, error) {
	var out strings.Builder
	err := b.Run(ctx, platform.Command{Path: path, Args: args, Dir: p.Dir, Env: b.environ(), Output: &out, Background: b.Hosting})
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
