package cli

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/cli/democmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/upcmd"
	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/flow"
)

// up returns the dependencies of the up command.
func (e *env) up() upcmd.Options {
	return upcmd.Options{
		IO: e.io, Ask: e.ask, Folder: e.folder(), Lookup: e.system.Lookup, Environ: e.system.Environ, CacheDir: e.cacheDir,
		Now: e.system.Now, Random: rand.Reader, Browse: e.browser().Open, Verbose: func() bool { return e.flags.verbose }, Home: e.settings.Home,
	}
}

// demo runs its example the way up does.
func (e *env) demo() democmd.Options {
	return democmd.Options{
		IO: e.io, TempDir: e.system.TempDir, Now: e.system.Now, Random: rand.Reader,
		Serve: func(ctx context.Context, dir string, port int, dev *devidp.Provider, ready func(context.Context, string) error) error {
			o := e.up()
			o.Folder, o.Forget = flow.Folder{Dir: dir}, true
			o.Provider, o.DevLogin = dev, dev != nil
			o.Port, o.Timeout = port, 3*time.Minute // on its first start a framework compiles its files
			o.FirstBuild = "The app's packages are downloaded once: about 140 MB for the default example, 450 MB on disk.\n" +
				"'ploomber-cloud cache' lists and removes them."
			return o.Run(ctx, func(ctx context.Context, s upcmd.Served) error { return ready(ctx, s.URL) })
		},
	}
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
