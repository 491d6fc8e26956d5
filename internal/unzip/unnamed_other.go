//go:build !linux

package unzip

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

func copyUnnamed(io.Reader, fs.FileMode, *os.Root, string) error { return errors.ErrUnsupported }
