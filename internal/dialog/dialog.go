// Package dialog contains prompts and messages shared by several commands: creating a project, deploying and
// following a deployment. It calls package flow for the work and does not read or write projects itself.
package dialog

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/prompt"
)

// Reporter prints progress.
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

	// Expect returns an error if no one can answer qs. A command that will have to prompt calls it before it
	// prints or requests anything.
	Expect(ctx context.Context, qs ...prompt.Question) error
}
