package cli

import (
	"crypto/rand"
	"path/filepath"
	"runtime"

	"github.com/ploomber/ploomber-cloud/internal/cli/democmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/upcmd"
)

// up returns the dependencies of the up command.
func (e *env) up() upcmd.Options {
	return upcmd.Options{
		IO: e.io, Ask: e.ask, Folder: e.folder(), Lookup: e.system.Lookup, Environ: e.system.Environ, CacheDir: e.cacheDir,
		Now: e.system.Now, Random: rand.Reader, Browse: e.browser().Open, Verbose: func() bool { return e.flags.verbose }, Home: e.settings.Home,
	}
}

// demo returns the dependencies of the demo command.
func (e *env) demo() democmd.Options {
	return democmd.Options{IO: e.io, TempDir: e.system.TempDir, Now: e.system.Now, Random: rand.Reader, Start: e.startDemo}
}

// cacheDir holds what can be rebuilt: the environments of apps.
func (e *env) cacheDir() (string, error) {
	if v, _ := e.system.Lookup("PLOOMBER_CLOUD_CACHE"); v != "" {
		return v, nil
	}
	if v, _ := e.system.Lookup("XDG_CACHE_HOME"); filepath.IsAbs(v) {
		return filepath.Join(v, "ploomber-cloud"), nil
	}
	home, err := e.settings.Home()
	if err != nil {
		return "", err
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Caches", "ploomber-cloud"), nil
	case "windows":
		return filepath.Join(home, "AppData", "Local", "ploomber-cloud"), nil
	default:
		return filepath.Join(home, ".cache", "ploomber-cloud"), nil
	}
}
