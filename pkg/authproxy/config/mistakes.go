package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errMissing is in the chain of a Mistake about a variable that has no value.
var errMissing = errors.New("is missing or empty")

// ErrUnprotected is in the chain of the error for a Config that protects nothing without saying Public.
var ErrUnprotected = errors.New("nothing protects the app: set username_main_app and password_main_app, or AUTH_CLIENT_ID, " +
	"AUTH_CLIENT_SECRET and AUTH_ISSUER_BASE_URL, or say that it is public")

// Mistake is one thing wrong with a configuration.
type Mistake struct {
	Name string // of the variable or key; empty for the whole
	Err  error
}

func (m Mistake) Error() string {
	if m.Name == "" {
		return m.Err.Error()
	}
	return m.Name + ": " + m.Err.Error()
}

func (m Mistake) Unwrap() error { return m.Err }

// Error holds every mistake of a configuration, so that all can be mended at once.
type Error struct{ Mistakes []Mistake }

// Error is one line for a single mistake, else a list of them below a line of its own.
func (e *Error) Error() string {
	if len(e.Mistakes) == 1 {
		return e.Mistakes[0].Error()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "the configuration has %d mistakes:", len(e.Mistakes))
	for _, m := range e.Mistakes {
		text.WriteString("\n  - " + m.Error())
	}
	return text.String()
}

func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Mistakes))
	for i, m := range e.Mistakes {
		errs[i] = m
	}
	return errs
}

// Errorf returns an *Error about one variable.
func Errorf(name, format string, args ...any) error {
	return &Error{Mistakes: []Mistake{{Name: name, Err: fmt.Errorf(format, args...)}}}
}

// mistakes collects what is wrong.
type mistakes []Mistake

func (m *mistakes) addf(name, format string, args ...any) {
	*m = append(*m, Mistake{Name: name, Err: fmt.Errorf(format, args...)})
}

func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b Mistake) int { return strings.Compare(a.Name, b.Name) })
	return &Error{Mistakes: m}
}
