package flow

import (
	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Save writes the configuration, which may be nil, and the secrets, unless they have no File: both or, if one cannot be
// written, none. A file that was changed since it was read keeps those changes, which c and env have afterwards too; if they
// concern the same keys, nothing is written.
func (f Folder) Save(c *project.Config, env Env) error {
	var files []fsx.File
	if env.File != nil {
		files = append(files, env.Replacement())
	}
	if c != nil {
		config, err := f.ConfigFile(c)
		if err != nil {
			return err
		}
		files = append(files, config)
	}
	err := fsx.Replace(files...)
	if err == nil && c != nil {
		c.Base, err = c.Marshal() // it may be saved again
	}
	return err
}

// ConfigFile returns c as the file to be written; see Save.
func (f Folder) ConfigFile(c *project.Config) (fsx.File, error) {
	path, err := f.ConfigPath()
	if err != nil {
		return fsx.File{}, err
	}
	data, err := c.Marshal()
	merge := func(now []byte) ([]byte, error) {
		if err := sameExistence(path, c.Base, now); err != nil {
			return nil, err
		}
		merged, err := c.Onto(now)
		if err != nil {
			return nil, conflict(path, err)
		}
		*c = *merged
		return c.Marshal()
	}
	return fsx.File{Path: path, Data: data, Mode: fsx.Public, Read: c.Base, Merge: merge}, err
}

// Replacement returns the secrets as the file to be written; see Save.
func (e Env) Replacement() fsx.File {
	base := e.Base
	merge := func(now []byte) ([]byte, error) {
		if err := sameExistence(e.Path, base, now); err != nil {
			return nil, err
		}
		before, err := dotenv.Parse(base)
		if err != nil {
			return nil, conflict(e.Path, err)
		}
		theirs, err := dotenv.Parse(now)
		if err != nil {
			return nil, conflict(e.Path, err)
		}
		merged, err := dotenv.Merge(before, e.File, theirs)
		if err != nil {
			return nil, conflict(e.Path, err)
		}
		*e.File, base = *merged, now
		return merged.Bytes(), nil
	}
	return fsx.File{Path: e.Path, Data: e.Bytes(), Mode: fsx.Private, Read: e.Base, Merge: merge}
}

// sameExistence refuses a file that was created or deleted since it was read.
func sameExistence(path string, before, now []byte) error {
	switch {
	case before == nil && now != nil:
		return failure.Failedf("%s was created by another program while this command ran; nothing was written", path).
			WithHint("run the command again to change that file")
	case before != nil && now == nil:
		return failure.Failedf("%s was deleted while this command ran; nothing was written", path).
			WithHint("restore the file, or run the command again to start without it")
	}
	return nil
}

// conflict is the error for a file whose new content cannot be merged with ours.
func conflict(path string, err error) error {
	return failure.Failedf("%s was changed while this command ran, so nothing was written: %w", path, err).
		WithHint("look at %s, then run the command again", path)
}
