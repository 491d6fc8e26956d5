package statuscmd

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Flags
		config string
	}
	flagtest.Run(t, func(got *parsed) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = parsed{o.Flags, o.Folder.Config}; return nil })
	}, flagtest.Cases[parsed]{
		"none":       {},
		"project":    {Args: []string{"--project-id", "p-1"}, Want: parsed{Flags: Flags{"p-1"}}},
		"config":     {Args: []string{"-c", "other.json"}, Want: parsed{config: "other.json"}},
		"argument":   {Args: []string{"p-1"}, Code: failure.Failed},
		"other flag": {Args: []string{"--job-id", "1"}, Code: failure.Failed},
	})
}

// run plays one status against a platform that gives the replies, by path.
func run(t *testing.T, replies map[string]string, asJSON bool, args ...string) (string, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reply, ok := replies[r.URL.Path]; ok && r.Method == http.MethodGet {
			_, _ = w.Write([]byte(reply))
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config := []byte(`{"id": "p-1", "type": "flask"}`)
	if err := os.WriteFile(filepath.Join(dir, project.FileName), config, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := New(Options{
		IO:     &term.IO{Out: term.NewStream(&out), Err: term.NewStream(&out), JSON: asJSON},
		Folder: flow.Folder{Dir: dir},
		Connect: func() (*cloudapi.Client, error) {
			return cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: "k"}), nil
		},
		Settings: &settings.Settings{Lookup: func(string) (string, bool) { return "", false }},
	}, nil)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

const page = "https://www.platform.ploomber.io/applications/"

func TestStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		replies map[string]string
		args    []string
		want    result
		says    []string
	}{
		"running": {
			replies: map[string]string{
				"/projects/p-1": `{"id": "p-1", "name": "shop", "type": "flask", "labels": ["a", "b"], "jobs": [
					{"id": "j2", "cpu": "0.5", "ram": "1", "gpu": "0", "auth_enabled": true, "auth_analytics_enabled": true},
					{"id": "j1"}]}`,
				"/jobs/j2": `{"id": "j2", "status": "running", "resources": {"webservice": "https://shop.example.com"}}`,
			},
			want: result{
				ProjectID: "p-1", Name: "shop", Type: "flask", Labels: []string{"a", "b"}, JobID: "j2", Status: "running",
				URL: "https://shop.example.com", CPU: 0.5, RAM: 1,
				Protected: []project.Feature{project.MainApp, project.Analytics}, StatusPage: page + "p-1/j2",
			},
			says: []string{"p-1 (shop)", "running", "https://shop.example.com", "main_app, analytics", "0.5 CPU, 1 GB RAM, 0 GPU"},
		},
		"never deployed": {
			replies: map[string]string{"/projects/p-2": `{"id": "p-2", "type": "dash", "jobs": []}`},
			args:    []string{"--project-id", "p-2"},
			want: result{
				ProjectID: "p-2", Type: "dash", Labels: []string{}, Protected: []project.Feature{}, StatusPage: page + "p-2",
			},
			says: []string{"never deployed"},
		},
		"a reply that would clear the screen": {
			replies: map[string]string{
				"/projects/p-1": `{"id": "p-1", "name": "\u001b[2J", "type": "flask", "jobs": [{"id": "j1"}]}`,
				"/jobs/j1":      `{"id": "j1", "status": "\u001b[2Jfailed", "resources": {"webservice": "\u001b]0;title"}}`,
			},
			want: result{
				ProjectID: "p-1", Type: "flask", Labels: []string{}, JobID: "j1", Status: "failed",
				URL: "0;title", Protected: []project.Feature{}, StatusPage: page + "p-1/j1",
			},
			says: []string{"Status:      failed\n", "no password"},
		},
		"a platform that says why": {
			replies: map[string]string{
				"/projects/p-1":                    `{"id": "p-1", "type": "flask", "jobs": [{"id": "j1"}]}`,
				"/api/v1/projects/p-1/deployments": `{"deployments": [{"number": 1, "state": "failed"}]}`,
				"/jobs/j1": `{"id": "j1", "status": "failed", "status_page": "http://board/p-1/j1", "state": "failed", "reason": "import-error",
					"problem": "the module pandas is missing", "detail": ["Traceback", "No module named 'pandas'"], "next_step": "add the line \"pandas\" to requirements.txt"}`,
			},
			want: result{
				ProjectID: "p-1", Type: "flask", Labels: []string{}, JobID: "j1", Status: "failed", Protected: []project.Feature{},
				StatusPage: "http://board/p-1/j1", Reason: dialog.Reason{
					State: "failed", Reason: "import-error", Problem: "the module pandas is missing",
					Detail: []string{"Traceback", "No module named 'pandas'"}, NextStep: "add the line \"pandas\" to requirements.txt",
				},
			},
			says: []string{
				"Status:      failed\nReason:      the module pandas is missing\n             Traceback\n             No module named 'pandas'\nNext step:   add the line \"pandas\" to",
				"Page:        http://board/p-1/j1",
			},
		},
		"an earlier deployment goes on": {
			replies: map[string]string{
				"/projects/p-1":                    `{"id": "p-1", "type": "flask", "jobs": [{"id": "j2"}]}`,
				"/jobs/j2":                         `{"id": "j2", "status": "failed", "state": "failed", "problem": "it exited"}`,
				"/api/v1/projects/p-1/deployments": `{"deployments": [{"number": 2, "state": "failed"}, {"number": 1, "state": "running", "current": true}]}`,
			},
			want: result{
				ProjectID: "p-1", Type: "flask", Labels: []string{}, JobID: "j2", Status: "failed", Protected: []project.Feature{},
				StatusPage: page + "p-1/j2", Current: &current{Number: 1, State: "running"}, Reason: dialog.Reason{State: "failed", Problem: "it exited"},
			},
			says: []string{"Reason:      it exited\nCurrent:     deployment 1, running\n"},
		},
		"an app that sleeps": {
			replies: map[string]string{
				"/projects/p-1": `{"id": "p-1", "type": "flask", "jobs": [{"id": "j1"}]}`,
				"/jobs/j1":      `{"id": "j1", "status": "running", "state": "asleep", "detail": []}`,
			},
			want: result{
				ProjectID: "p-1", Type: "flask", Labels: []string{}, JobID: "j1", Status: "running", Protected: []project.Feature{},
				StatusPage: page + "p-1/j1", Reason: dialog.Reason{State: "asleep"},
			},
			says: []string{"Status:      asleep\nReason:      the app was not in use"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := run(t, tc.replies, false, tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			for _, says := range tc.says {
				if !strings.Contains(text, says) {
					t.Errorf("%q is missing in:\n%s", says, text)
				}
			}
			if strings.Contains(text, "\x1b") {
				t.Errorf("an escape sequence went through: %q", text)
			}
			printed, err := run(t, tc.replies, true, tc.args...)
			var got result
			if err != nil || json.Unmarshal([]byte(printed), &got) != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%v: got %+v, want %+v", err, got, tc.want)
			}
		})
	}
}

func TestStatusFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		replies map[string]string
		args    []string
	}{
		"no such project":     {nil, []string{"--project-id", "p-9"}},
		"no such job":         {map[string]string{"/projects/p-1": `{"jobs": [{"id": "j1"}]}`}, nil},
		"no such config file": {nil, []string{"-c", "none.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := run(t, tc.replies, false, tc.args...); failure.Code(err) != failure.Failed || out != "" {
				t.Errorf("%v, printed %q", err, out)
			}
		})
	}
}
