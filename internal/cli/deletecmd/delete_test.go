package deletecmd

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"this one":         {},
		"a project":        {Args: []string{"--project-id=p"}, Want: Flags{ProjectID: "p"}},
		"all":              {Args: []string{"--all"}, Want: Flags{All: true}},
		"all, confirmed":   {Args: []string{"--all", "--confirm=delete all"}, Want: Flags{All: true, Confirm: "delete all"}},
		"one and all":      {Args: []string{"--all", "--project-id=p"}, Code: failure.Usage},
		"confirmed alone":  {Args: []string{"--confirm=delete all"}, Code: failure.Usage},
		"confirmed amiss":  {Args: []string{"--all", "--confirm=yes"}, Code: failure.Usage},
		"in capitals":      {Args: []string{"--all", "--confirm=DELETE ALL"}, Code: failure.Usage},
		"confirmed by ''":  {Args: []string{"--all", "--confirm="}, Code: failure.Usage},
		"an id by mistake": {Args: []string{"p"}, Code: failure.Failed},
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	const (
		mine, broken = `{"id": "mine", "type": "dash"}`, `{"id": "mine"`
		list, each   = "GET /projects", "DELETE /projects/"
	)
	for name, tc := range map[string]struct {
		config  string
		flags   Flags
		answers []string
		none    bool
		refuses int // status of deletions
		asked   []string
		gone    bool // the configuration
		code    int
		says    string
	}{
		"this folder's":             {config: mine, asked: []string{each + "mine"}, gone: true, says: "successfully deleted"},
		"this folder's, by its id":  {config: mine, flags: Flags{ProjectID: "mine"}, asked: []string{each + "mine"}, gone: true},
		"another":                   {config: mine, flags: Flags{ProjectID: "other"}, asked: []string{each + "other"}, says: "other has been successfully deleted"},
		"another, nothing here":     {flags: Flags{ProjectID: "other"}, asked: []string{each + "other"}},
		"another, something broken": {config: broken, flags: Flags{ProjectID: "mine"}, asked: []string{each + "mine"}},
		"one that is not there":     {config: mine, flags: Flags{ProjectID: "none"}, asked: []string{each + "none"}, code: failure.Failed},
		"nothing here":              {code: failure.Failed, says: "ploomber-cloud init"},
		"something broken here":     {config: broken, code: failure.Failed},
		"refused":                   {config: mine, refuses: 500, asked: []string{each + "mine"}, code: failure.Failed},
		"all, typed":                {config: mine, flags: Flags{All: true}, answers: []string{"DELETE ALL", "", "y", "delete all"}, asked: []string{list, each}, says: "mine"},
		"all, confirmed":            {config: mine, flags: Flags{All: true, Confirm: phrase}, asked: []string{list, each}, says: "All projects"},
		"all, cancelled":            {config: mine, flags: Flags{All: true}, answers: []string{"n"}, asked: []string{list}, says: "cancelled"},
		"all, cancelled loudly":     {config: mine, flags: Flags{All: true}, answers: []string{"N"}, asked: []string{list}, says: "cancelled"},
		"all, nobody confirms":      {config: mine, flags: Flags{All: true}, asked: []string{list}, code: failure.Failed, says: "--confirm 'delete all'"},
		"all of none":               {config: mine, flags: Flags{All: true}, none: true, asked: []string{list}, says: "no projects"},
		"all, refused":              {config: mine, flags: Flags{All: true, Confirm: phrase}, refuses: 500, asked: []string{list, each}, code: failure.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{"app.py": ""}, tc.answers...)
			if tc.config != "" {
				d.Write("ploomber-cloud.json", tc.config)
			}
			if !tc.none {
				d.Cloud.AddProject(fakecloud.Project{ID: "mine"})
				d.Cloud.AddProject(fakecloud.Project{ID: "other", Name: "Other"})
			}
			if tc.refuses != 0 {
				d.Cloud.Break(fakecloud.Fault{Method: "DELETE", Path: "/projects/*", Status: tc.refuses})
			}
			err := remove(t.Context(), &Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, Flags: tc.flags})
			if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
			}
			if asked := d.Asked(); !slices.Equal(asked, append([]string{}, tc.asked...)) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			want := tc.config
			if tc.gone {
				want = ""
			}
			if got := d.Read("ploomber-cloud.json"); got != want || !slices.Contains(d.Files(), "app.py") {
				t.Errorf("the configuration is %q, want %q; files %q", got, want, d.Files())
			}
		})
	}
}

func TestDeleteJSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   []string
	}{"all": {phrase, []string{"mine", "other"}}, "cancelled": {"n", []string{}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil, tc.answer)
			d.Cloud.AddProject(fakecloud.Project{ID: "mine"})
			d.Cloud.AddProject(fakecloud.Project{ID: "other"})
			d.JSON()
			if err := remove(t.Context(), &Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, Flags: Flags{All: true}}); err != nil {
				t.Fatal(err)
			}
			var r result
			if err := json.Unmarshal([]byte(d.Out()), &r); err != nil || r.Deleted == nil || !slices.Equal(r.Deleted, tc.want) {
				t.Errorf("%s: %v", d.Out(), err)
			}
		})
	}
}
