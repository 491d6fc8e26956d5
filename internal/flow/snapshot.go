package flow

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// Snapshot is the state of a project as a deployment would send it: the names, sizes and times of the deployed
// files and of the secrets file. It is immutable.
type Snapshot struct {
	files map[string]fingerprint
	out   map[string]bool
}

type fingerprint struct{ size, modified int64 } // bytes, nanoseconds since the Unix epoch

// Snapshot scans the project. Files for which passOver returns true, given their path in the archive, are ignored.
func (d *Deploy) Snapshot(ctx context.Context, passOver func(name string) bool) (*Snapshot, error) {
	c, err := d.Folder.Load()
	if err != nil {
		return nil, err
	}
	listing, err := d.plan(ctx, c, bundle.Rules{})
	if err != nil {
		return nil, err
	}
	s := &Snapshot{files: map[string]fingerprint{}, out: map[string]bool{}}
	for _, e := range listing.Entries {
		switch {
		case e.Ships && !passOver(e.Name):
			s.files[e.Name] = fingerprint{e.Size, e.ModTime.UnixNano()}
		case !e.Ships && (e.Rule.Kind != bundle.Secret || strings.HasSuffix(e.Name, "/")):
			s.out[e.Name] = true
		}
	}
	if ignoresEnv(c) {
		s.out[EnvName] = true
		return s, nil
	}
	info, err := os.Stat(d.Folder.EnvPath())
	switch {
	case err == nil:
		s.files[EnvName] = fingerprint{info.Size(), info.ModTime().UnixNano()}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, failure.Failedf("cannot read %s: %w", d.Folder.EnvPath(), fsx.Cause(err))
	}
	return s, nil
}

// Equal reports whether both would deploy the same.
func (s *Snapshot) Equal(other *Snapshot) bool { return maps.Equal(s.files, other.files) }

// LeftOut reports whether a rule excludes a file, or a folder whose name ends in a slash, from every deployment,
// whatever its content.
func (s *Snapshot) LeftOut(name string) bool { return s.out[name] }
