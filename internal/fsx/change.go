package fsx

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// change is the prepared replacement of one file.
type change struct {
	file   File
	target target
	old    []byte // the previous content, in case it must be restored
	staged staged // nil: the content is written in place
}

// prepare brings the new content on disk, or finds out that it has to be written in place.
func prepare(f File) (*change, error) {
	t, err := inspect(f)
	if err != nil {
		return nil, err
	}
	c := &change{file: f, target: t}
	if t.info != nil && (isMountPoint(t.path) || links(t.info) > 1) {
		return c, nil
	}
	c.staged, err = stage(t, f.Data)
	if err != nil && !c.mayOverwrite(err) {
		return nil, fmt.Errorf("cannot write %s: %w", f.Path, Cause(err))
	}
	return c, nil
}

// mayOverwrite reports whether the file can be written in place after a replacement failed with err. Not if the
// disk is full: restoring the old content could fail.
func (c *change) mayOverwrite(err error) bool {
	full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
	return c.target.info != nil && !full
}

// apply makes the change.
func (c *change) apply() error {
	if c.staged != nil {
		err := c.staged.commit(c.target.path)
		if err == nil || !c.mayOverwrite(err) {
			return err
		}
	}
	return overwrite(c.target, c.file.Data)
}

func (c *change) discard() {
	if c.staged != nil {
		c.staged.discard()
	}
}

// undo reverts changes that were made, the last one first, because of err. It returns err, and with it what could
// not be reverted.
func undo(made []*change, err error) error {
	for i := len(made) - 1; i >= 0; i-- {
		if undoErr := made[i].undo(); undoErr != nil {
			err = errors.Join(err, fmt.Errorf("%s is changed already, and its old content cannot be put back: %w",
				made[i].file.Path, Cause(undoErr)))
		}
	}
	return err
}

func (c *change) undo() error {
	if c.target.info == nil {
		return os.Remove(c.target.path)
	}
	back := &change{file: c.file, target: c.target}
	back.file.Data, back.target.mode = c.old, c.target.info.Mode()&modeBits
	if c.staged != nil {
		back.staged, _ = stage(back.target, c.old) // else it is written in place
	}
	defer back.discard()
	return back.apply()
}
