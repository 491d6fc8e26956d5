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

// Snapshot tells two states of a project apart by what a deployment would send: the names, sizes and times of
// the files that ship, and of the secrets file. It does not change.
type Snapshot struct {
	files map[string]stamp
	out   map[string]bool
}

type stamp struct{ size, modified int64 } // bytes, nanoseconds since the Unix epoch

// Snapshot looks at the project. Files that passOver names, by their path in the archive, count for nothing.
func (d *Deploy) Snapshot(ctx context.Context, passOver func(name string) bool) (*Snapshot, error) {
	c, err := d.Folder.Load()
	if err != nil {
		return nil, err
	}
	listing, err := d.plan(ctx, c, bundle.Rules{})
	if err != nil {
		return nil, err
	}
	s := &Snapshot{files: map[string]stamp{}, out: map[string]bool{}}
	for _, e := range listing.Entries {
		switch {
		case e.Ships && !passOver(e.Name):
			s.files[e.Name] = stamp{e.Size, e.ModTime.UnixNano()}
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
		s.files[EnvName] = stamp{info.Size(), info.ModTime().UnixNano()}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, failure.Failedf("cannot read %s: %w", d.Folder.EnvPath(), fsx.Cause(err))
	}
	return s, nil
}

// Equal tells whether both would be deployed alike.
func (s *Snapshot) Equal(other *Snapshot) bool { return maps.Equal(s.files, other.files) }

// LeftOut tells whether a rule keeps a file, or a folder whose name ends in a slash, out of every deployment,
// whatever it holds.
func (s *Snapshot) LeftOut(name string) bool { return s.out[name] }
