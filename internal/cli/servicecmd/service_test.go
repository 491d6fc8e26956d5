package servicecmd

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

type maker func(Options, func(context.Context, *Options) error) *cobra.Command

func commands() map[string]maker { return map[string]maker{"start": NewStart, "stop": NewStop} }

func TestFlags(t *testing.T) {
	t.Parallel()
	for verb, build := range commands() {
		got := ""
		run := func(_ context.Context, o *Options) error { got = o.ProjectID; return nil }
		if err := cmdtest.Run(t.Context(), build(Options{}, run), "--project-id", "p"); err != nil || got != "p" {
			t.Errorf("%s: %q, %v", verb, got, err)
		}
		if err := cmdtest.Run(t.Context(), build(Options{}, run)); failure.Code(err) != failure.Usage {
			t.Errorf("%s without a project: %v", verb, err)
		}
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		project string
		refuses int
		asked   []string // VERB stands for the command's
		code    int
		says    string
	}{
		"the newest job": {project: "p", asked: []string{"GET /projects/p", "PATCH /v2/jobs/new/service_VERB"}, says: "The app of p is "},
		"never deployed": {project: "never", asked: []string{"GET /projects/never"}, code: failure.Failed, says: "never deployed"},
		"not there":      {project: "none", asked: []string{"GET /projects/none"}, code: failure.Failed, says: "none"},
		"refused":        {project: "p", refuses: 409, asked: []string{"GET /projects/p", "PATCH /v2/jobs/new/service_VERB"}, code: failure.Failed},
	} {
		for verb, build := range commands() {
			t.Run(verb+" "+name, func(t *testing.T) {
				t.Parallel()
				d := cmdtest.New(t, nil)
				d.Cloud.AddProject(fakecloud.Project{ID: "p", Jobs: []string{"new", "old"}})
				d.Cloud.AddProject(fakecloud.Project{ID: "never"})
				if tc.refuses != 0 {
					d.Cloud.Break(fakecloud.Fault{Method: "PATCH", Path: "/v2/jobs/*/*", Status: tc.refuses})
				}
				err := cmdtest.Run(t.Context(), build(Options{IO: d.IO, Connect: d.Connect}, nil), "--project-id", tc.project)
				if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) {
					t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
				}
				want := strings.Fields(strings.ReplaceAll(strings.Join(tc.asked, " "), "VERB", verb))
				if asked := strings.Fields(strings.Join(d.Asked(), " ")); !slices.Equal(asked, want) {
					t.Errorf("asks %q, want %q", asked, want)
				}
			})
		}
	}
}
