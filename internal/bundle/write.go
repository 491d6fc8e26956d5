package bundle

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options are the wishes for one archive. The zero value is fine.
type Options struct {
	Level    int                     // deflate level 1 (fast) to 9 (small); 0 is 6
	Limit    int64                   // most bytes of the archive; 0 is no limit
	Workers  int                     // files are compressed by so many goroutines; 0 is one for each processor
	Progress func(done, total int64) // bytes of files packed so far and in all; called by one goroutine, often
}

// Stats counts what went into an archive.
type Stats struct {
	Files int
	Bytes int64 // of the files
	Size  int64 // of the archive
}

// Write packs the files of l that ship, in the order of l. Memory is bounded whatever the sizes: files are cut into
// blocks of 1 MiB, a few of which are under way at a time. What arrives at w is a whole zip or, with an error,
// useless. The error is a *TooLargeError where Options.Limit is passed, a *ChangedError where a file is not the
// planned one any more or shrinks while it is read, ctx.Err() where ctx ends first, and else names the file.
// A file that grew is packed as large as it was when it was opened.
func Write(ctx context.Context, w io.Writer, l *Listing, o Options) (Stats, error) {
	if o.Level == 0 {
		o.Level = defaultLevel
	}
	if o.Level < 1 || o.Level > 9 {
		return Stats{}, fmt.Errorf("compression level %d is not between 1 and 9", o.Level)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	top, err := openTop(l.dir)
	if err != nil {
		return Stats{}, err
	}
	defer func() { _ = top.root.Close() }()
	if !os.SameFile(top.info, l.dirInfo) {
		return Stats{}, fmt.Errorf("%s was replaced by another folder", l.dir)
	}

	group, ctx := errgroup.WithContext(ctx)
	line := newLine(2*o.Workers + 2)
	group.Go(func() error { return line.read(ctx, l, top.root) })
	for range o.Workers {
		group.Go(func() error { return line.compress(ctx, o.Level) })
	}
	var stats Stats
	group.Go(func() (err error) {
		stats, err = line.write(ctx, w, l, o)
		return err
	})
	return stats, group.Wait()
}

// line is the assembly line of Write: one goroutine reads blocks in order, several compress them, one writes them
// in order. Every channel has room for all blocks, so only free ones and finished ones are waited for.
type line struct {
	free, todo, ordered chan *block
}

func newLine(blocks int) *line {
	l := &line{
		free:    make(chan *block, blocks),
		todo:    make(chan *block, blocks),
		ordered: make(chan *block, blocks),
	}
	for range blocks {
		l.free <- &block{done: make(chan struct{}, 1)}
	}
	return l
}

func receive[T any](ctx context.Context, c <-chan T) (v T, ok bool, err error) {
	select {
	case v, ok = <-c:
		return v, ok, nil
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
}

func (l *line) compress(ctx context.Context, level int) error {
	c := newCompressor(level)
	for {
		b, ok, err := receive(ctx, l.todo)
		if err != nil || !ok {
			return err
		}
		if err := c.compress(b); err != nil {
			return fmt.Errorf("cannot compress %q: %w", b.entry.Name, err)
		}
		b.done <- struct{}{}
	}
}

func (l *line) write(ctx context.Context, w io.Writer, listing *Listing, o Options) (stats Stats, err error) {
	_, total := listing.Total()
	count := &limitWriter{w: w, limit: o.Limit}
	z := &zipWriter{zip: zip.NewWriter(bufio.NewWriterSize(count, 256<<10))}
	for {
		b, ok, err := receive(ctx, l.ordered)
		if err != nil {
			return stats, err
		}
		if !ok {
			break
		}
		if _, _, err := receive(ctx, b.done); err != nil {
			return stats, err
		}
		if err := z.add(b); err != nil {
			return stats, writeError(err)
		}
		stats.Bytes += int64(len(b.in))
		if b.last {
			stats.Files++
		}
		if o.Progress != nil {
			o.Progress(stats.Bytes, max(total, stats.Bytes)) // a file may have grown since it was planned
		}
		l.free <- b
	}
	if err := z.zip.Close(); err != nil {
		return stats, writeError(err)
	}
	stats.Size = count.n
	return stats, nil
}

func writeError(err error) error {
	var large *TooLargeError
	if errors.As(err, &large) {
		return large
	}
	return fmt.Errorf("cannot write the archive: %w", err)
}

// limitWriter counts, and fails with a *TooLargeError instead of passing the limit.
type limitWriter struct {
	w        io.Writer
	n, limit int64
}

func (l *limitWriter) Write(p []byte) (int, error) {
	if size := l.n + int64(len(p)); l.limit > 0 && size > l.limit {
		return 0, &TooLargeError{Size: size, Limit: l.limit}
	}
	n, err := l.w.Write(p)
	l.n += int64(n)
	return n, err
}

// zipWriter puts blocks into a zip. A file of one block has its size and checksum before its content, and is
// stored where compressing does not help. A larger one has them behind it (a data descriptor); it is always marked
// as deflated, as not every reader finds the end of a stored file then, and what does not compress goes into
// deflate's own stored blocks.
type zipWriter struct {
	zip    *zip.Writer
	header *zip.FileHeader // of the file under way
	body   io.Writer
	size   uint64 // compressed bytes of it so far
}

func (z *zipWriter) add(b *block) (err error) {
	if b.first {
		z.header, z.size = header(b), 0
		if z.body, err = z.zip.CreateRaw(z.header); err != nil {
			return err
		}
	}
	switch {
	case !b.packed && b.first && b.last:
		_, err = z.body.Write(b.in)
	case !b.packed:
		err = z.store(b.in, b.last)
	default:
		z.size += uint64(b.out.Len())
		_, err = z.body.Write(b.out.Bytes())
	}
	if err == nil && b.last && !b.first {
		sizes(z.header, b.size, z.size)
		z.header.CRC32 = b.sum
	}
	return err
}

// store writes deflate blocks of type 0 (RFC 1951, 3.2.4), which hold up to 65,535 bytes each. What was written
// before ends on a whole byte.
func (z *zipWriter) store(in []byte, last bool) error {
	for len(in) > 0 {
		n := min(len(in), math.MaxUint16)
		var head [5]byte
		if last && n == len(in) {
			head[0] = 1
		}
		binary.LittleEndian.PutUint16(head[1:], uint16(n))
		binary.LittleEndian.PutUint16(head[3:], ^uint16(n))
		if _, err := z.body.Write(head[:]); err != nil {
			return err
		}
		if _, err := z.body.Write(in[:n]); err != nil {
			return err
		}
		z.size += uint64(len(head) + n)
		in = in[n:]
	}
	return nil
}

const (
	flagDescriptor = 0x8   // sizes and checksum follow the content
	flagUTF8       = 0x800 // the name is UTF-8
	version20      = 20    // deflate
	version45      = 45    // zip64
)

func header(b *block) *zip.FileHeader {
	h := &zip.FileHeader{Name: b.entry.Name, Method: zip.Deflate, ReaderVersion: version20}
	h.SetMode(b.info.Mode())
	h.ModifiedDate, h.ModifiedTime = dosTime(b.info.ModTime()) //nolint:staticcheck // CreateRaw writes no other
	for i := range len(h.Name) {
		if h.Name[i] >= 0x80 {
			h.Flags |= flagUTF8
			break
		}
	}
	if !b.last {
		h.Flags |= flagDescriptor
		if b.info.Size() >= math.MaxUint32 {
			h.ReaderVersion = version45
		}
		return h
	}
	h.CRC32 = b.sum
	packed := uint64(b.out.Len())
	if !b.packed {
		h.Method, packed = zip.Store, b.size
	}
	sizes(h, b.size, packed)
	return h
}

// sizes sets both pairs: the directory of a raw file is written from the 32-bit ones.
func sizes(h *zip.FileHeader, plain, packed uint64) {
	h.UncompressedSize64, h.CompressedSize64 = plain, packed
	h.UncompressedSize = uint32(min(plain, math.MaxUint32)) //nolint:staticcheck // see above
	h.CompressedSize = uint32(min(packed, math.MaxUint32))  //nolint:staticcheck // see above
}

// dosTime gives a time as zips hold it, in steps of two seconds between 1980 and 2107. It is taken as UTC, so that
// the same project makes the same archive everywhere.
func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	switch {
	case t.Year() < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	date = uint16(t.Day() | int(t.Month())<<5 | (t.Year()-1980)<<9)
	clock = uint16(t.Second()/2 | t.Minute()<<5 | t.Hour()<<11)
	return date, clock
}

var errReplaced = errors.New("another file was put in its place")

// open opens a planned file and makes sure that it may be packed: the planned one itself, or one that was put in
// its place in the open, by no link and with no secret that was left out.
func (l *Listing) open(root *os.Root, e *Entry) (*os.File, fs.FileInfo, error) {
	f, err := openEntry(root, e)
	if err != nil {
		return nil, nil, &ChangedError{Name: e.Name, Err: cause(err)}
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errReplaced
	case !os.SameFile(info, e.info):
		err = l.inPlace(e, info)
	}
	if err == nil && e.Rule.Kind != Allowed && l.holdsSecret(info) {
		err = errReplaced
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, &ChangedError{Name: e.Name, Err: cause(err)}
	}
	return f, info, nil
}

func cause(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
