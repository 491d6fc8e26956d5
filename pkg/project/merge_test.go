package project_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func TestOnto(t *testing.T) {
	t.Parallel()
	const plain = `{"id": "a", "type": "dash", "labels": ["old"]}`
	add := func(label string) func(*project.Config) {
		return func(c *project.Config) { c.Labels = append(slices.Clone(c.Labels), label) }
	}
	for name, tc := range map[string]struct {
		base     string // as the file was read; "" for no file
		change   func(*project.Config)
		now      string
		want     string
		conflict string // key
		invalid  bool
	}{
		"nothing new":              {base: plain, change: add("new"), now: plain, want: `{"id": "a", "type": "dash", "labels": ["old", "new"]}`},
		"nothing changed":          {base: plain, now: `{"type": "flask", "id": "b"}`, want: `{"type": "flask", "id": "b"}`},
		"another key":              {base: plain, change: add("new"), now: `{"id": "b", "type": "dash", "labels": ["old"]}`, want: `{"id": "b", "type": "dash", "labels": ["old", "new"]}`},
		"a new key":                {base: plain, change: add("new"), now: `{"ignore": ["x"], "labels": ["old"], "id": "a", "type": "dash"}`, want: `{"ignore": ["x"], "labels": ["old", "new"], "id": "a", "type": "dash"}`},
		"a key that was removed":   {base: plain, change: func(c *project.Config) { c.Labels = nil }, now: `{"id": "a", "type": "flask", "labels": ["old"]}`, want: `{"id": "a", "type": "flask"}`},
		"the same change":          {base: plain, change: add("new"), now: `{"id": "b", "type": "dash", "labels": ["old", "new"]}`, want: `{"id": "b", "type": "dash", "labels": ["old", "new"]}`},
		"spelled in another way":   {base: plain, change: add("new"), now: `{"id":"a","type":"dash","labels":[ "\u006fld" ]}`, want: `{"id": "a", "type": "dash", "labels": ["old", "new"]}`},
		"other white space":        {base: plain, now: "{\n\"id\": \"a\", \"type\": \"dash\"}", want: `{"id": "a", "type": "dash"}`},
		"items of other types":     {base: `{"id": "a", "type": "dash"}`, change: add("new"), now: `{"id": "a", "type": "dash", "ignore": [1, "x"]}`, want: `{"id": "a", "type": "dash", "ignore": [1, "x"], "labels": ["new"]}`},
		"another change":           {base: plain, change: add("new"), now: `{"id": "a", "type": "dash", "labels": ["theirs"]}`, conflict: "labels"},
		"a removal":                {base: plain, change: add("new"), now: `{"id": "a", "type": "dash"}`, conflict: "labels"},
		"an addition":              {base: `{"id": "a", "type": "dash"}`, change: add("new"), now: plain, conflict: "labels"},
		"no file before":           {change: func(c *project.Config) { c.ID, c.Type = "b", "dash" }, now: plain, conflict: "id"},
		"a mistake":                {base: plain, change: add("new"), now: `{"id": "a", "type": "dash", "labels": ["old"], "include": 7}`, invalid: true},
		"a mistake, corrected":     {base: `{"id": "a", "type": "dash", "labels": 7}`, change: add("new"), now: `{"id": "b", "type": "dash", "labels": 7}`, want: `{"id": "b", "type": "dash", "labels": ["new"]}`},
		"a mistake, another one":   {base: `{"id": "a", "type": "dash", "labels": 7}`, change: add("new"), now: `{"id": "a", "type": "dash", "labels": 8}`, want: `{"id": "a", "type": "dash", "labels": ["new"]}`},
		"a mistake, corrected too": {base: `{"id": "a", "type": "dash", "labels": 7}`, change: add("new"), now: plain, conflict: "labels"},
		"no JSON":                  {base: plain, change: add("new"), now: `{"id": "a"`, invalid: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &project.Config{}
			if tc.base != "" {
				c, _ = project.Parse([]byte(tc.base)) // with its mistakes, which the change corrects
				c.Base = []byte(tc.base)
			}
			if tc.change != nil {
				tc.change(c)
			}
			got, err := c.Onto([]byte(tc.now))
			var conflict *project.ConflictError
			var invalid *project.Invalid
			switch {
			case tc.conflict != "":
				if !errors.As(err, &conflict) || conflict.Key != tc.conflict {
					t.Errorf("error %v, want a conflict about %s", err, tc.conflict)
				}
				return
			case tc.invalid:
				if !errors.As(err, &invalid) {
					t.Errorf("error %v, want mistakes of the file", err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			want, err := project.Parse([]byte(tc.want))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(marshalled(t, want), marshalled(t, got)); d != "" {
				t.Error(d)
			}
			if string(got.Base) != tc.now {
				t.Errorf("based on %q, want the present content", got.Base)
			}
		})
	}
}

func marshalled(t *testing.T, c *project.Config) string {
	t.Helper()
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
