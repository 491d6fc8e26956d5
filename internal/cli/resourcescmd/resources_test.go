package resourcescmd

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func ptr[T any](v T) *T { return &v }

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"nothing":    {},
		"all":        {Args: []string{"--cpu=0.5", "--ram=1", "--gpu=0", "-f"}, Want: Flags{Force: true, CPU: ptr(0.5), RAM: ptr(1), GPU: ptr(0)}},
		"a zero":     {Args: []string{"--cpu=0"}, Want: Flags{CPU: ptr(0.0)}},
		"half a GB":  {Args: []string{"--ram=0.5"}, Code: failure.Failed},
		"an unknown": {Args: []string{"1"}, Code: failure.Failed},
	})
}

func TestResources(t *testing.T) {
	t.Parallel()
	const (
		bare       = `{"id": "demo", "type": "dash", "labels": ["a"]}`
		configured = `{"id": "demo", "resources": {"cpu": 0.5, "ram": 1, "gpu": 0}, "type": "dash"}`
	)
	for name, tc := range map[string]struct {
		config  string
		tier    string
		flags   Flags
		answers []string
		want    *project.Resources // nil: the configuration stays as it is
		code    int
		asked   bool
		says    string
	}{
		"chosen":                 {config: bare, answers: []string{"0", "2", "4"}, asked: true, want: &project.Resources{CPU: 2, RAM: 4}, says: "Resources successfully configured"},
		"by default":             {config: bare, answers: []string{"", "", ""}, asked: true, want: &project.Resources{CPU: 0.5, RAM: 1}},
		"a GPU decides the rest": {config: bare, answers: []string{"1"}, asked: true, want: &project.Resources{CPU: 4, RAM: 12, GPU: 1}},
		"asked again":            {config: bare, answers: []string{"7", "0", "0.50", "16", "0.5", "1"}, asked: true, want: &project.Resources{CPU: 0.5, RAM: 1}, says: "Invalid entry"},
		"by flags":               {config: bare, flags: Flags{CPU: ptr(1.0), RAM: ptr(2), GPU: ptr(0)}, asked: true, want: &project.Resources{CPU: 1, RAM: 2}},
		"some by flags":          {config: bare, flags: Flags{GPU: ptr(0), RAM: ptr(2)}, answers: []string{"1"}, asked: true, want: &project.Resources{CPU: 1, RAM: 2}},
		"a GPU by flag":          {config: bare, flags: Flags{GPU: ptr(1)}, asked: true, want: &project.Resources{CPU: 4, RAM: 12, GPU: 1}},
		"a GPU and its machine":  {config: bare, flags: Flags{GPU: ptr(1), CPU: ptr(4.0), RAM: ptr(12)}, asked: true, want: &project.Resources{CPU: 4, RAM: 12, GPU: 1}},
		"a GPU and another":      {config: bare, flags: Flags{GPU: ptr(1), CPU: ptr(1.0)}, asked: true, code: failure.Failed},
		"a CPU that is not sold": {config: bare, flags: Flags{CPU: ptr(3.0), GPU: ptr(0)}, asked: true, code: failure.Failed, says: "--cpu"},
		"too much for the CPU":   {config: bare, flags: Flags{CPU: ptr(0.5), RAM: ptr(64), GPU: ptr(0)}, asked: true, code: failure.Failed, says: "--ram"},
		"beyond the tier":        {config: bare, tier: "community", flags: Flags{GPU: ptr(1)}, asked: true, code: failure.Failed},
		"within the tier":        {config: bare, tier: "community", answers: []string{"", "", ""}, asked: true, want: &project.Resources{CPU: 0.5, RAM: 1}},
		"nobody answers":         {config: bare, asked: true, code: failure.Failed, says: "--gpu"},
		"nobody goes on":         {config: bare, answers: []string{"0"}, asked: true, code: failure.Failed, says: "--cpu"},
		"there already":          {config: configured, code: failure.Failed, says: "Resources already configured"},
		"chosen anew":            {config: configured, flags: Flags{Force: true}, answers: []string{"0", "1", "2"}, asked: true, want: &project.Resources{CPU: 1, RAM: 2}},
		"repaired":               {config: `{"id": "demo", "resources": {"cpu": "x"}, "type": "dash"}`, flags: Flags{Force: true}, answers: []string{"0", "1", "2"}, asked: true, want: &project.Resources{CPU: 1, RAM: 2}},
		"a list repaired":        {config: `{"id": "demo", "resources": [], "type": "dash"}`, flags: Flags{Force: true}, answers: []string{"0", "1", "2"}, asked: true, want: &project.Resources{CPU: 1, RAM: 2}},
		"broken, not forced":     {config: `{"id": "demo", "resources": [], "type": "dash"}`, code: failure.Failed},
		"broken elsewhere too":   {config: `{"id": "demo", "resources": [], "type": "nothing"}`, flags: Flags{Force: true}, code: failure.Failed},
		"nothing of a project":   {config: `[]`, flags: Flags{Force: true}, code: failure.Failed},
		"no project":             {code: failure.Failed, says: "ploomber-cloud init"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil, tc.answers...)
			if tc.config != "" {
				d.Write("ploomber-cloud.json", tc.config)
			}
			if tc.tier != "" {
				d.Cloud.SetTier(tc.tier)
			}
			err := resources(t.Context(), &Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, Flags: tc.flags})
			if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
			}
			if asked := d.Asked(); tc.asked != slices.Equal(asked, []string{"GET /users/me"}) || !tc.asked && len(asked) > 0 {
				t.Errorf("asks %q", asked)
			}
			after := d.Read("ploomber-cloud.json")
			if tc.want == nil {
				if after != tc.config {
					t.Errorf("the configuration is %s, was %s", after, tc.config)
				}
				return
			}
			c, err := d.Folder().Load()
			if err != nil || c.Resources == nil || *c.Resources != *tc.want {
				t.Errorf("%v, resources %+v, want %+v", err, c.Resources, tc.want)
			}
			if strings.Contains(tc.config, "resources") && strings.Index(after, "resources") > strings.Index(after, "type") {
				t.Errorf("the key has moved: %s", after)
			}
		})
	}
}
