package proxycmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// mistakes collects everything that is wrong with the settings of a run, each with the flag, variable or file it
// is about.
type mistakes []config.Mistake

func (m *mistakes) addf(name, format string, args ...any) {
	*m = append(*m, config.Mistake{Name: name, Err: fmt.Errorf(format, args...)})
}

// add records err, which names its subject itself; a joined error is split.
func (m *mistakes) add(err error) {
	var several *config.Error
	if errors.As(err, &several) {
		*m = append(*m, several.Mistakes...)
	} else if err != nil {
		*m = append(*m, config.Mistake{Err: err})
	}
}

// err is the failure that lists the mistakes, nil if there are none. It is a usage error if only the command line
// is wrong.
func (m mistakes) err(usage bool) error {
	if len(m) == 0 {
		return nil
	}
	f := &failure.Error{Code: failure.Failed, Err: &config.Error{Mistakes: m}}
	onlyFlags := usage
	for _, one := range m {
		onlyFlags = onlyFlags && strings.HasPrefix(one.Name, "--")
		if f.Hint == "" {
			f.Hint = failure.Hint(one.Err)
		}
		if errors.Is(one.Err, config.ErrUnprotected) {
			f.Hint = "run 'ploomber-cloud auth --add' (with --offline if you have no account), or pass --public if everyone may use the app"
		}
	}
	if onlyFlags {
		f.Code = failure.Usage
	}
	return f
}
