package unzip

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// entry is one file or folder that will be made.
type entry struct {
	name string    // slash path below dest, clean
	zip  *zip.File // nil for a folder
}

func (e entry) isDir() bool { return e.zip == nil }

// plan is the validated content of an archive.
type plan struct {
	entries []entry // every folder before what is in it
	limit   int64   // unpacked bytes
	total   int64   // unpacked bytes, as the archive says

	kinds map[string]bool   // name -> is a folder
	forms map[string]string // composed form of a name that is not ASCII -> the name
}

// read validates the whole archive before unpacking a byte.
func read(r io.ReaderAt, size int64, o Options) (plan, error) {
	z, err := open(r, size)
	if err != nil {
		return plan{}, err
	}
	maxFiles := o.MaxFiles
	if maxFiles == 0 {
		maxFiles = DefaultMaxFiles
	}
	if len(z.File) > maxFiles {
		return plan{}, fmt.Errorf("%w: %d entries, at most %d are allowed", ErrTooLarge, len(z.File), maxFiles)
	}
	p := plan{limit: o.MaxBytes, kinds: map[string]bool{}, forms: map[string]string{}}
	if p.limit == 0 {
		p.limit = DefaultMaxBytes
	}
	for _, f := range z.File {
		name := slashed(f)
		if err := checkEntry(f, name); err != nil {
			return plan{}, err
		}
		e := entry{name: path.Clean(name), zip: f}
		if isFolder(f, name) {
			e.zip = nil
		}
		if o.Take != nil && !o.Take(e.name) || e.name == "." {
			continue
		}
		if err := p.add(e); err != nil {
			return plan{}, err
		}
		if !e.isDir() && f.Method != zip.Store && f.Method != zip.Deflate {
			return plan{}, unpackError(e, zip.ErrAlgorithm)
		}
		if len(p.entries) > maxFiles {
			return plan{}, fmt.Errorf("%w: more than %d files and folders", ErrTooLarge, maxFiles)
		}
		// Stop at once, so that the sum of hostile sizes cannot wrap around.
		if f.UncompressedSize64 > uint64(p.limit-p.total) {
			return plan{}, fmt.Errorf("%w: more than %d bytes unpacked", ErrTooLarge, p.limit)
		}
		p.total += int64(f.UncompressedSize64)
	}
	return p, p.checkOverlaps()
}

// checkOverlaps refuses entries that share compressed data, with which a small archive unpacks to a very large one although no
// entry is compressed much (https://www.usenix.org/conference/woot19/presentation/fifield).
func (p *plan) checkOverlaps() error {
	type span struct {
		entry      entry
		start, end int64
	}
	var spans []span
	for _, e := range p.entries {
		if e.isDir() || e.zip.CompressedSize64 == 0 {
			continue
		}
		start, err := e.zip.DataOffset()
		if err != nil || e.zip.CompressedSize64 > math.MaxInt64-uint64(start) {
			return damaged(e, err)
		}
		spans = append(spans, span{e, start, start + int64(e.zip.CompressedSize64)})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(spans); i++ {
		if spans[i].start < spans[i-1].end {
			return fmt.Errorf("%w: %q and %q overlap", ErrUnsafe, spans[i-1].entry.name, spans[i].entry.name)
		}
	}
	return nil
}

// add puts e and the folders above it that are not there yet into the plan.
func (p *plan) add(e entry) error {
	if err := p.checkForm(e.name); err != nil {
		return err
	}
	var missing []string
	for dir := path.Dir(e.name); dir != "."; dir = path.Dir(dir) {
		isDir, known := p.kinds[dir]
		if known && !isDir {
			return fmt.Errorf("%w: %q is a file and a folder", ErrUnsafe, dir)
		}
		if known {
			break
		}
		missing = append(missing, dir)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		p.kinds[missing[i]] = true
		p.entries = append(p.entries, entry{name: missing[i]})
	}
	wasDir, known := p.kinds[e.name]
	switch {
	case known && wasDir && e.isDir():
		return nil // made for a file that came before its folder
	case known:
		return fmt.Errorf("%w: %q comes twice", ErrUnsafe, e.name)
	}
	p.kinds[e.name] = e.isDir()
	p.entries = append(p.entries, e)
	return nil
}

// checkForm refuses names that only differ in how a character is composed (https://unicode.org/reports/tr15/): some systems do
// not tell them apart, nor do people.
func (p *plan) checkForm(name string) error {
	if isASCII(name) {
		return nil
	}
	form := norm.NFC.String(name)
	if other, known := p.forms[form]; known && other != name {
		return fmt.Errorf("%w: %q comes twice, in two forms of Unicode", ErrUnsafe, name)
	}
	p.forms[form] = name
	return nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// checkRoom rejects a plan with names that are taken, before anything is unpacked.
func (p plan) checkRoom(root *os.Root) error {
	for _, e := range p.entries {
		if _, err := checkFree(root, e); err != nil {
			return err
		}
	}
	return nil
}

// checkFree reports whether e can go to its place, or is already there: a folder, also as a link that stays inside the
// root, or the very same file.
func checkFree(root *os.Root, e entry) (there bool, err error) {
	stat := root.Lstat
	if e.isDir() {
		stat = root.Stat
	}
	info, err := stat(filepath.FromSlash(e.name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case e.isDir() && info.IsDir():
		return true, nil
	case !e.isDir() && info.Mode().IsRegular() && uint64(info.Size()) == e.zip.UncompressedSize64:
		if same, err := isSame(root, e); same || err != nil {
			return same, err
		}
	}
	return false, fmt.Errorf("%s %w", filepath.Join(root.Name(), filepath.FromSlash(e.name)), ErrExists)
}

// isSame reports whether the existing file has the same content as e. It only reads up to the first difference.
func isSame(root *os.Root, e entry) (bool, error) {
	old, err := root.Open(filepath.FromSlash(e.name))
	if err != nil {
		return false, err
	}
	defer func() { _ = old.Close() }() // only read
	in, err := e.zip.Open()
	if err != nil {
		return false, unpackError(e, err)
	}
	defer func() { _ = in.Close() }() // its error comes with the last read
	const size = 32 << 10
	var a, b [size]byte
	for {
		n, oldErr := io.ReadFull(old, a[:])
		m, err := io.ReadFull(in, b[:])
		if !isEnd(oldErr) || !isEnd(err) {
			return false, errors.Join(oldErr, err)
		}
		if !bytes.Equal(a[:n], b[:m]) || (oldErr == nil) != (err == nil) {
			return false, nil
		}
		if err != nil {
			return true, nil
		}
	}
}

// isEnd reports whether io.ReadFull ended as it does in a sound file.
func isEnd(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// unpack writes every entry below the folder staging of root.
func (p plan) unpack(ctx context.Context, root *os.Root, staging string) error {
	left := p.limit
	for _, e := range p.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		target := filepath.Join(staging, filepath.FromSlash(e.name))
		if e.isDir() {
			if err := root.Mkdir(target, 0o755); err != nil {
				return unpackError(e, err)
			}
			continue
		}
		n, err := unpackFile(root, target, e.zip, left)
		if err != nil {
			return unpackError(e, err)
		}
		left -= n
	}
	return nil
}

// unpackFile returns the bytes written. The size in the table of contents is only a claim: left is the limit.
func unpackFile(root *os.Root, target string, f *zip.File, left int64) (n int64, err error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }() // its error comes with the last read
	out, err := root.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode(f.Mode()))
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(out, io.LimitReader(in, left+1))
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil && n > left {
		err = ErrTooLarge
	}
	return n, err
}

// fileMode keeps only the execute permission of an entry's mode; the umask restricts the rest.
func fileMode(m fs.FileMode) fs.FileMode {
	if m&0o111 != 0 {
		return 0o777
	}
	return 0o666
}

func (p plan) files() []string {
	var names []string
	for _, e := range p.entries {
		if !e.isDir() {
			names = append(names, e.name)
		}
	}
	return names
}
