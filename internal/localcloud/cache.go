package localcloud

import (
	"context"
	"path/filepath"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform/build"
)

// Installer selects the tool that creates virtual environments and installs packages.
type Installer = build.Installer

// AutoInstaller is uv, or pip if uv is unavailable, would behave differently from pip, or fails.
const AutoInstaller = build.Auto

// Installers lists the choices.
func Installers() []Installer { return build.Installers() }

// CacheEntry is one item in the cache.
type CacheEntry = build.Entry

// Cache holds what is kept between runs: environments, downloaded packages and installers.
type Cache struct{ builder build.Builder }

// NewCache returns the cache in dir, which need not exist.
func NewCache(dir string, now func() time.Time) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &Cache{build.Builder{CacheDir: dir, Now: now}}, nil
}

// List returns the content of the cache, environments first, most recently used first.
func (c *Cache) List(ctx context.Context) ([]CacheEntry, error) { return c.builder.List(ctx) }

// Remove removes an entry. It returns an error if the entry is in use.
func (c *Cache) Remove(e CacheEntry) error { return c.builder.Remove(e) }
