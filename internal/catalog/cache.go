package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

const (
	validFor  = 24 * time.Hour
	keepFor   = 7 * validFor // of unused snapshots; another process may still be copying from a recent one
	folder    = ".ploomber"
	cacheFile = ".ploomber-cloud-metadata"
	snapshots = "doc-repo"
)

// errNoCache says that the cache cannot be used and must be rebuilt. The reason does not matter to the user.
var errNoCache = errors.New("no usable examples cache")

// metadata is the cache file. Its form is shared with other tools of the product.
type metadata struct {
	Timestamp float64                       `json:"timestamp"` // seconds since the Unix epoch
	Examples  map[string]map[string]summary `json:"examples"`  // framework -> example
}

type summary struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Path        string `json:"path"`   // absolute, below the snapshots
	Parsed      bool   `json:"parsed"` // whether a README was found
}

func (c Catalog) cacheFile() string { return filepath.Join(c.Home, folder, cacheFile) }
func (c Catalog) snapshots() string { return filepath.Join(c.Home, folder, snapshots) }

// Cached returns the examples of the documentation as last downloaded, however long ago, or an empty Set. It
// never touches the network: completion uses it.
func (c Catalog) Cached() Set {
	set, _, err := c.readCache()
	if err != nil {
		return Set{}
	}
	return set
}

// fresh returns the cache if it is usable and recent. A time in the future does not count as recent: if the clock
// was wrong once, the cache would never expire.
func (c Catalog) fresh() (Set, bool) {
	set, at, err := c.readCache()
	age := c.Now().Sub(at)
	return set, err == nil && age.Abs() < validFor
}

// readCache reads the cache as a whole or not at all. The file is not trusted: its paths must be below our own
// folder, or a modified file could make us copy any folder of the user.
func (c Catalog) readCache() (Set, time.Time, error) {
	data, err := os.ReadFile(c.cacheFile())
	if err != nil {
		return Set{}, time.Time{}, err
	}
	var m metadata
	if err := json.Unmarshal(data, &m); err != nil {
		return Set{}, time.Time{}, fmt.Errorf("%w: %s: %w", errNoCache, c.cacheFile(), err)
	}
	var examples []Example
	for framework, named := range m.Examples {
		for name, s := range named {
			if err := c.checkPath(framework, name, s.Path); err != nil {
				return Set{}, time.Time{}, err
			}
			e := Example{Framework: framework, Name: name, Title: s.Title, Description: s.Description, files: os.DirFS(s.Path)}
			if e.Title == "" {
				e.Title = name
			}
			examples = append(examples, e)
		}
	}
	if len(examples) == 0 {
		return Set{}, time.Time{}, fmt.Errorf("%w: %s has no examples", errNoCache, c.cacheFile())
	}
	return newSet(examples), time.UnixMilli(int64(m.Timestamp * 1000)), nil
}

func (c Catalog) checkPath(framework, name, path string) error {
	rel, err := filepath.Rel(c.snapshots(), path)
	if err != nil || !filepath.IsLocal(rel) {
		return fmt.Errorf("%w: %s is outside %s", errNoCache, path, c.snapshots())
	}
	top, _, _ := strings.Cut(rel, string(filepath.Separator))
	if rel != filepath.Join(top, "examples", framework, name) {
		return fmt.Errorf("%w: %s is not %s/%s", errNoCache, path, framework, name)
	}
	if info, err := os.Lstat(path); err != nil || !info.IsDir() {
		return fmt.Errorf("%w: %s is not a folder", errNoCache, path)
	}
	return nil
}

// writeCache records the examples of the snapshot in the folder top.
func (c Catalog) writeCache(top string, examples []Example) error {
	root := filepath.Join(c.snapshots(), top, "examples")
	m := metadata{Timestamp: float64(c.Now().UnixMicro()) / 1e6, Examples: map[string]map[string]summary{}}
	for _, e := range examples {
		if m.Examples[e.Framework] == nil {
			m.Examples[e.Framework] = map[string]summary{}
		}
		path := filepath.Join(root, e.Framework, e.Name)
		m.Examples[e.Framework][e.Name] = summary{e.Title, e.Description, path, e.parsed}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(m); err != nil {
		return err
	}
	return fsx.Replace(fsx.File{Path: c.cacheFile(), Data: out.Bytes(), Mode: fsx.Public})
}

// prune removes old snapshots except the one named top. Failing to only costs space.
func (c Catalog) prune(top string) {
	entries, _ := os.ReadDir(c.snapshots())
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || entry.Name() == top || c.Now().Sub(info.ModTime()) < keepFor {
			continue
		}
		removeTree(filepath.Join(c.snapshots(), entry.Name()))
	}
}

func removeTree(path string) {
	if err := os.RemoveAll(path); errors.Is(err, fs.ErrPermission) {
		_ = os.Chmod(path, 0o700) // one more attempt; see prune
		_ = os.RemoveAll(path)
	}
}
