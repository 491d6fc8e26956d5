package term

import (
	"encoding/json"
	"fmt"
)

// Configure sets what the command line decides about the streams after they are open.
func (o *IO) Configure(mode Mode, asJSON, quiet bool, lookup func(string) (string, bool)) {
	o.JSON, o.Err.json = asJSON, asJSON
	o.Err.quiet = quiet || asJSON
	for _, s := range []*Stream{o.Out, o.Err} {
		s.colours = wantsColour(s.tty, mode, lookup)
	}
}

// Result shows what a command was asked for: v as one JSON object where JSON was asked for, else what text
// writes.
func (o *IO) Result(v any, text func(out *Stream)) error {
	if !o.JSON {
		text(o.Out)
		return nil
	}
	if err := o.Out.object(v); err != nil && o.Out.failed == nil {
		return err // v is no JSON; what could not be written is told by Failed
	}
	return nil
}

func (s *Stream) object(v any) error {
	e := json.NewEncoder(s)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Note writes a line about what goes on.
func (s *Stream) Note(format string, args ...any) {
	if !s.quiet {
		s.Println(s.Wrapped(fmt.Sprintf(format, args...), 0))
	}
}

// Success writes a line about a part of the work that is done.
func (s *Stream) Success(format string, args ...any) {
	if !s.quiet {
		s.Println(s.Green(s.Wrapped(fmt.Sprintf(format, args...), 0)))
	}
}

// hanging is how far the further lines of a message are indented on a terminal that is too narrow for it, in columns.
const hanging = 2

// Warn writes a line that asks for attention, {"warning": …} where JSON was asked for.
func (s *Stream) Warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.json {
		_ = s.object(map[string]string{"warning": text}) // told by Failed
		return
	}
	s.Println(s.Wrapped(s.Yellow("Warning: ")+text, hanging))
}

// Detail writes a line for --verbose, {"detail": …} where JSON was asked for.
func (s *Stream) Detail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.json {
		_ = s.object(map[string]string{"detail": text}) // told by Failed
		return
	}
	s.Println(s.Faint(text))
}

// Problem is a failure as --json shows it.
type Problem struct {
	Error ProblemDetail `json:"error"`
}

// ProblemDetail is the message of a failure, its exit status and what to run next.
type ProblemDetail struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Fail writes the failure that ends the program.
func (s *Stream) Fail(code int, message, hint string) {
	if s.json {
		_ = s.object(Problem{ProblemDetail{code, message, hint}}) // nothing is left to report to
		return
	}
	s.Println(s.Wrapped(s.Red("Error: ")+message, hanging))
	if hint != "" {
		s.Println(s.Wrapped(s.Faint("Hint: ")+hint, hanging))
	}
}

// Talks tells whether notes are shown: not where quiet or JSON was asked for.
func (s *Stream) Talks() bool { return !s.quiet }
