package dialog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

func TestShowLooks(t *testing.T) {
	t.Parallel()
	heard := &notes{}
	see := dialog.ShowLooks(heard)
	for _, l := range []flow.Look{
		{Status: "pending"}, {Status: "pending", Log: "a\nb\n"}, {Status: "pending", Log: "\n"},
		{Status: "webservice-pending", Elapsed: 61400 * time.Millisecond}, {Status: "new", Elapsed: time.Hour},
		{Status: "running", Log: "100 %d"},
	} {
		see(l)
	}
	if want := []string{
		"Status: pending, waiting for the build", "a\nb", "Status: webservice-pending, the app is starting (1m1s)",
		"Status: new (1h0m0s)", "Status: running", "100 %d",
	}; !slices.Equal(heard.all, want) {
		t.Errorf("says %q, want %q", heard.all, want)
	}
}

// The lines that explain a failure are not printed twice.
func TestShowReason(t *testing.T) {
	t.Parallel()
	heard := &notes{}
	dialog.ShowReason(heard, flow.Outcome{Condition: cloudapi.Condition{Detail: []string{"shown", "not shown"}}, Unseen: []string{"not shown"}})
	if len(heard.all) != 1 || !strings.Contains(heard.all[0], "not shown") {
		t.Errorf("prints %q", heard.all)
	}
}
