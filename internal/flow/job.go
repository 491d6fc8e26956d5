package flow

import (
	"context"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
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

// ShowLooks returns a Watcher.Seen that reports each change of the status, in the platform's word and a plain one, and
// each new line of the log.
func ShowLooks(report Reporter) func(Look) {
	status := ""
	return func(l Look) {
		if l.Status != status {
			status = l.Status
			report.Note("Status: %s", describe(l))
		}
		if lines := strings.TrimRight(l.Log, "\n"); lines != "" {
			report.Note("%s", term.Plain(lines))
		}
	}
}

// ShowTrouble returns a Watcher.Trouble that reports what keeps the watch waiting.
func ShowTrouble(report Reporter) func(error) {
	return func(err error) {
		report.Warn("%v. The deployment goes on; trying again.", err)
	}
}

func describe(l Look) string {
	text := term.Plain(l.Status)
	if words := inWords(l.Status); words != "" {
		text += ", " + words
	}
	if l.Elapsed >= time.Second {
		text += " (" + l.Elapsed.Round(time.Second).String() + ")"
	}
	return text
}

// inWords says what a status of the platform means where its name does not.
func inWords(status string) string {
	switch status {
	case "pending":
		return "waiting for the build"
	case "docker-build-complete":
		return "the app is built and about to start"
	case "webservice-pending":
		return "the app is starting"
	case "docker-failed":
		return "the build failed"
	case "failed":
		return "the app did not start"
	case "stopped":
		return "the app was stopped"
	case "finished":
		return "the app ended"
	}
	return ""
}
