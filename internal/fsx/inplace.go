package fsx

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// overwrite writes data into the file itself. It first reserves space for a longer content with line breaks after
// the old one; then a single write replaces the content, with line breaks over the rest of a longer old one. So a
// process that is killed in between leaves a complete content, old or new, followed by line breaks. If the write
// fails the old content is restored.
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

// lengthen reserves space for a content of size bytes, or leaves the file unchanged.
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
