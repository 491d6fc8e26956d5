package dialog

import (
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Reason is the part of a command's JSON result that says how a deployment is doing and why it does not run. It is empty
// where the platform does not say.
type Reason struct {
	State    string   `json:"state,omitempty"`  // such as asleep; finer than the status
	Reason   string   `json:"reason,omitempty"` // one of a closed list, such as out-of-memory
	Problem  string   `json:"problem,omitempty"`
	Detail   []string `json:"detail,omitempty"` // the last lines of its log
	NextStep string   `json:"next_step,omitempty"`
}

// ReasonOf makes a Reason of what the platform says.
func ReasonOf(c cloudapi.Condition) Reason {
	return Reason{State: c.State, Reason: c.Reason, Problem: c.Problem, Detail: c.Detail, NextStep: c.NextStep}
}

// ShowReason prints the last lines of a deployment that failed, unless they were printed with its log. The error says the
// rest.
func ShowReason(report Reporter, o flow.Outcome) {
	for _, line := range o.Unseen {
		report.Note("  %s", line)
	}
}
