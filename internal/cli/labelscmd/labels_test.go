package labelscmd

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

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
		"nothing":          {},
		"add and delete":   {Args: []string{"-a", "x,y", "--add", "z", "-d", "x"}, Want: Flags{Add: []string{"x,y", "z"}, Delete: []string{"x"}}},
		"sync":             {Args: []string{"-s"}, Want: Flags{Sync: true}},
		"sync and add":     {Args: []string{"--sync", "-a", "x"}, Code: failure.Failed},
		"sync and delete":  {Args: []string{"--sync", "-d", "x"}, Code: failure.Failed},
		"a label too many": {Args: []string{"-a", "x", "y"}, Code: failure.Usage},
	})
}

func TestChange(t *testing.T) {
	t.Parallel()
	list := strings.Fields
	for name, tc := range map[string]struct {
		now, add, remove string
		want             string // "-" is an error
	}{
		"add":                           {"a", "b c", "", "a b c"},
		"add to none":                   {"", "b", "", "b"},
		"add twice":                     {"a", "b b a", "", "a b"},
		"add known ones":                {"a b", "b a", "", "-"},
		"delete":                        {"a b c", "", "b", "a c"},
		"delete the last":               {"a", "", "a", ""},
		"delete some unknown":           {"a b", "", "x a", "b"},
		"delete unknown ones":           {"a", "", "x", "-"},
		"delete of none":                {"", "", "x", "-"},
		"swap":                          {"a", "b", "a", "b"},
		"add and delete a new one":      {"a", "n", "n", "-"},
		"add, delete one and a new one": {"a", "n", "n a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Change(list(tc.now), list(tc.add), list(tc.remove))
			if tc.want == "-" {
				if failure.Code(err) != failure.Failed || got != nil {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if err != nil || got == nil || !slices.Equal(got, list(tc.want)) {
				t.Errorf("%q, %v; want %q", got, err, tc.want)
			}
		})
	}
	if _, err := Change(nil, []string{"a", ""}, nil); err == nil {
		t.Error("an empty label is added")
	}
}

// A change that succeeds is a change: what is there stays in its order, what is new follows, nothing is there
// twice, nothing that was to go is left, and nothing of the arguments is touched.
func TestChangeKeepsOrder(t *testing.T) {
	t.Parallel()
	label := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.SliceOfNDistinct(label, 0, 5, rapid.ID).Draw(t, "now")
		add, remove := rapid.SliceOf(label).Draw(t, "add"), rapid.SliceOf(label).Draw(t, "remove")
		before := slices.Clone(now)
		got, err := Change(now, add, remove)
		if !slices.Equal(now, before) {
			t.Fatalf("changes its argument to %q", now)
		}
		if err != nil {
			return
		}
		if slices.Equal(got, now) {
			t.Fatal("nothing is changed")
		}
		var want []string
		for _, l := range slices.Concat(now, add) {
			if !slices.Contains(remove, l) && !slices.Contains(want, l) {
				want = append(want, l)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestLabels(t *testing.T) {
	t.Parallel()
	config := func(labels string) string {
		if labels == "" {
			return "{\n    \"id\": \"demo\",\n    \"type\": \"dash\"\n}"
		}
		return "{\n    \"id\": \"demo\",\n    \"type\": \"dash\",\n    \"labels\": " + labels + "\n}"
	}
	const get, put = "GET /projects/demo", "PUT /projects/demo/labels"
	for name, tc := range map[string]struct {
		config   string
		platform []string
		flags    Flags
		asked    []string
		sent     string // labels that the platform has in the end, by spaces
		want     string // configuration; tc.config if not given
		code     int
		says     string
	}{
		"view":             {config: config(""), platform: []string{"a", "b"}, asked: []string{get}, sent: "a b", says: "a\nb\n"},
		"view none":        {config: config(`["x"]`), asked: []string{get}, says: "No labels"},
		"add":              {config: config(""), flags: Flags{Add: []string{"b", "a"}}, asked: []string{put}, sent: "b a", want: config("[\n        \"b\",\n        \"a\"\n    ]"), says: "Successfully updated"},
		"delete the last":  {config: config(`["a"]`), platform: []string{"a"}, flags: Flags{Delete: []string{"a"}}, asked: []string{put}, want: config(""), says: "no labels now"},
		"nothing to add":   {config: config(`["a"]`), platform: []string{"a"}, flags: Flags{Add: []string{"a"}}, sent: "a", code: failure.Failed, says: "already"},
		"sync, the same":   {config: config(`["a"]`), platform: []string{"a"}, flags: Flags{Sync: true}, asked: []string{get}, sent: "a", says: "up-to-date"},
		"sync, none":       {config: config(`["a"]`), flags: Flags{Sync: true}, asked: []string{get}, want: config(""), says: "updated"},
		"sync, an empty":   {config: config(`["a"]`), platform: []string{}, flags: Flags{Sync: true}, asked: []string{get}, want: config("[]"), says: "updated"},
		"sync, others":     {config: config(`["a"]`), platform: []string{"b"}, flags: Flags{Sync: true}, asked: []string{get}, sent: "b", want: config("[\n        \"b\"\n    ]"), says: "updated"},
		"no project":       {flags: Flags{Sync: true}, code: failure.Failed, says: "ploomber-cloud init"},
		"a broken project": {config: `{"id": "demo", "type": "dash", "labels": null}`, flags: Flags{Add: []string{"a"}}, code: failure.Failed, says: "init --force"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			if tc.config != "" {
				d.Write("ploomber-cloud.json", tc.config)
			}
			d.Cloud.AddProject(fakecloud.Project{ID: "demo", Type: "dash", Labels: tc.platform})
			err := labels(t.Context(), &Options{IO: d.IO, Folder: d.Folder(), Connect: d.Connect, Flags: tc.flags})
			if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
			}
			if asked := d.Asked(); !slices.Equal(asked, append([]string{}, tc.asked...)) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			if tc.want == "" {
				tc.want = tc.config
			}
			if got := d.Read("ploomber-cloud.json"); got != tc.want {
				t.Errorf("the configuration is %s, want %s", got, tc.want)
			}
			api, err := d.Connect()
			if err != nil {
				t.Fatal(err)
			}
			p, err := api.Project(t.Context(), "demo")
			if err != nil || strings.Join(p.Labels, " ") != tc.sent {
				t.Errorf("the platform has %q (%v), want %q", p.Labels, err, tc.sent)
			}
		})
	}
}

// A refused change leaves the configuration; one that the folder cannot hold is not sent.
func TestLabelsFailing(t *testing.T) {
	t.Parallel()
	const config = `{"id": "demo", "type": "dash"}`
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": config})
	d.Cloud.Break(fakecloud.Fault{Method: "PUT", Path: "/projects/*/labels", Status: 500})
	o := Options{IO: d.IO, Folder: d.Folder(), Connect: d.Connect, Flags: Flags{Add: []string{"a"}}}
	if err := labels(t.Context(), &o); err == nil || d.Read("ploomber-cloud.json") != config {
		t.Errorf("%v, %s", err, d.Read("ploomber-cloud.json"))
	}
}
