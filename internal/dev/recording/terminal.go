package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// prompt is that of the shell.
const prompt = "$ "

// The size of the terminal, in characters.
const (
	columns = 92
	rows    = 22
)

// How long frames stay, in milliseconds, where the script does not say it.
const (
	keyPause  = 55
	linePause = 300
)

// Limits of the recorder. None of them shows in the recording.
const (
	patience = 5 * time.Minute        // for what a step shows: packages may have to be installed
	quiet    = 300 * time.Millisecond // without output after which the program waits for keys
	retype   = 2 * time.Second        // a key that the program lost is typed again
)

// A step types a line, where there is one, and waits until the terminal has shown a text: the prompt at the beginning of
// a line, any other text anywhere.
type step struct {
	types, shows string
	pause        int // how long the result stays, in milliseconds
}

// A frame is what the terminal shows for a while: each row as SVG, and the time in milliseconds.
type frame struct {
	rows  [rows]string
	lasts int
}

// terminal is a program that runs at an emulated terminal.
type terminal struct {
	keys   io.Writer
	screen vt10x.Terminal
	output chan rune // closed when there is no more
	frames []frame
}

// record runs a program at a terminal, types the script, and ends the program.
func record(program *exec.Cmd, script []step) ([]frame, error) {
	tty, err := pty.StartWithSize(program, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		return nil, err
	}
	t := &terminal{keys: tty, screen: vt10x.New(vt10x.WithWriter(tty), vt10x.WithSize(columns, rows)), output: make(chan rune)}
	go t.read(tty)
	defer func() {
		_ = program.Process.Kill() // the shell; what it runs gets SIGHUP
		for range t.output {
		}
		_ = program.Wait()
		_ = tty.Close()
	}()
	for _, s := range script {
		if err := t.play(s); err != nil {
			return nil, fmt.Errorf("%q: %w\n%s", s.types, err, t.screen)
		}
	}
	frames := t.frames
	if _, err := io.WriteString(tty, "\x03"); err != nil {
		return nil, err
	}
	return frames, t.play(step{shows: prompt}) // it has stopped all that it started
}

func (t *terminal) read(from io.Reader) {
	defer close(t.output)
	for r := bufio.NewReader(from); ; {
		c, _, err := r.ReadRune()
		if err != nil {
			return
		}
		t.output <- c
	}
}

func (t *terminal) play(s step) error {
	for _, key := range s.types {
		if err := t.press(key); err != nil {
			return err
		}
	}
	if s.types != "" {
		if _, err := io.WriteString(t.keys, "\r"); err != nil {
			return err
		}
	}
	var shown strings.Builder
	done := func() bool {
		if s.shows == prompt {
			text := shown.String()
			return text == prompt || strings.HasSuffix(text, "\n"+prompt)
		}
		return strings.Contains(shown.String(), s.shows)
	}
	for !done() {
		c, err := t.next(patience)
		if err != nil {
			return fmt.Errorf("not shown: %q: %w", s.shows, err)
		}
		shown.WriteRune(c)
	}
	t.drain()
	t.show(s.pause)
	return nil
}

// press types a key and waits until the cursor has moved.
func (t *terminal) press(key rune) error {
	for before := t.screen.Cursor().X; t.screen.Cursor().X == before; {
		if _, err := io.WriteString(t.keys, string(key)); err != nil {
			return err
		}
		for t.screen.Cursor().X == before {
			if _, err := t.next(retype); errors.Is(err, errSilent) {
				break
			} else if err != nil {
				return err
			}
		}
	}
	t.show(keyPause)
	return nil
}

var errSilent = errors.New("no output")

// next waits for a character of the output and draws it. Lines are shown when they are complete, so that neither their
// parts nor progress that is overwritten becomes a frame.
func (t *terminal) next(limit time.Duration) (rune, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case c, ok := <-t.output:
		if !ok {
			return 0, io.ErrUnexpectedEOF
		}
		_, err := io.WriteString(t.screen, string(c))
		if c == '\n' {
			t.show(linePause)
		}
		return c, err
	case <-timer.C:
		return 0, errSilent
	}
}

// drain draws output until there is none for a while.
func (t *terminal) drain() {
	for {
		if _, err := t.next(quiet); err != nil {
			return
		}
	}
}

// show adds what is on the screen to the recording; where nothing has changed it only stays longer.
func (t *terminal) show(milliseconds int) {
	f := frame{lasts: milliseconds}
	for y := range rows {
		f.rows[y] = drawRow(t.screen, y)
	}
	if last := len(t.frames) - 1; last >= 0 && t.frames[last].rows == f.rows {
		t.frames[last].lasts += milliseconds
		return
	}
	t.frames = append(t.frames, f)
}
