//go:build linux || darwin || freebsd || netbsd

package fsx

import (
	"bytes"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// keepAttributes gives f exactly the extended attributes of the file at path. On Linux access lists are among
// them; f may have got one from its folder, which the file at path does not have.
func keepAttributes(f *os.File, path string) error {
	fd := int(f.Fd())
	want, err := attributeNames(func(to []byte) (int, error) { return unix.Listxattr(path, to) })
	if err != nil {
		return err
	}
	have, err := attributeNames(func(to []byte) (int, error) { return unix.Flistxattr(fd, to) })
	if err != nil {
		return err
	}
	for _, name := range have {
		if !slices.Contains(want, name) && !isForeign(name) {
			if err := unix.Fremovexattr(fd, name); err != nil {
				return err
			}
		}
	}
	for _, name := range want {
		if isForeign(name) {
			continue
		}
		value, err := sized(func(to []byte) (int, error) { return unix.Getxattr(path, name, to) })
		if err != nil {
			return err
		}
		now, err := sized(func(to []byte) (int, error) { return unix.Fgetxattr(fd, name, to) })
		if err == nil && slices.Contains(have, name) && bytes.Equal(value, now) {
			continue
		}
		if err := unix.Fsetxattr(fd, name, value, 0); err != nil {
			return err
		}
	}
	return nil
}

func attributeNames(list func(to []byte) (int, error)) ([]string, error) {
	data, err := sized(list)
	if err != nil && !noAttribute(err) {
		return nil, err
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == 0 }), nil
}

// sized reads what get returns, whose length it tells where it has no room for an answer.
func sized(get func(to []byte) (int, error)) ([]byte, error) {
	n, err := get(nil)
	if err != nil || n == 0 {
		return nil, err
	}
	data := make([]byte, n)
	n, err = get(data)
	return data[:max(n, 0)], err
}
