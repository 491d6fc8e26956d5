package fsx

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// overwrite writes data into the file itself. Space for a longer content is made sure of first, by line breaks
// behind the old one; then one write puts the whole of the new content there, with line breaks over what is left
// of a longer old one. So a process that is killed in between leaves a whole content, old or new, with line
// breaks behind it. When the write fails the old content is put back.
func overwrite(t target, data []byte) (err error) {
	f, err := os.OpenFile(t.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if t.mode != info.Mode()&modeBits { // before there is content that others must not read
		if err := f.Chmod(t.mode); err != nil {
			return err
		}
	}
	old, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if err := lengthen(f, len(old), len(data)); err != nil {
		return err
	}
	if err := put(f, padded(data, len(old)), len(data)); err != nil {
		if again := put(f, padded(old, len(data)), len(old)); again != nil {
			return fmt.Errorf("%w; its old content could not be put back, so that a part may be missing now", err)
		}
		return err
	}
	return nil
}

// lengthen makes sure of the space for a content of size bytes, or leaves the file as it was.
func lengthen(f *os.File, old, size int) error {
	if size <= old {
		return nil
	}
	_, err := f.WriteAt(bytes.Repeat([]byte("\n"), size-old), int64(old))
	if err == nil {
		err = f.Sync() // some systems know only then that the disk is full
	}
	if err != nil {
		_ = f.Truncate(int64(old)) // the write error is the one to report
	}
	return err
}

// put makes the first size bytes of text the file's content.
func put(f *os.File, text []byte, size int) error {
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(size)); err != nil {
		return err
	}
	return f.Sync()
}

// padded is data with line breaks behind it, up to size bytes.
func padded(data []byte, size int) []byte {
	if len(data) >= size {
		return data
	}
	return append(bytes.Clone(data), bytes.Repeat([]byte("\n"), size-len(data))...)
}
