package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// How an app's output is followed. An app that prints more than chunk in every pause for longer has some of its lines left
// out: those that would leave the log soon anyway.
const (
	chunk      = 512 << 10 // bytes read at a time
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second // between looks at an output that does not grow
	keptOutput = 128 << 10   // bytes of the output that stay readable in its own file, for those who diagnose a crash
	freeStep   = 1 << 20     // bytes after which the space of what was read is given back
)

// Raw is the file for the output of the app. The app writes to it directly, so that it does not depend on this process.
func (l *Log) Raw() string { return l.path + ".out" }

// Follower moves the output of an app to its log.
type Follower struct {
	log  *Log
	edit func(string) string
	quit chan struct{}
	once sync.Once
	done chan struct{}
}

// Follow appends the lines in Raw to the log, also those that are printed later, until Stop or Finish. edit, unless it is
// nil, changes each line before it is stored, to remove secrets. Lines that were taken over before, also by an earlier
// process, are not repeated. There may be one Follower at a time.
func (l *Log) Follow(edit func(line string) string) *Follower {
	f := &Follower{log: l, edit: edit, quit: make(chan struct{}), done: make(chan struct{})}
	go f.run()
	return f
}

// Stop ends the following. The next Follower continues where this one ends.
func (f *Follower) Stop() {
	f.once.Do(func() { close(f.quit) })
	<-f.done
}

// Finish is Stop for an app that has ended: it moves all of its output, then removes Raw. It may be called after Stop.
func (f *Follower) Finish() error {
	f.Stop()
	end := int64(0)
	if info, err := os.Stat(f.log.Raw()); err == nil {
		end = info.Size() // in case something goes on writing
	}
	for more := true; more && f.offset() <= end; {
		var err error
		if more, err = f.take(true); err != nil {
			return err
		}
	}
	if err := os.Remove(f.log.Raw()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return f.log.append(nil, time.Time{}, &position{})
}

func (f *Follower) offset() int64 {
	f.log.mu.RLock()
	defer f.log.mu.RUnlock()
	return f.log.written.Offset
}

func (f *Follower) run() {
	defer close(f.done)
	pause := firstPause
	for {
		// If the log cannot be written, as on a full disk, the output waits in its own file.
		more, err := f.take(false)
		if pause = min(2*pause, lastPause); more && err == nil {
			pause = firstPause
		}
		select {
		case <-f.quit:
			return
		case <-time.After(pause):
		}
	}
}

// take moves the next lines of the output, and reports whether there were any. last says that a line without an end will
// not get one any more.
func (f *Follower) take(last bool) (more bool, err error) {
	l := f.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(); err != nil {
		return false, err
	}
	file, err := os.OpenFile(l.Raw(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	begin, size := l.written.Offset, info.Size()
	if begin > size { // the file is a new one
		begin, l.written = 0, position{}
	}
	next := position{Before: begin, InsideBefore: l.written.Inside, Inside: l.written.Inside, freed: l.written.freed}
	var lines []string
	if most := 2 * l.partSize; size-begin > most {
		lines = append(lines, fmt.Sprintf("[%d MB of output left out: there is more than the log holds]", (size-begin-most)>>20))
		begin, next.Inside = size-most, true
	}
	data := make([]byte, min(chunk, size-begin))
	n, err := file.ReadAt(data, begin)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	used, found, inside := split(data[:n], next.Inside, last && begin+int64(n) == size)
	for _, line := range found {
		lines = append(lines, clean(line, f.edit))
	}
	if used == 0 && len(lines) == 0 {
		return false, nil
	}
	next.Offset, next.Inside = begin+int64(used), inside
	at := l.now()
	if printed := info.ModTime(); printed.Before(at) { // while nobody followed
		at = printed
	}
	if err := l.append(lines, at, &next); err != nil {
		return false, err
	}
	l.free(file)
	return true, nil
}

// split returns the lines in data and how many bytes of it they take, which leaves a last line without an end unless last
// is set. inside says that data begins within a line whose beginning was dealt with, so that its rest is left out; it is
// returned for the rest of the output. A line that takes all of data ends there: it is longer than what a log keeps.
func split(data []byte, inside, last bool) (used int, lines []string, _ bool) {
	for used < len(data) {
		n := bytes.IndexByte(data[used:], '\n')
		if n < 0 {
			break
		}
		if !inside {
			lines = append(lines, text(data[used:used+n]))
		}
		used, inside = used+n+1, false
	}
	rest := data[used:]
	switch {
	case len(rest) == 0:
	case inside:
		return len(data), lines, !last
	case last:
		return len(data), append(lines, text(rest)), false
	case used == 0 && len(data) == chunk:
		return len(data), append(lines, text(rest)), true
	}
	return used, lines, inside
}

// text returns a line without the zeros of a part whose space was given back.
func text(line []byte) string { return strings.TrimLeft(string(line), "\x00") }

// free gives back the space of the part of the output that was read, except for the end of it.
func (l *Log) free(file *os.File) {
	until := (l.written.Offset - keptOutput) &^ (freeStep - 1)
	if until <= l.written.freed {
		return
	}
	if punch(file, until) != nil && l.written.Offset > 2*l.partSize {
		// The file system cannot do that. What the app prints at this moment may be lost.
		if file.Truncate(0) == nil {
			until, l.written = 0, position{}
		}
	}
	l.written.freed = until
}
