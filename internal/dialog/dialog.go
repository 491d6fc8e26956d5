// Package dialog is what several commands ask and say in the same words: about making a project, sending a deployment and
// following it. It has package flow do the work and must not read or write a project by itself.
package dialog

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/prompt"
)

// Reporter hears what goes on.
type Reporter interface {
	Note(format string, args ...any)
	Success(format string, args ...any)
	Warn(format string, args ...any)
}

// Asker is the part of a prompter that commands use.
type Asker interface {
	Text(ctx context.Context, q prompt.Question) (string, error)
	Secret(ctx context.Context, q prompt.Question) (string, error)
	Confirm(ctx context.Context, q prompt.Question, standard bool) (bool, error)
	Choose(ctx context.Context, q prompt.Question, options []string, again string, accept func(string) (int, bool)) (int, error)

	// Expect is an error where nobody can answer qs. What is bound to ask calls it before it shows or requests anything.
	Expect(ctx context.Context, qs ...prompt.Question) error
}
