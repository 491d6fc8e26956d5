package localcloud

import (
	"context"
	"path/filepath"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform/build"
)

// Installer says what makes virtual environments and installs into them.
type Installer = build.Installer

// AutoInstaller is uv, or pip where uv cannot be had, would not do what pip does, or fails.
const AutoInstaller = build.Auto

// Installers lists the choices.
func Installers() []Installer { return build.Installers() }

// CacheEntry is something that is kept in the cache.
type CacheEntry = build.Entry

// Cache is what is kept between runs: environments, downloaded packages and the programs that install them.
type Cache struct{ builder build.Builder }

// NewCache returns the cache in dir, which need not exist.
func NewCache(dir string, now func() time.Time) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &Cache{build.Builder{CacheDir: dir, Now: now}}, nil
}

// List returns what the cache holds, environments first, the one used last in front.
func (c *Cache) List(ctx context.Context) ([]CacheEntry, error) { return c.builder.List(ctx) }

// Remove removes an entry. The error says so where it is in use by now.
func (c *Cache) Remove(e CacheEntry) error { return c.builder.Remove(e) }
