package term

import (
	"encoding/json"
	"fmt"
)

// Configure applies the output flags to streams that are already open.
func (o *IO) Configure(mode Mode, asJSON, quiet bool, lookup func(string) (string, bool)) {
	o.JSON, o.Err.json = asJSON, asJSON
	o.Err.quiet = quiet || asJSON
	for _, s := range []*Stream{o.Out, o.Err} {
		s.colours = wantsColour(s.tty, mode, lookup)
	}
}

// Result prints the result of a command: v as one JSON object with --json, otherwise what text writes.
func (o *IO) Result(v any, text func(out *Stream)) error {
	if !o.JSON {
		text(o.Out)
		return nil
	}
	if err := o.Out.object(v); err != nil && o.Out.failed == nil {
		return err // v cannot be encoded; write errors are reported by Failed
	}
	return nil
}

func (s *Stream) object(v any) error {
	e := json.NewEncoder(s)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Note prints a progress message.
func (s *Stream) Note(format string, args ...any) {
	if !s.quiet {
		s.Println(s.Wrapped(fmt.Sprintf(format, args...), 0))
	}
}

// Success prints a message about completed work.
func (s *Stream) Success(format string, args ...any) {
	if !s.quiet {
		s.Println(s.Green(s.Wrapped(fmt.Sprintf(format, args...), 0)))
	}
}

// hanging is the indentation of wrapped lines of a message, in columns.
const hanging = 2

// Warn prints a warning, as {"warning": …} with --json.
func (s *Stream) Warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.json {
		_ = s.object(map[string]string{"warning": text}) // reported by Failed
		return
	}
	s.Println(s.Wrapped(s.Yellow("Warning: ")+text, hanging))
}

// Detail prints a message for --verbose, as {"detail": …} with --json.
func (s *Stream) Detail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.json {
		_ = s.object(map[string]string{"detail": text}) // reported by Failed
		return
	}
	s.Println(s.Faint(text))
}

// Problem is an error in --json output.
type Problem struct {
	Error ProblemDetail `json:"error"`
}

// ProblemDetail is an error's message, its exit status and what to run next.
type ProblemDetail struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Fail prints the error that ends the program.
func (s *Stream) Fail(code int, message, hint string) {
	if s.json {
		_ = s.object(Problem{ProblemDetail{code, message, hint}}) // there is nowhere left to report it
		return
	}
	s.Println(s.Wrapped(s.Red("Error: ")+message, hanging))
	if hint != "" {
		s.Println(s.Wrapped(s.Faint("Hint: ")+hint, hanging))
	}
}

// Talks reports whether notes are shown: not with --quiet or --json.
func (s *Stream) Talks() bool { return !s.quiet }
