package deploycmd

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	const standard = 15 * time.Minute
	for name, tc := range map[string]struct {
		args   []string
		want   Flags
		deploy func(dialog.Deploy) bool // what the deployment must be told; may be nil
		code   int
	}{
		"nothing":       {want: Flags{Timeout: standard}},
		"watch":         {args: []string{"--watch", "--timeout=30m"}, want: Flags{Watch: true, Timeout: 30 * time.Minute}},
		"incremental":   {args: []string{"--watch-incremental"}, want: Flags{Incremental: true, Timeout: standard}},
		"look only":     {args: []string{"--dry-run", "--list-files"}, want: Flags{DryRun: true, ListFiles: true, Timeout: standard}},
		"both watches":  {args: []string{"--watch", "--watch-incremental"}, code: failure.Failed},
		"no time":       {args: []string{"--watch", "--timeout=0s"}, code: failure.Usage},
		"no time alike": {args: []string{"--timeout=15"}, code: failure.Failed},
		"what ships": {
			args: []string{"--prune-secrets", "--allow-secret=a,b", "--allow-secret=c", "--allow-link=d", "-c", "x.json"}, want: Flags{Timeout: standard},
			deploy: func(d dialog.Deploy) bool {
				return d.PruneSecrets && slices.Equal(d.AllowSecrets, []string{"a,b", "c"}) && slices.Equal(d.AllowLinks, []string{"d"}) && d.Folder.Config == "x.json"
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Flags
			c := New(Options{}, func(_ context.Context, o *Options) error {
				got = o.Flags
				if tc.deploy != nil && !tc.deploy(o.Deploy) {
					t.Errorf("deploys %+v", o.Deploy)
				}
				return nil
			})
			err := cmdtest.Run(t.Context(), c, tc.args...)
			if code := failure.Code(err); code != tc.code || got != tc.want {
				t.Errorf("code %d, flags %+v; want %d, %+v", code, got, tc.code, tc.want)
			}
		})
	}
}

func options(t *testing.T, d *cmdtest.Setup, f Flags) *Options {
	t.Helper()
	d.Cloud.AddProject(fakecloud.Project{ID: "demo", Type: "dash"})
	if f.Timeout == 0 {
		f.Timeout = time.Minute
	}
	clock := time.Unix(0, 0)
	return &Options{
		IO: d.IO, Flags: f, Settings: &settings.Settings{Lookup: d.Lookup},
		Deploy: dialog.Deploy{
			Deploy: flow.Deploy{Folder: d.Folder(), Connect: d.Connect, Environ: d.Lookup, TempDir: t.TempDir()}, Report: d.IO.Err, Ask: d.Ask,
		},
		Workflow: flow.Workflow{Folder: d.Folder(), Fetch: func(context.Context, string, int64) ([]byte, error) {
			return []byte("name: new\n"), nil
		}},
		Now:   func() time.Time { return clock },
		Sleep: func(_ context.Context, wait time.Duration) error { clock = clock.Add(wait); return nil },
	}
}

func folder(more string) map[string]string {
	return map[string]string{"ploomber-cloud.json": `{"id": "demo", "type": "dash"` + more + `}`, "app.py": "import dash", ".env": "TOKEN=canary-value\n"}
}

func TestDeploy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags Flags
		fate  []string
		code  int
		want  result
		says  string
	}{
		"sent":             {want: result{Status: "", URL: ""}},
		"watched":          {flags: Flags{Watch: true}, fate: []string{"pending", "running"}, want: result{Status: "running", URL: "https://job-1.example.test"}, says: "Status: pending"},
		"watched for news": {flags: Flags{Incremental: true}, fate: []string{"running"}, want: result{Status: "running", URL: "https://job-1.example.test"}},
		"failed":           {flags: Flags{Watch: true}, fate: []string{"pending", "docker-failed"}, want: result{Status: "docker-failed"}, code: failure.Deployment, says: "logs --job-id job-1"},
		"too slow":         {flags: Flags{Watch: true}, fate: []string{"pending"}, want: result{Status: "pending"}, code: failure.TimedOut, says: "watch --project-id demo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, asJSON := range []bool{false, true} {
				d := cmdtest.New(t, folder(""))
				if asJSON {
					d.JSON()
				}
				d.Cloud.SetFate(tc.fate...)
				err := Run(t.Context(), options(t, d, tc.flags))
				said := d.Said(err)
				if failure.Code(err) != tc.code || !asJSON && !strings.Contains(said, tc.says) || strings.Contains(said, "canary") {
					t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
				}
				if sent := d.Cloud.Deployments(); len(sent) != 1 || sent[0].Secrets()["TOKEN"] != "canary-value" {
					t.Errorf("deploys %v", sent)
				}
				if !asJSON {
					if !strings.Contains(said, "The deployment process started! Track its status at: https://www.platform.ploomber.io/applications/demo/job-1") {
						t.Errorf("says %q", said)
					}
					continue
				}
				var r result
				want := tc.want
				want.ProjectID, want.JobID, want.StatusPage = "demo", "job-1", "https://www.platform.ploomber.io/applications/demo/job-1"
				if err := json.Unmarshal([]byte(d.Out()), &r); err != nil || !reflect.DeepEqual(r, want) {
					t.Errorf("%s (%v), want %+v", d.Out(), err, want)
				}
			}
		})
	}
}

func TestDeployHints(t *testing.T) {
	t.Parallel()
	files := folder("")
	files[".git/HEAD"], files[".github/workflows/ploomber-cloud.yaml"] = "x", "old"
	d := cmdtest.New(t, files)
	if err := Run(t.Context(), options(t, d, Flags{})); err != nil || !strings.Contains(d.Said(nil), "outdated") {
		t.Errorf("%v, says %q", err, d.Said(nil))
	}
}

// Looking sends nothing, asks nothing and shows no value of a secret.
func TestLooks(t *testing.T) {
	t.Parallel()
	const more = `, "ignore": ["data"], "labels": ["a"], "template": "node-auth0", "resources": {"cpu": 0.5, "ram": 1, "gpu": 0},
		"authentication": {"username": "ann", "password": {"secret": "TOKEN"}}`
	for name, tc := range map[string]struct {
		flags  Flags
		asJSON bool
		says   []string
	}{
		"dry run":             {flags: Flags{DryRun: true}, says: []string{"demo (dash)", "Secrets:    TOKEN", "0.5 CPU, 1 GB RAM, 0 GPU", "Password:   main_app", "Template:   node-auth0", "Nothing was uploaded."}},
		"dry run as JSON":     {flags: Flags{DryRun: true}, asJSON: true, says: []string{`"project_id":"demo"`, `"secrets":["TOKEN"]`, `"protected":["main_app"]`, `"cpu":0.5`}},
		"list of files":       {flags: Flags{ListFiles: true}, says: []string{"ships  app.py", "stays  data/", "files are included"}},
		"a name that is code": {flags: Flags{ListFiles: true}, says: []string{`"\x1b[2J.py"`}},
		"as JSON":             {flags: Flags{ListFiles: true}, asJSON: true, says: []string{`{"name":"app.py","ships":true,"rule":`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := folder(more)
			files["data/x.csv"], files["\x1b[2J.py"] = "1", ""
			d := cmdtest.New(t, files)
			d.NoKey = true
			if tc.asJSON {
				d.JSON()
			}
			err := Run(t.Context(), options(t, d, tc.flags))
			for _, says := range tc.says {
				if err != nil || !strings.Contains(d.Out(), says) {
					t.Errorf("%v, shows %q, want %q", err, d.Out(), says)
				}
			}
			if strings.Contains(d.Said(nil), "canary") || strings.Contains(d.Said(nil), "\x1b") {
				t.Errorf("shows %q", d.Said(nil))
			}
		})
	}
}
