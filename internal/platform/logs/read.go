package logs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Read returns the lines printed after since, oldest first; the last ones if there are more than limit, unless limit is
// 0. A log that does not exist has none.
func (l *Log) Read(since time.Time, limit int) ([]Line, error) {
	l.mu.Lock()
	err := l.load()
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.last.After(since) {
		return nil, nil
	}
	return l.read(since, limit)
}

// Tail returns the last n lines, oldest first.
func (l *Log) Tail(n int) ([]Line, error) {
	if n <= 0 {
		return nil, nil
	}
	return l.Read(time.Time{}, n)
}

// Watch sends the lines printed after since, and then each new one, until ctx ends; then it closes the channel. A reader
// that is so slow that lines leave the log misses these.
func (l *Log) Watch(ctx context.Context, since time.Time) <-chan Line {
	lines := make(chan Line)
	go func() {
		defer close(lines)
		for {
			changed := l.next()
			found, err := l.Read(since, 0)
			if err != nil {
				return
			}
			for _, line := range found {
				select {
				case lines <- line:
					since = line.Time
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// next returns a channel that is closed at the next line.
func (l *Log) next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// read is Read for those who hold l.mu.
func (l *Log) read(since time.Time, limit int) ([]Line, error) {
	var found []Line
	for _, path := range []string{l.newer(), l.older()} {
		more, err := backwards(path, func(line Line) bool {
			if !line.Time.After(since) || limit > 0 && len(found) == limit {
				return false
			}
			found = append(found, line)
			return true
		})
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	slices.Reverse(found)
	return found, nil
}

// blockSize is how much of a file is read at a time. A line is shorter.
const blockSize = 64 << 10

// backwards calls yield with each line of a file, from the last to the first, and reports whether it has reached the
// first. What is not a line of a log is left out. A file that does not exist has no lines.
func backwards(path string, yield func(Line) bool) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	var rest []byte // the beginning of a line whose own beginning is in the block before
	for end > 0 {
		begin := max(0, end-blockSize)
		block := make([]byte, end-begin, int(end-begin)+len(rest))
		if _, err := file.ReadAt(block, begin); err != nil {
			return false, err
		}
		block = append(block, rest...)
		for {
			at := bytes.LastIndexByte(block, '\n')
			if at < 0 && begin > 0 {
				break
			}
			if line, ok := parseLine(string(block[at+1:])); ok && !yield(line) {
				return false, nil
			}
			if at < 0 {
				return true, nil
			}
			block = block[:at]
		}
		rest, end = block, begin
		if len(rest) > blockSize { // no line is that long
			rest = nil
		}
	}
	return true, nil
}

// wholeLines returns the length of the part of a file of the given size that ends with the last line break.
func wholeLines(path string, size int64) (int64, error) {
	if size == 0 {
		return 0, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for end := size; end > 0; {
		begin := max(0, end-blockSize)
		block := make([]byte, end-begin)
		if _, err := file.ReadAt(block, begin); err != nil {
			return 0, err
		}
		if at := bytes.LastIndexByte(block, '\n'); at >= 0 {
			return begin + int64(at) + 1, nil
		}
		end = begin
	}
	return 0, nil
}
