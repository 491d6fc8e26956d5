package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestRunStages(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var ran []string
	at := func(name string, err error) stage {
		return stage{name, "about " + name, func(context.Context) error {
			ran = append(ran, name)
			return err
		}}
	}
	var out strings.Builder
	err := runStages(t.Context(), &out, []stage{at("one", nil), at("two", broken), at("three", nil)})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "stage two") {
		t.Errorf("error %v, want the cause and the stage", err)
	}
	if got := strings.Join(ran, " "); got != "one two" {
		t.Errorf("ran %s, want to stop after the stage that failed", got)
	}
	_, summary, _ := strings.Cut(out.String(), "=== summary")
	for _, want := range []string{"one", "ok", "FAILED: broken", "not run"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary does not say %q:\n%s", want, summary)
		}
	}
}

func TestRunStagesInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stop := stage{"stop", "", func(context.Context) error { cancel(); return nil }}
	never := stage{"never", "", func(context.Context) error { t.Error("ran after the interrupt"); return nil }}
	if err := runStages(ctx, io.Discard, []stage{stop, never}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the interrupt", err)
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	all := []stage{{name: "lint"}, {name: "race"}, {name: "fuzz"}}
	for name, tc := range map[string]struct {
		list, want string
		wrong      bool
	}{
		"all":       {list: "", want: "lint race fuzz"},
		"one":       {list: "race", want: "race"},
		"in order":  {list: "fuzz, lint", want: "fuzz lint"},
		"not there": {list: "race,rase", wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			picked, err := pick(all, tc.list)
			var names []string
			for _, s := range picked {
				names = append(names, s.name)
			}
			if got := strings.Join(names, " "); got != tc.want || (err != nil) != tc.wrong {
				t.Errorf("picked %q, error %v; want %q, wrong %v", got, err, tc.want, tc.wrong)
			}
		})
	}
}
