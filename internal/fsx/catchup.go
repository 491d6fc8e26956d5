package fsx

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// maxMerges limits how often a change is merged again because the file changed while the merged content was prepared.
const maxMerges = 50

// catchUp reads the files once more and merges what other programs have written to them. Preparing merged content takes
// time, so it repeats until all files are found unchanged in one pass.
func catchUp(changes []*change) error {
	for range maxMerges {
		merged := false
		for i, c := range changes {
			if c.file.Merge == nil && len(changes) == 1 {
				continue
			}
			now, err := c.read()
			if err != nil {
				return err
			}
			c.old = now
			if c.file.Merge == nil || same(now, c.file.Read) {
				continue
			}
			if changes[i], err = c.merge(now); err != nil {
				changes[i] = c // still to be discarded
				return err
			}
			c.discard()
			merged = true
		}
		if !merged {
			return nil
		}
	}
	return errors.New("another program keeps changing the files to be written; nothing was written")
}

// read returns the present content of the file, nil if there is none.
func (c *change) read() ([]byte, error) {
	now, err := os.ReadFile(c.target.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", c.file.Path, Cause(err))
	}
	return now, nil
}

func (c *change) merge(now []byte) (*change, error) {
	f := c.file
	data, err := f.Merge(now)
	if err != nil {
		return nil, err
	}
	f.Data, f.Read = data, now
	return prepare(f)
}

func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
