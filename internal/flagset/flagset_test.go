package flagset_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
)

func TestOneOf(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"main_app": "", "main-app": `did you mean "main_app"`, "zzz": "choose one of analytics, main_app", "": "choose one of",
	} {
		var got string
		c := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return nil }, SilenceUsage: true, SilenceErrors: true}
		flagset.OneOf(c, &got, "feature", "feature", []string{"analytics", "main_app"})
		c.SetArgs([]string{"--feature", typed})
		err := c.Execute()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", typed, err)
		}
		if err == nil && got != typed {
			t.Errorf("%q: got %q", typed, got)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"--port=abc":                    `--port takes a whole number, not "abc"`,
		"--port=99e99":                  `--port takes a whole number, not "99e99"`,
		"--port=9999999999999999999999": `--port takes a smaller number, not "9999999999999999999999"`,
		"--max=-1":                      `--max takes a whole number, 0 or greater, not "-1"`,
		"--cpu=one":                     `--cpu takes a number, not "one"`,
		"--timeout=abc":                 `--timeout takes a duration, such as 90s, 15m or 1h, not "abc"`,
		"--timeout=15":                  `--timeout takes a duration, such as 90s, 15m or 1h, not "15"`,
		"--watch=maybe":                 `--watch takes true or false, not "maybe"`,
		"-p=x":                          `--port takes a whole number, not "x"`,
		"--feature=api":                 `--feature: unknown value "api": choose one of analytics`,
		"--unknown":                     "unknown flag: --unknown",
		"--port":                        "flag needs an argument: --port",
	} {
		c := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return nil }, SilenceUsage: true, SilenceErrors: true}
		f := c.Flags()
		f.IntP("port", "p", 0, "")
		f.Uint16("max", 0, "")
		f.Float64("cpu", 0, "")
		f.Duration("timeout", 0, "")
		f.Bool("watch", false, "")
		var feature string
		flagset.OneOf(c, &feature, "feature", "", []string{"analytics"})
		c.SetArgs([]string{typed})
		if err := flagset.Explain(c.Execute()); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", typed, err, want)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	late := func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("get x: %w", ctx.Err()) }
	if err := flagset.Within(t.Context(), time.Nanosecond, "it could not be done", late); failure.Code(err) != failure.TimedOut || err.Error() != "it could not be done within 1ns (--timeout)" {
		t.Errorf("exit status %d: %v", failure.Code(err), err)
	}
	own := failure.New(failure.TimedOut, "it goes on")
	if err := flagset.Within(t.Context(), time.Nanosecond, "", func(ctx context.Context) error { <-ctx.Done(); return own }); !errors.Is(err, own) {
		t.Error(err)
	}
	interrupted, stop := context.WithCancel(t.Context())
	stop()
	if err := flagset.Within(interrupted, time.Hour, "", late); failure.Code(err) != failure.Interrupted {
		t.Error(err)
	}
}
