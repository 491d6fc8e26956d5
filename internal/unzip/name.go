package unzip

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Systems that an archive can be from, by APPNOTE.TXT 4.4.2: the upper byte of "version made by".
const (
	madeOnUnix  = 3
	madeOnMacOS = 19
)

// slashed returns the path of an entry with slashes, as the system meant it that the archive is from. A backslash is a
// character of a name where that system and this one are Unix, else it separates; so it does where the name would climb.
// A name that is neither marked as UTF-8 nor is UTF-8 is in code page 437 (APPNOTE.TXT, appendix D), but on Unix, where
// names are bytes.
func slashed(f *zip.File) string {
	name := f.Name
	unix := onUnix(f)
	if f.NonUTF8 && !utf8.ValidString(name) && !unix {
		if text, err := charmap.CodePage437.NewDecoder().String(name); err == nil {
			name = text
		}
	}
	if separated := strings.ReplaceAll(name, `\`, "/"); !unix || climbs(separated) {
		name = separated
	}
	return name
}

// onUnix reports whether names are what Unix calls names, both in the archive and here.
func onUnix(f *zip.File) bool {
	system := f.CreatorVersion >> 8
	return (system == madeOnUnix || system == madeOnMacOS) && runtime.GOOS != "windows"
}

// maxName is the longest path that an entry may have, in bytes: PATH_MAX of Linux.
const maxName = 4096

// checkEntry refuses names that mean a place outside, and everything that is not a plain file or folder.
func checkEntry(f *zip.File, name string) error {
	local := strings.TrimRight(name, "/")
	switch {
	case len(name) > maxName:
		return fmt.Errorf("%w: a name has %d bytes, at most %d are allowed", ErrUnsafe, len(name), maxName)
	case local == "", strings.HasPrefix(name, "/"), strings.ContainsRune(name, 0), hasDrive(name) && !(onUnix(f) && plainColon(name)),
		!filepath.IsLocal(filepath.FromSlash(local)), climbs(local), !utf8.ValidString(name) && !onUnix(f):
		return fmt.Errorf("%w: %q does not name a place inside the folder", ErrUnsafe, f.Name)
	case !f.Mode().IsRegular() && !f.Mode().IsDir():
		return fmt.Errorf("%w: %q is neither a file nor a folder", ErrUnsafe, f.Name)
	case isFolder(f, name) && f.UncompressedSize64 > 0:
		return fmt.Errorf("%w: %q is a file and a folder", ErrUnsafe, f.Name)
	case f.Flags&1 != 0:
		return fmt.Errorf("%w: %q is encrypted", ErrUnsafe, f.Name)
	}
	return nil
}

// isFolder tells by the name or, as some tools have it, by the attributes alone.
func isFolder(f *zip.File, name string) bool {
	return strings.HasSuffix(name, "/") || f.Mode()&fs.ModeDir != 0
}

// climbs reports whether a part of name is "..", also where the parts before it would make up for it.
func climbs(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

func hasDrive(name string) bool {
	return len(name) >= 2 && name[1] == ':' && ('a' <= name[0]|0x20 && name[0]|0x20 <= 'z')
}

// plainColon tells a name such as "a:b.txt" from the path "a:/b.txt" or "a:\b.txt".
func plainColon(name string) bool { return len(name) > 2 && name[2] != '/' && name[2] != '\\' }
