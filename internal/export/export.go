// Package export generates the configuration of a project's login for other programs that can serve in front of an
// app. It returns files and writes none, and knows nothing about the command line.
package export

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Project is the input of every export.
type Project struct {
	Name  string // the project's id; files are named after it
	Login config.Config
}

// File is one file of an export.
type File struct {
	Name   string // without a folder
	Data   []byte
	Secret bool // readable for its owner only
}

// OptionError says which option is invalid and why.
type OptionError struct {
	Option string // as on the command line, without dashes
	Err    error
}

func (e *OptionError) Error() string { return e.Option + " " + e.Err.Error() }

func (e *OptionError) Unwrap() error { return e.Err }

func optionf(name, format string, args ...any) error {
	return &OptionError{name, fmt.Errorf(format, args...)}
}

// ErrName is wrapped by the error for a project id that could place files elsewhere.
var ErrName = errors.New("the project's id is not a valid file name")

func (p Project) check() error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`).MatchString(p.Name) {
		return fmt.Errorf("%w: %q", ErrName, p.Name)
	}
	return p.Login.Validate()
}
