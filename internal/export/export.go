// Package export writes a project's login down in the words of other programs that can stand in front of an
// app. It returns files and touches none, and must not know the command line.
package export

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Project is what every export is made from.
type Project struct {
	Name  string // the project's id; files are named after it
	Login config.Config
}

// File is one file of an export.
type File struct {
	Name   string // without a folder
	Data   []byte
	Secret bool // for its owner alone
}

// OptionError says which option cannot be used and why.
type OptionError struct {
	Option string // as the command line names it, without dashes
	Err    error
}

func (e *OptionError) Error() string { return e.Option + " " + e.Err.Error() }

func (e *OptionError) Unwrap() error { return e.Err }

func optionf(name, format string, args ...any) error {
	return &OptionError{name, fmt.Errorf(format, args...)}
}

// ErrName is wrapped by the error about a project whose name could lead its files elsewhere.
var ErrName = errors.New("the project's id is no file name")

func (p Project) check() error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`).MatchString(p.Name) {
		return fmt.Errorf("%w: %q", ErrName, p.Name)
	}
	return p.Login.Validate()
}
