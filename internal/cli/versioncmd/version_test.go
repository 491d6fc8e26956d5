package versioncmd

import (
	"bytes"
	"encoding/json"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func built(main string, settings ...debug.BuildSetting) func() (*debug.BuildInfo, bool) {
	return func() (*debug.BuildInfo, bool) {
		return &debug.BuildInfo{Main: debug.Module{Version: main}, Settings: settings}, true
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc123"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
	}
	for name, tc := range map[string]struct {
		linked string
		build  func() (*debug.BuildInfo, bool)
		want   result
	}{
		"release":            {"1.2.0", built("v9.9.9"), result{Version: "1.2.0"}},
		"by go install":      {"dev", built("v1.3.0"), result{Version: "1.3.0"}},
		"from a checkout":    {"dev", built("(devel)", commit...), result{Version: "dev", Commit: "abc123", Date: "2026-01-02T03:04:05Z", Modified: true}},
		"nothing is known":   {"dev", func() (*debug.BuildInfo, bool) { return nil, false }, result{Version: "dev"}},
		"without its source": {"dev", built(""), result{Version: "dev"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			streams := &term.IO{Out: term.NewStream(&out), Err: term.NewStream(&out), JSON: true}
			c := New(Options{IO: streams, Version: tc.linked, Build: tc.build}, nil)
			c.SetArgs(nil)
			if err := c.Execute(); err != nil {
				t.Fatal(err)
			}
			var got result
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(got.Go, "go") || !strings.Contains(got.Platform, "/") {
				t.Errorf("got %+v", got)
			}
			got.Go, got.Platform = "", ""
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestVersionText(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	streams := &term.IO{Out: term.NewStream(&out), Err: term.NewStream(&out)}
	c := New(Options{IO: streams, Version: "1.2.0", Build: built("", debug.BuildSetting{Key: "vcs.revision", Value: "abc123"})}, nil)
	c.SetArgs(nil)
	if err := c.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ploomber-cloud 1.2.0\n", "Commit:   abc123\n", "Platform: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}

func TestVersionTakesNothing(t *testing.T) {
	t.Parallel()
	c := New(Options{}, nil)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs([]string{"more"})
	if code := failure.Code(c.Execute()); code == failure.Done {
		t.Error("an argument was taken")
	}
}
