package cli

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"

	"github.com/ploomber/ploomber-cloud/internal/cli/platformcmd"
)

// platform returns the dependencies of the platform command.
func (e *env) platform() platformcmd.Options {
	return platformcmd.Options{
		IO: e.io, Lookup: e.system.Lookup, Environ: e.system.Environ, Settings: e.settings, DataDir: e.dataDir, Now: e.system.Now,
		Random: rand.Reader, Verbose: func() bool { return e.flags.verbose }, Version: e.versionName(), Program: os.Executable,
		Root: func() bool { return os.Geteuid() == 0 }, Signals: serverSignals,
	}
}

// dataDir holds what must not be lost: everything of the platform.
func (e *env) dataDir() (string, error) {
	if v, _ := e.system.Lookup("XDG_DATA_HOME"); filepath.IsAbs(v) {
		return filepath.Join(v, "ploomber-cloud", "platform"), nil
	}
	home, err := e.settings.Home()
	if err != nil {
		return "", err
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Application Support", "ploomber-cloud", "platform"), nil
	case "windows":
		return filepath.Join(home, "AppData", "Local", "ploomber-cloud", "platform"), nil
	default:
		return filepath.Join(home, ".local", "share", "ploomber-cloud", "platform"), nil
	}
}
