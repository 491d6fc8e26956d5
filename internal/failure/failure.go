// Package failure defines the errors that end a command: a message for the user, an exit status and, if helpful,
// the command to run next. It knows nothing about what failed.
package failure

import (
	"context"
	"errors"
	"fmt"
)

// Exit statuses of the program, documented for users in docs/reference.
const (
	Done        = 0   // success
	Failed      = 1   // the operation failed
	Usage       = 2   // the command line is wrong
	NotAllowed  = 3   // no key, a refused key, or a tier without the feature
	Deployment  = 4   // the watched deployment failed
	TimedOut    = 5   // a time limit ran out
	Interrupted = 130 // SIGINT or SIGTERM, 128 + 2 as shells count
)

// Error is a message for the user. Hint, if set, is one line that says what to run next.
type Error struct {
	Code      int // exit status, one of the constants above; never Done
	Msg, Hint string
	Err       error // cause, kept for errors.Is and shown after Msg; may be nil
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Msg
	case e.Msg == "":
		return e.Err.Error()
	default:
		return e.Msg + ": " + e.Err.Error()
	}
}

func (e *Error) Unwrap() error { return e.Err }

// WithHint returns e with another hint, so that creating an error with a hint fits on one line.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// New makes an Error with the given exit status. A %w in format keeps its cause for errors.Is.
func New(code int, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	if errors.Unwrap(err) == nil {
		return &Error{Code: code, Msg: err.Error()}
	}
	return &Error{Code: code, Err: err}
}

// Failedf reports that an operation failed.
func Failedf(format string, args ...any) *Error { return New(Failed, format, args...) }

// Usagef reports that the command line is wrong.
func Usagef(format string, args ...any) *Error { return New(Usage, format, args...) }

// NotAllowedf reports that the key or its tier does not allow the operation.
func NotAllowedf(format string, args ...any) *Error { return New(NotAllowed, format, args...) }

// Code returns the exit status for err: Done for nil, the code of the first *Error in its chain, Interrupted for a
// cancelled and TimedOut for an expired context, otherwise Failed.
func Code(err error) int {
	var e *Error
	switch {
	case err == nil:
		return Done
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	default:
		return Failed
	}
}

// Hint returns the first hint in err's chain, or "".
func Hint(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}
