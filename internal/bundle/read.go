package bundle

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle/secrets"
)

// A file that changes while it is read is read again after a pause, in which its writer may finish.
const (
	attempts = 3
	settling = 200 * time.Millisecond // before the second attempt, four times as long before the next
	rounds   = 5                      // how often, and how long in total, to wait for files that changed before packing
)

// reader splits the files that ship into blocks. What it learns about files that cannot be packed is kept when the
// archive is written again.
type reader struct {
	listing *Listing
	dropped map[int]Entry                              // by index in the listing: files that are left out after all, and why
	tries   map[int]int                                // how often a file was read
	cut     map[int]bool                               // files packed as they were when opened, and that have grown since
	sleep   func(context.Context, time.Duration) error // may be nil
	scanner secrets.Scanner
}

// errAgain is wrapped by errors after which the archive must be written again from the start, without a file that
// is partly in it.
var errAgain = errors.New("the archive has to be written again")

// The reasons for leaving out a file.
var (
	errShrunk  = errors.New("it was truncated")
	errChanged = errors.New("it kept changing while it was read")
)

// read sends the blocks of all files to be compressed and written.
func (r *reader) read(ctx context.Context, l *line, root *os.Root) error {
	defer close(l.todo)
	defer close(l.ordered)
	file := fileReader{reader: r, line: l, root: root}
	for i := range r.listing.Entries {
		if _, out := r.dropped[i]; out || !r.listing.Entries[i].Ships {
			continue
		}
		if err := file.pack(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) drop(i int, rule Rule, missed bool) {
	e := r.listing.Entries[i]
	e.Ships, e.Missed, e.Rule = false, missed, rule
	r.dropped[i] = e
}

// fileReader reads one file after the other.
type fileReader struct {
	*reader
	line *line
	root *os.Root
	tail []byte // the last bytes of the block before, in the same file
}

// pack reads a file, again if it changes meanwhile. If it was removed or replaced, contains a private key or keeps
// changing, it is dropped.
func (r *fileReader) pack(ctx context.Context, i int) error {
	e := &r.listing.Entries[i]
	for {
		r.tries[i]++
		last := r.tries[i] >= attempts
		grown, sent, err := r.once(ctx, e, last)
		if err == nil {
			r.cut[i] = grown
			return nil
		}
		var found secretError
		again := false
		switch {
		case errors.As(err, &found):
			r.drop(i, secretRule(found.Finding), !found.Spare)
		case errors.Is(err, errReplaced), isGone(err):
			r.drop(i, changedRule(err), true)
		case (errors.Is(err, errShrunk) || errors.Is(err, errChanged)) && last:
			r.drop(i, changedRule(err), true)
		case errors.Is(err, errShrunk), errors.Is(err, errChanged):
			again = true
		default:
			return err
		}
		if again && r.sleep != nil {
			if err := r.sleep(ctx, settling<<(2*(r.tries[i]-1))); err != nil {
				return err
			}
		}
		if sent {
			return errAgain
		}
		if !again {
			return nil
		}
	}
}

func changedRule(err error) Rule {
	for _, reason := range []error{errReplaced, errShrunk, errChanged} {
		if errors.Is(err, reason) {
			return Rule{Kind: Changed, Detail: reason.Error()}
		}
	}
	return Rule{Kind: Changed, Detail: "it was removed"}
}

// secretError says what a file contains.
type secretError struct{ secrets.Finding }

func (e secretError) Error() string { return "it contains a secret: " + e.Detail }

// once reads the file and sends its blocks. With an error, sent reports whether any were sent. The last block is
// held back until it is known that the file did not change. On the last attempt a file that has grown is packed as
// it was when it was opened: it is probably written to all the time.
func (r *fileReader) once(ctx context.Context, e *Entry, last bool) (grown, sent bool, err error) {
	f, info, err := r.listing.open(r.root, e)
	if err != nil {
		return false, false, err
	}
	defer func() { _ = f.Close() }()
	r.scanner.Start(info.Size(), e.Name, e.file)
	r.tail = r.tail[:0]
	left := info.Size()
	sum := uint32(0)
	for first := true; first || left > 0; first = false {
		b, _, err := receive(ctx, r.line.free)
		if err != nil {
			return false, sent, err
		}
		b.start(e, info, first, left <= blockSize)
		b.history = append(b.history[:0], r.tail...)
		if err := r.fill(f, b, left); err != nil {
			r.line.free <- b
			return false, sent, err
		}
		if b.last {
			if grown, err = unchanged(f, info, last); err != nil {
				r.line.free <- b
				return false, sent, err
			}
		}
		left -= int64(len(b.in))
		sum = crc32.Update(sum, crc32.IEEETable, b.in)
		b.sum, b.size = sum, uint64(info.Size())
		r.tail = append(r.tail[:0], b.in[max(0, len(b.in)-historySize):]...)
		r.line.todo <- b
		r.line.ordered <- b
		sent = true
	}
	return grown, sent, nil
}

// fill reads the next block and searches it.
func (r *fileReader) fill(f *os.File, b *block, left int64) error {
	_, err := io.ReadFull(f, b.space(min(left, blockSize)))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShrunk
	}
	if err != nil {
		return readingError(b.entry, err)
	}
	if b.entry.Rule.Kind == Allowed {
		return nil
	}
	if found := r.scanner.Next(b.in); found.Detail != "" {
		return secretError{found}
	}
	return nil
}

// unchanged compares an open file with its state when it was opened. grown is set if it has grown, which is an
// error unless allowed.
func unchanged(f *os.File, before fs.FileInfo, mayGrow bool) (grown bool, err error) {
	now, err := f.Stat()
	switch {
	case err != nil:
		return false, err
	case now.Size() < before.Size():
		return false, errShrunk
	case now.Size() > before.Size() && mayGrow:
		return true, nil
	case now.Size() > before.Size(), !now.ModTime().Equal(before.ModTime()):
		return false, errChanged
	}
	return false, nil
}
