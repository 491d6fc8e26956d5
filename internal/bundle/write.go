package bundle

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options are the wishes for one archive. The zero value is fine.
type Options struct {
	Level    int                     // deflate level 1 (fast) to 9 (small); 0 means 6
	Limit    int64                   // maximum size of the archive in bytes; 0 means no limit
	Workers  int                     // number of goroutines that compress; 0 means one per processor
	Progress func(done, total int64) // bytes packed so far and in total; called often, by one goroutine

	// Sleep waits for files that are being written, about a second at most. If it is nil they are read
	// immediately.
	Sleep func(context.Context, time.Duration) error
}

// Stats describes the content of an archive.
type Stats struct {
	Files int
	Bytes int64 // of the files
	Size  int64 // of the archive

	// Dropped are the files that were planned but are not in the archive, by rules of the kinds Secret and
	// Changed.
	Dropped []Entry
	// Growing are the files that kept growing. Each is in the archive as it was at one moment.
	Growing []Entry
}

// Measure packs like Spool, and keeps only the figures.
func Measure(ctx context.Context, l *Listing, o Options) (Stats, error) {
	return write(ctx, io.Discard, func() error { return nil }, l, o)
}

// write packs the files of l that ship, in the order of l. Memory is bounded whatever the sizes: files are cut into
// blocks of 1 MiB, a few of which are under way at a time. What arrives at w is a whole zip or, with an error,
// useless.
//
// Files are searched for private keys while they are read, and read again if they change meanwhile. One that holds
// a key, is gone, was replaced by something else than a file, or changes all the time is left out; one that only grows
// is packed as large as it was when it was opened. If the start of such a file is in the archive already, again empties
// w and everything is packed once more; each file can ask for that a few times at most.
//
// The error is a *TooLargeError where Options.Limit is passed, ctx.Err() where ctx ends first, and else names the file.
func write(ctx context.Context, w io.Writer, again func() error, l *Listing, o Options) (Stats, error) {
	if o.Level < 0 || o.Level > 9 {
		return Stats{}, fmt.Errorf("compression level %d is not between 0 and 9", o.Level)
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
	r := &reader{listing: l, dropped: make(map[int]Entry), tries: make(map[int]int), cut: make(map[int]bool), sleep: o.Sleep}
	if err := r.waitUntilStable(ctx, top.root); err != nil {
		return Stats{}, err
	}
	for {
		stats, err := r.write(ctx, w, top.root, o)
		if errors.Is(err, errAgain) {
			if err := again(); err != nil {
				return Stats{}, err
			}
			continue
		}
		for _, i := range slices.Sorted(maps.Keys(r.dropped)) {
			stats.Dropped = append(stats.Dropped, r.dropped[i])
		}
		for _, i := range slices.Sorted(maps.Keys(r.cut)) {
			if r.cut[i] {
				stats.Growing = append(stats.Growing, l.Entries[i])
			}
		}
		return stats, err
	}
}

// write writes the archive once.
func (r *reader) write(ctx context.Context, w io.Writer, root *os.Root, o Options) (stats Stats, err error) {
	group, ctx := errgroup.WithContext(ctx)
	line := newLine(2*o.Workers + 2)
	group.Go(func() error { return r.read(ctx, line, root) })
	for range o.Workers {
		group.Go(func() error { return line.compress(ctx, o.Level) })
	}
	group.Go(func() (err error) {
		stats, err = line.write(ctx, w, r.listing, o)
		return err
	})
	err = group.Wait()
	return stats, err
}

// line is the assembly line of write: one goroutine reads blocks in order, several compress them, one writes them
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
	c, err := newCompressor(level)
	if err != nil {
		return err
	}
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

// limitWriter counts bytes, and fails with a *TooLargeError instead of exceeding the limit.
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
