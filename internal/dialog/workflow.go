package dialog

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/flow"
)

// SuggestWorkflow prints a suggestion about the project's GitHub workflow after a command is done.
func SuggestWorkflow(ctx context.Context, report Reporter, w flow.Workflow, secrets []string) {
	switch w.Advise(ctx, secrets) {
	case flow.AddWorkflow:
		report.Note("To deploy from GitHub, run 'ploomber-cloud github'.")
	case flow.UpdateWorkflow:
		report.Warn("%s seems outdated. To update it, run 'ploomber-cloud github'.", w.Path())
	}
}
