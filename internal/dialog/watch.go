package dialog

import (
	"context"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Follow watches a job until it runs or fails, tells what it sees, and in the end why the app does not run. Where w has a Seen or
// Trouble, it stays.
func Follow(ctx context.Context, report Reporter, w *flow.Watcher, job flow.Job) (flow.Outcome, error) {
	if w.Seen == nil {
		w.Seen = ShowLooks(report)
	}
	if w.Trouble == nil {
		w.Trouble = ShowTrouble(report)
	}
	seen, err := w.Watch(ctx, job)
	if err != nil {
		ShowReason(report, seen)
	}
	return seen, err
}

// ShowLooks returns a flow.Watcher.Seen that prints each change of the status, in the platform's term and in plain
// words, and each new line of the log.
func ShowLooks(report Reporter) func(flow.Look) {
	status := ""
	return func(l flow.Look) {
		if l.Status != status {
			status = l.Status
			report.Note("Status: %s", describe(l))
		}
		if lines := strings.TrimRight(l.Log, "\n"); lines != "" {
			report.Note("%s", term.Plain(lines))
		}
	}
}

// ShowTrouble returns a flow.Watcher.Trouble that prints why the watch is waiting.
func ShowTrouble(report Reporter) func(error) {
	return func(err error) {
		report.Warn("%v. The deployment continues; retrying.", err)
	}
}

func describe(l flow.Look) string {
	text := term.Plain(l.Status)
	if words := inWords(l.Status); words != "" {
		text += ", " + words
	}
	if l.Elapsed >= time.Second {
		text += " (" + l.Elapsed.Round(time.Second).String() + ")"
	}
	return text
}

// inWords explains a status of the platform whose name is not clear.
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
