package build

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// uvRequirement is a requirements file for the bundled uv version. It is fixed, so that an environment does not
// depend on which uv a machine happens to have.
//
//go:embed uv.txt
var uvRequirement string

// uvVersion returns the version that uvRequirement names.
func uvVersion() string {
	_, rest, _ := strings.Cut(uvRequirement, "\nuv==")
	version, _, _ := strings.Cut(rest, " ")
	return version
}

// uv returns the path of uv in the pinned version: from the cache, from PATH, or fetched from the Python registry. Where
// that fails it is any uv on PATH; "" where there is none.
func (b *Builder) uv(ctx context.Context, p Project, r report) (string, error) {
	dir := filepath.Join(b.tools(), "uv-"+uvVersion()+"-"+r.Platform)
	program := filepath.Join(dir, "bin", "uv")
	if path, ok := platform.Executable(program); ok {
		return path, nil
	}
	own, notThere := platform.FindProgram(b.Environ, "uv")
	if notThere == nil {
		said, err := b.ask(ctx, p, own, "--version")
		if words := strings.Fields(said); err == nil && len(words) > 1 && words[1] == uvVersion() {
			return own, nil
		}
	}
	err := b.fetchUV(ctx, p, r, dir)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if path, ok := platform.Executable(program); ok {
		return path, nil
	}
	if notThere == nil {
		return own, nil
	}
	if b.Installer == UV || r.UVOnly != "" {
		var output []string
		var problem *platform.Problem
		if errors.As(err, &problem) {
			output = problem.Output
		}
		return "", &platform.Problem{
			Reason: platform.ReasonNetwork, Msg: "uv cannot be downloaded from the package index and is not in PATH", Err: err, Output: output,
			Hint: "check pip's settings (pip config list), or run with --installer pip",
		}
	}
	b.step(platform.Building, "uv is unavailable, using pip")
	return "", nil
}

// fetchUV puts uv into dir. The pip of the installation does it in a second; where there is none, that of a virtual
// environment.
func (b *Builder) fetchUV(ctx context.Context, p Project, r report, dir string) error {
	if err := os.MkdirAll(b.tools(), 0o700); err != nil {
		return err
	}
	lock := flock.New(dir + lockSuffix)
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, ok := platform.Executable(filepath.Join(dir, "bin", "uv")); ok {
		return nil
	}
	b.step(platform.Building, "fetching uv %s, which installs packages (20 MB)", uvVersion())
	fresh, err := os.MkdirTemp(b.tools(), "uv-*.new")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	target := filepath.Join(fresh, "uv")
	pinned := filepath.Join(fresh, "uv.txt")
	if err := os.WriteFile(pinned, []byte(uvRequirement), 0o600); err != nil {
		return err
	}
	// Where the index does not answer there is pip to fall back on, whose own attempts take long enough.
	install := []string{"-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-compile",
		"--no-deps", "--only-binary", ":all:", "--retries", "1", "--target", target, "--requirement", pinned}
	env := b.pipEnviron(report{Settings: reachable(r.Settings)})
	err = b.runIn(ctx, p, env, "fetching uv", r.Path, install...)
	if err != nil && ctx.Err() == nil && !b.hasPip(ctx, p, r) {
		venv := filepath.Join(fresh, "venv")
		if err = b.runIn(ctx, p, env, "fetching uv", r.Path, "-I", "-m", "venv", venv); err == nil {
			err = b.runIn(ctx, p, env, "fetching uv", pythonOf(venv), install...)
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(target, dir)
}

// reachable returns the settings of pip that lead to an index, without those that choose versions.
func reachable(settings map[string]string) map[string]string {
	reach := map[string]string{}
	for _, name := range []string{
		"index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy", "timeout", "keyring-provider",
	} {
		if value := settings[name]; value != "" {
			reach[name] = value
		}
	}
	return reach
}

func (b *Builder) hasPip(ctx context.Context, p Project, r report) bool {
	_, err := b.ask(ctx, p, r.Path, "-I", "-c", "import pip")
	return err == nil
}

// pythonOf returns the interpreter of a virtual environment.
func pythonOf(venv string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(venv, "Scripts", "python.exe")
	}
	return filepath.Join(venv, "bin", "python")
}

// tools holds downloaded programs, downloads what uv has downloaded and built, and bytecode.
func (b *Builder) tools() string     { return filepath.Join(b.CacheDir, "tools") }
func (b *Builder) downloads() string { return filepath.Join(b.CacheDir, "uv") }
