package oidcprovider

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/testkit/pyenv"
)

//go:embed node
var sources embed.FS

// ErrNoNode says that there is no Node.js to run the provider with.
var ErrNoNode = errors.New("no node and npm on PATH")

// packageFiles decide what is installed.
func packageFiles() []string { return []string{"package.json", "package-lock.json"} }

// install returns the paths of the script and of what it may need, in a folder that has its packages: in the cache that
// the tests share, where they are installed once. The error wraps ErrNoNode where nothing can be.
func install(ctx context.Context, getenv func(string) string) (scripts []string, err error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoNode, err)
		}
	}
	cache, err := pyenv.DefaultCache(getenv)
	if err != nil {
		return nil, err
	}
	wanted, err := digest(packageFiles()...)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache.Dir, "node-"+wanted)
	if err := os.MkdirAll(cache.Dir, 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Unlock() }()
	if err := installPackages(ctx, dir); err != nil {
		return nil, err
	}
	return writeScripts(dir)
}

// installPackages runs npm unless it has run to its end before. The mark of completeness comes last, so a killed run
// is not taken for a finished one.
func installPackages(ctx context.Context, dir string) error {
	complete := filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range packageFiles() {
		data, err := sources.ReadFile("node/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	var said bytes.Buffer
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
		"--fetch-retries=5") // the registry may fail for a moment
	npm.Dir, npm.Stdout, npm.Stderr = dir, &said, &said
	if err := npm.Run(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, said.Bytes())
	}
	return os.WriteFile(complete, nil, 0o644)
}

// writeScripts puts the scripts next to the packages, where Node.js looks for them. Their names have a digest, so that
// another version of the tests does not change them under a run.
func writeScripts(dir string) (scripts []string, err error) {
	version, err := digest("provider.mjs", "crypto.mjs")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"provider", "crypto"} {
		data, err := sources.ReadFile("node/" + name + ".mjs")
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, name+"-"+version+".mjs")
		scripts = append(scripts, path)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := fsx.Replace(fsx.File{Path: path, Data: data, Mode: fsx.Public}); err != nil {
			return nil, err
		}
	}
	return scripts, nil
}

func digest(names ...string) (string, error) {
	sum := sha256.New()
	for _, name := range names {
		data, err := sources.ReadFile("node/" + name)
		if err != nil {
			return "", err
		}
		_, _ = sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6]), nil
}
