package dialog

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/flow"
)

// SuggestWorkflow tells, after other work is done, what could be done about the project's GitHub workflow.
func SuggestWorkflow(ctx context.Context, report Reporter, w flow.Workflow, secrets []string) {
	switch w.Advise(ctx, secrets) {
	case flow.AddWorkflow:
		report.Note("To deploy from GitHub, run 'ploomber-cloud github'.")
	case flow.UpdateWorkflow:
		report.Warn("%s seems outdated. To update it, run 'ploomber-cloud github'.", w.Path())
	}
}
