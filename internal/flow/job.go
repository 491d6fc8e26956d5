package flow

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// LatestJob returns the id of a project's newest deployment.
func LatestJob(ctx context.Context, api interface {
	Project(ctx context.Context, id string) (*cloudapi.Project, error)
}, projectID string,
) (string, error) {
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
