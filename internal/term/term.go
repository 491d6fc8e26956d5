// Package term is the terminal, or the pipes, of a command: three streams that know whether they are a terminal,
// how wide it is and whether to use colour. It never prompts; see package prompt.
package term

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// IO is what a command reads from and writes to. Results go to Out, everything else to Err.
type IO struct {
	In       io.Reader
	InTTY    bool
	InEmpty  bool // neither a terminal nor a source of answers: /dev/null, or standard input was closed
	Out, Err *Stream
	JSON     bool // print results and warnings as JSON; see Result
}

// Stream writes to one output. It keeps its first error, so that a program whose result was lost (disk full) does
// not exit successfully.
type Stream struct {
	w       io.Writer
	file    *os.File // nil if w is not a terminal
	tty     bool
	colours bool
	width   func() int
	failed  error
	quiet   bool // suppress notes
	json    bool // print warnings as JSON objects
}

// NewStream returns a stream on w without a terminal and without colours.
func NewStream(w io.Writer) *Stream {
	return &Stream{w: w, width: func() int { return defaultWidth }}
}

const defaultWidth = 80

// Mode says when colours are used.
type Mode string

// Colour modes, the values of --color.
const (
	Auto   Mode = "auto"
	Always Mode = "always"
	Never  Mode = "never"
)

// Open creates the IO of a process. Colour is decided per stream: by mode, then NO_COLOR, CLICOLOR_FORCE or
// FORCE_COLOR, TERM=dumb, and whether the stream is a terminal.
func Open(in, out, errs *os.File, mode Mode, lookup func(string) (string, bool)) *IO {
	tty := term.IsTerminal(int(in.Fd()))
	return &IO{
		In: in, InTTY: tty, InEmpty: !tty && !holdsAnswers(in),
		Out: openStream(out, mode, lookup), Err: openStream(errs, mode, lookup),
	}
}

// holdsAnswers distinguishes files, pipes and sockets from the null device, which the Go runtime also opens in
// place of a closed standard input.
func holdsAnswers(in *os.File) bool {
	info, err := in.Stat()
	return err == nil && !info.IsDir() && info.Mode()&os.ModeCharDevice == 0
}

func openStream(f *os.File, mode Mode, lookup func(string) (string, bool)) *Stream {
	fd := int(f.Fd())
	s := &Stream{w: f, file: f, tty: term.IsTerminal(fd)}
	s.colours = wantsColour(s.tty, mode, lookup)
	s.width = func() int {
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			return w
		}
		return defaultWidth
	}
	return s
}

func wantsColour(tty bool, mode Mode, lookup func(string) (string, bool)) bool {
	set := func(name string) bool { v, _ := lookup(name); return v != "" && v != "0" }
	noColor, _ := lookup("NO_COLOR")
	dumb, _ := lookup("TERM")
	switch {
	case mode == Always:
		return true
	case mode == Never, noColor != "":
		return false
	case set("CLICOLOR_FORCE"), set("FORCE_COLOR"):
		return true
	default:
		return tty && dumb != "dumb"
	}
}

// Terminal returns the files for prompting: the input and the stream for questions. ok is false if one of them is
// not a terminal.
func (o *IO) Terminal() (in, out *os.File, ok bool) {
	in, isFile := o.In.(*os.File)
	return in, o.Err.file, isFile && o.InTTY && o.Err.tty && o.Err.file != nil
}

// Write implements io.Writer.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return n, err
}

// Printf writes text. Write errors are reported by Failed.
func (s *Stream) Printf(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

// Println writes one line. Write errors are reported by Failed.
func (s *Stream) Println(args ...any) { _, _ = fmt.Fprintln(s, args...) }

// Failed returns the first write error. A reader that stopped reading, as in `… | head`, is not an error.
func (s *Stream) Failed() error {
	if errors.Is(s.failed, syscall.EPIPE) {
		return nil
	}
	return s.failed
}

// TTY reports whether the stream is a terminal.
func (s *Stream) TTY() bool { return s.tty }

// Width is the terminal's width in columns, 80 without a terminal.
func (s *Stream) Width() int { return s.width() }

// The text styles of the program, plain if the stream has no colours.

func (s *Stream) style(attribute color.Attribute, text string) string {
	c := color.New(attribute)
	if s.colours {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.Sprint(text)
}

// Bold is for headings and the most important part of a line.
func (s *Stream) Bold(text string) string { return s.style(color.Bold, text) }

// Faint is for less important text.
func (s *Stream) Faint(text string) string { return s.style(color.Faint, text) }

// Green is for success.
func (s *Stream) Green(text string) string { return s.style(color.FgGreen, text) }

// Yellow is for warnings.
func (s *Stream) Yellow(text string) string { return s.style(color.FgYellow, text) }

// Red is for errors.
func (s *Stream) Red(text string) string { return s.style(color.FgRed, text) }
