package bundle

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// read cuts the files that ship into blocks and sends each to be compressed and to be written.
func (l *line) read(ctx context.Context, listing *Listing, root *os.Root) error {
	defer close(l.todo)
	defer close(l.ordered)
	var tail []byte // the last bytes of the block before, in the same file
	for i := range listing.Entries {
		if e := &listing.Entries[i]; e.Ships {
			var err error
			if tail, err = l.readFile(ctx, listing, root, e, tail[:0]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *line) readFile(ctx context.Context, listing *Listing, root *os.Root, e *Entry, tail []byte) ([]byte, error) {
	f, info, err := listing.open(root, e)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	left := info.Size()
	sum := uint32(0)
	for first := true; first || left > 0; first = false {
		b, _, err := receive(ctx, l.free)
		if err != nil {
			return nil, err
		}
		b.start(e, info, first, left <= blockSize)
		b.history = append(b.history[:0], tail...)
		if _, err := io.ReadFull(f, b.space(min(left, blockSize))); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errShrunk
			}
			return nil, &ChangedError{Name: e.Name, Err: cause(err)}
		}
		left -= int64(len(b.in))
		sum = crc32.Update(sum, crc32.IEEETable, b.in)
		b.sum, b.size = sum, uint64(info.Size())
		tail = append(tail[:0], b.in[max(0, len(b.in)-historySize):]...)
		l.todo <- b
		l.ordered <- b
	}
	return tail, nil
}

var errShrunk = errors.New("it became shorter")
