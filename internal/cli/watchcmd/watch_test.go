package watchcmd

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"a project":  {Args: []string{"--project-id=p"}, Want: Flags{ProjectID: "p", Timeout: 15 * time.Minute}},
		"a job":      {Args: []string{"--project-id=p", "--job-id=j", "--timeout=1h"}, Want: Flags{ProjectID: "p", JobID: "j", Timeout: time.Hour}},
		"no project": {Args: []string{"--job-id=j"}, Code: failure.Usage},
		"no time":    {Args: []string{"--project-id=p", "--timeout=-1s"}, Code: failure.Usage},
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	look := func(job string) []string { return []string{"GET /jobs/" + job, "GET /v2/jobs/" + job + "/logs"} }
	for name, tc := range map[string]struct {
		flags    Flags
		statuses []string
		vars     map[string]string
		asked    []string
		code     int
		says     string
	}{
		"the newest":       {flags: Flags{ProjectID: "p"}, statuses: []string{"running"}, asked: append([]string{"GET /projects/p"}, look("new")...), says: "Deployment success"},
		"a job":            {flags: Flags{ProjectID: "p", JobID: "old"}, asked: look("old"), says: "https://old.example.test"},
		"until it runs":    {flags: Flags{ProjectID: "p", JobID: "new"}, statuses: []string{"pending", "running"}, asked: append(look("new"), look("new")...), says: "Status: pending"},
		"until it fails":   {flags: Flags{ProjectID: "p", JobID: "new"}, statuses: []string{"failed"}, asked: look("new"), code: failure.Deployment, says: "Deployment failed"},
		"never deployed":   {flags: Flags{ProjectID: "never"}, asked: []string{"GET /projects/never"}, code: failure.Failed, says: "never deployed"},
		"too long":         {flags: Flags{ProjectID: "p", JobID: "new", Timeout: time.Nanosecond}, statuses: []string{"pending"}, asked: append(look("new"), look("new")...), code: failure.TimedOut},
		"a wrong interval": {flags: Flags{ProjectID: "p"}, vars: map[string]string{"PLOOMBER_CLOUD_POLL_INTERVAL": "soon"}, code: failure.Failed, says: "PLOOMBER_CLOUD_POLL_INTERVAL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			d.Vars = tc.vars
			d.Cloud.AddProject(fakecloud.Project{ID: "p", Jobs: []string{"new", "old"}})
			d.Cloud.AddProject(fakecloud.Project{ID: "never"})
			if tc.statuses != nil {
				d.Cloud.EditJob("new", func(j *fakecloud.Job) { j.Statuses = tc.statuses })
			}
			if tc.flags.Timeout == 0 {
				tc.flags.Timeout = time.Hour
			}
			clock := time.Unix(0, 0)
			o := Options{
				IO: d.IO, Connect: d.Connect, Settings: &settings.Settings{Lookup: d.Lookup}, Flags: tc.flags,
				Now:   func() time.Time { return clock },
				Sleep: func(_ context.Context, wait time.Duration) error { clock = clock.Add(wait); return nil },
			}
			err := watch(t.Context(), &o)
			if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
			}
			if asked := d.Asked(); !slices.Equal(asked, append([]string{}, tc.asked...)) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
		})
	}
}

func TestWatchJSON(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	d.Cloud.AddProject(fakecloud.Project{ID: "p", Jobs: []string{"new"}})
	d.JSON()
	o := Options{
		IO: d.IO, Connect: d.Connect, Settings: &settings.Settings{Lookup: d.Lookup}, Now: time.Now,
		Flags: Flags{ProjectID: "p", Timeout: time.Hour},
	}
	if err := watch(t.Context(), &o); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal([]byte(d.Out()), &r); err != nil || !reflect.DeepEqual(r, result{ProjectID: "p", JobID: "new", Status: "running", URL: "https://new.example.test"}) {
		t.Errorf("%s: %v", d.Out(), err)
	}
}
