package build

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// visible returns the caller's variables that installers may see, and with them the code of packages that they run. Those
// of a platform may hold secrets under any name, so only what installers need passes.
func (b *Builder) visible() []string {
	if !b.Hosting {
		return platform.Without(b.Environ, apiKey)
	}
	return slices.DeleteFunc(slices.Clone(b.Environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name)
		}
		return !slices.Contains(harmless(), name) && !slices.ContainsFunc([]string{"PIP_", "UV_", "LC_"}, func(prefix string) bool {
			return strings.HasPrefix(name, prefix)
		})
	})
}

// harmless lists variables that say where programs, folders and the network are.
func harmless() []string {
	return []string{
		"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "PYENV_ROOT", "R_LIBS", "R_LIBS_USER", "R_LIBS_SITE",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS",
		"DOCKER_HOST", "DOCKER_CONFIG", "CONTAINER_HOST", "XDG_RUNTIME_DIR",
		"SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES",
	}
}

const (
	spared     = 500 << 20 // bytes of the disk that builds leave free
	sparedLook = 500 * time.Millisecond
)

// errDisk ends a build that would fill the disk.
var errDisk = errors.New("the disk is almost full")

// sparing calls work with a context that ends when the disk is almost full. Then the error is a *platform.Problem.
func (b *Builder) sparing(ctx context.Context, work func(context.Context) error) error {
	space := b.free
	if space == nil {
		space = fsx.Free
	}
	full := func() bool {
		free, known := space(b.CacheDir)
		return known && free < spared
	}
	if full() {
		return b.diskFull()
	}
	within, end := context.WithCancelCause(ctx)
	looking := make(chan struct{})
	go func() {
		defer close(looking)
		tick := time.NewTicker(sparedLook)
		defer tick.Stop()
		for {
			select {
			case <-within.Done():
				return
			case <-tick.C:
				if full() {
					end(errDisk)
				}
			}
		}
	}()
	err := work(within)
	end(nil)
	<-looking
	if err != nil && errors.Is(context.Cause(within), errDisk) {
		_ = b.Remove(Entry{Path: b.downloads()}) // environments keep what they have of it
		return b.diskFull()
	}
	return err
}

func (b *Builder) diskFull() error {
	p := &platform.Problem{
		Reason: platform.ReasonDisk, Msg: "the disk is almost full", Err: fmt.Errorf("%s has less than %d MB left", b.CacheDir, spared>>20),
		Hint: "free some space, for example with 'ploomber-cloud cache prune'",
	}
	if b.Hosting {
		p.Msg, p.Err = "the platform's disk is almost full", nil
		p.Hint = "delete projects that are no longer needed, or ask the platform's operator for space"
	}
	return p
}
