package flow

import (
	"context"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// LatestJob returns the id of a project's newest deployment.
func LatestJob(ctx context.Context, api *cloudapi.Client, projectID string) (string, error) {
	p, err := api.Project(ctx, projectID)
	if err != nil {
		return "", err
	}
	if len(p.Jobs) == 0 {
		return "", failure.Failedf("the project %s was never deployed", projectID).
			WithHint("run 'ploomber-cloud deploy' in its folder")
	}
	return p.Jobs[0].ID, nil
}

// ShowLooks returns a Watcher.Seen that reports each change of the status and each new line of the log.
func ShowLooks(report Reporter) func(Look) {
	status := ""
	return func(l Look) {
		if l.Status != status {
			status = l.Status
			report.Note("Status: %s", term.Plain(status))
		}
		if lines := strings.TrimRight(l.Log, "\n"); lines != "" {
			report.Note("%s", term.Plain(lines))
		}
	}
}
