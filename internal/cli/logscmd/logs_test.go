package logscmd

import (
	"context"
	"encoding/json"
	"errors"
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
		"a project":      {Args: []string{"--project-id=p"}, Want: Flags{ProjectID: "p", Tail: -1}},
		"all":            {Args: []string{"--job-id=j", "--type=web", "--follow", "--since=10m", "--tail=0"}, Want: Flags{JobID: "j", Type: "web", Follow: true, Since: "10m"}},
		"neither":        {Code: failure.Failed},
		"a kind unknown": {Args: []string{"--job-id=j", "--type=webservice"}, Code: failure.Failed},
		"a tail below 0": {Args: []string{"--job-id=j", "--tail=-3"}, Code: failure.Usage},
		"an argument":    {Args: []string{"--job-id=j", "x"}, Code: failure.Failed},
	})
}

// options is a user whose project p was deployed as job j, which has logged.
func options(d *cmdtest.Setup, build, app string, f Flags) *Options {
	d.Cloud.AddProject(fakecloud.Project{ID: "p", Jobs: []string{"j", "older"}})
	d.Cloud.AddProject(fakecloud.Project{ID: "never"})
	d.Cloud.EditJob("j", func(j *fakecloud.Job) { j.Build, j.App = build, app })
	return &Options{
		IO: d.IO, Connect: d.Connect, Settings: &settings.Settings{Lookup: d.Lookup}, Flags: f,
		Now:   func() time.Time { return time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC) },
		Sleep: func(context.Context, time.Duration) error { return context.Canceled },
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	const get = "GET /v2/jobs/j/logs"
	for name, tc := range map[string]struct {
		build, app string
		flags      Flags
		asked      []string
		out        string
		code       int
		says       string
	}{
		"both":               {build: "b1\nb2\n", app: "a1", flags: Flags{JobID: "j", Tail: -1}, asked: []string{get}, out: "Build log\nb1\nb2\nApp log\na1\n"},
		"the newest":         {app: "a1", flags: Flags{ProjectID: "p", Type: "web", Tail: -1}, asked: []string{"GET /projects/p", get}, out: "a1\n"},
		"a job, not project": {app: "a1", flags: Flags{ProjectID: "p", JobID: "j", Type: "web", Tail: -1}, asked: []string{get}, out: "a1\n"},
		"only the build's":   {build: "b1\n", app: "a1", flags: Flags{JobID: "j", Type: "docker", Tail: -1}, asked: []string{get}, out: "b1\n"},
		"none yet":           {app: "a", flags: Flags{JobID: "j", Tail: -1}, asked: []string{get}, out: "Build log\nWaiting for logs...\nApp log\na\n"},
		"the last lines":     {build: "1\n2\n3\n", app: "a", flags: Flags{JobID: "j", Tail: 2}, asked: []string{get}, out: "Build log\n2\n3\nApp log\na\n"},
		"since a span":       {build: "b", flags: Flags{JobID: "j", Type: "docker", Since: "10m", Tail: -1}, asked: []string{get + "?start_time=1714557000001"}, out: "b\n"},
		"since a time":       {build: "b", flags: Flags{JobID: "j", Type: "docker", Since: "2024-05-01T10:00:00Z", Tail: -1}, asked: []string{get + "?start_time=1714557600001"}, out: "b\n"},
		"since nonsense":     {flags: Flags{JobID: "j", Since: "yesterday"}, code: failure.Usage, says: "--since"},
		"since the future":   {flags: Flags{JobID: "j", Since: "-10m"}, code: failure.Usage, says: "--since"},
		"never deployed":     {flags: Flags{ProjectID: "never"}, asked: []string{"GET /projects/never"}, code: failure.Failed, says: "never deployed"},
		"no such job":        {flags: Flags{JobID: "none"}, asked: []string{"GET /v2/jobs/none/logs"}, code: failure.Failed, says: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			o := options(d, tc.build, tc.app, tc.flags)
			err := logs(t.Context(), o)
			if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
			}
			if asked := d.Asked(); !slices.Equal(asked, append([]string{}, tc.asked...)) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			if d.Out() != tc.out {
				t.Errorf("shows %q, want %q", d.Out(), tc.out)
			}
		})
	}
}

// Following shows each line once, until an interrupt.
func TestFollow(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	o := options(d, "b1\n", "", Flags{JobID: "j", Follow: true, Tail: 1})
	looks := 0
	o.Sleep = func(_ context.Context, wait time.Duration) error {
		if wait != 15*time.Second {
			t.Errorf("waits %s", wait)
		}
		looks++
		switch looks {
		case 1: // nothing new
		case 2:
			d.Cloud.EditJob("j", func(j *fakecloud.Job) { j.Build = "b1\nb2\nb3\n" })
		case 3:
			d.Cloud.EditJob("j", func(j *fakecloud.Job) { j.App = "a1\n" })
		default:
			return context.Canceled
		}
		return nil
	}
	err := logs(t.Context(), o)
	if failure.Code(err) != failure.Interrupted {
		t.Errorf("%v", err)
	}
	want := "Build log\nb1\nApp log\nWaiting for logs...\nBuild log\nb2\nb3\nApp log\na1\n"
	if d.Out() != want {
		t.Errorf("shows %q, want %q", d.Out(), want)
	}
}

func TestFollowJSON(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	o := options(d, "", "a1\n", Flags{JobID: "j", Type: "web", Follow: true, Tail: -1})
	d.JSON()
	looks := 0
	o.Sleep = func(context.Context, time.Duration) error {
		if looks++; looks > 2 {
			return context.Canceled
		}
		d.Cloud.EditJob("j", func(j *fakecloud.Job) { j.App = "a1\na2\n" })
		return nil
	}
	_ = logs(t.Context(), o)
	var shown []string
	for decoder := json.NewDecoder(strings.NewReader(d.Out())); decoder.More(); {
		var r result
		if err := decoder.Decode(&r); err != nil || r.Build != nil || r.JobID != "j" {
			t.Fatalf("%s: %v", d.Out(), err)
		}
		shown = append(shown, *r.App)
	}
	if !slices.Equal(shown, []string{"a1", "a2"}) {
		t.Errorf("shows %q", shown)
	}
}

// An outage ends nothing that is followed; it is told once, and no line is shown again after it.
func TestFollowThroughOutage(t *testing.T) {
	t.Parallel()
	page := []byte("<html>Bad gateway</html>")
	for name, tc := range map[string]struct {
		fault fakecloud.Fault
		ends  bool
	}{
		"a lost connection": {fault: fakecloud.Fault{Kind: fakecloud.CutLate}},
		"a gateway":         {fault: fakecloud.Fault{Status: 502, Type: "text/html", Body: page}},
		"half an answer":    {fault: fakecloud.Fault{Status: 200, Type: "application/json", Body: []byte(`{"logs": {"app": "a1`)}},
		"an empty log":      {fault: fakecloud.Fault{Status: 200, Type: "application/json", Body: []byte(`{"logs": {"app": ""}}`)}},
		"a refusal":         {fault: fakecloud.Fault{Status: 403, Type: "application/json", Body: []byte(`{"detail": "no"}`)}, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			o := options(d, "", "a1\na2\n", Flags{JobID: "j", Type: "web", Follow: true, Tail: -1})
			o.Settings.APIURL = d.Cloud.URL()
			fault := tc.fault
			fault.Method, fault.Path, fault.Times = "GET", "/v2/jobs/j/logs", 2
			waits := 0
			o.Sleep = func(context.Context, time.Duration) error {
				switch waits++; waits {
				case 1:
					d.Cloud.Break(fault)
				case 5:
					return context.Canceled
				}
				return nil
			}
			err := logs(t.Context(), o)
			if ended := !errors.Is(err, context.Canceled); ended != tc.ends {
				t.Errorf("ends with %v, want an end: %v", err, tc.ends)
			}
			if d.Out() != "a1\na2\n" {
				t.Errorf("shows %q, want each line once", d.Out())
			}
			if told := strings.Count(d.Said(nil), "Trying again"); told > 1 {
				t.Errorf("tells %d times", told)
			}
		})
	}
}
