package logscmd

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

const followApp = "GET /api/v1/projects/p/logs?follow=1&type=app"

// streaming are the options for a platform that streams logs. A further wait than the second ends the test's patience.
func streaming(d *cmdtest.Setup, build, app string, f Flags) *Options {
	d.Cloud.OwnPlatform()
	o := options(d, build, app, f)
	o.Settings.APIURL = d.Cloud.URL()
	o.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return o
}

// observe calls f when a request has arrived for the nth time.
func observe(d *cmdtest.Setup, request string, nth int, f func()) {
	d.Cloud.Observe(func(r fakecloud.Request) {
		if r.String() != request {
			return
		}
		if nth--; nth == 0 {
			go f()
		}
	})
}

// until cancels once the output has the text.
func until(ctx context.Context, cancel func(), d *cmdtest.Setup, text string) {
	for ctx.Err() == nil {
		if strings.Contains(d.Out(), text) {
			cancel()
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags  Flags
		change func(*fakecloud.Cloud) // when it follows
		want   string
	}{
		"one log": {
			Flags{Type: "web", Tail: -1},
			func(c *fakecloud.Cloud) { c.EditJob("j", func(j *fakecloud.Job) { j.App += "a3\nend\n" }) },
			"a1\na2\na3\nend\n",
		},
		"its last line": {
			Flags{Type: "web", Tail: 1},
			func(c *fakecloud.Cloud) { c.EditJob("j", func(j *fakecloud.Job) { j.App += "end\n" }) },
			"a2\nend\n",
		},
		"both": {
			Flags{Tail: -1},
			func(c *fakecloud.Cloud) { c.EditJob("j", func(j *fakecloud.Job) { j.App += "end\n" }) },
			"Build log\nb1\nApp log\na1\na2\nend\n",
		},
		"the other one again": {
			Flags{Tail: 0},
			func(c *fakecloud.Cloud) { c.EditJob("j", func(j *fakecloud.Job) { j.Build += "end\n" }) },
			"Build log\nApp log\nBuild log\nend\n",
		},
		"a lost connection": {
			Flags{Type: "web", Tail: -1},
			func(c *fakecloud.Cloud) {
				c.Break(fakecloud.Fault{Method: "GET", Path: "/api/v1/projects/p/logs", Times: 2, Status: 502, Type: "text/html", Body: []byte("<html>")})
				c.EndStreams()
				c.EditJob("j", func(j *fakecloud.Job) { j.App += "end\n" })
			},
			"a1\na2\nend\n",
		},
		"escape sequences": {
			Flags{Type: "web", Tail: 0},
			func(c *fakecloud.Cloud) {
				c.EditJob("j", func(j *fakecloud.Job) { j.App += "\x1b[31mred\x1b]0;owned\a\u009b2J end\n" })
			},
			"red end\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			tc.flags.ProjectID, tc.flags.Follow = "p", true
			o := streaming(d, "b1\n", "a1\na2\n", tc.flags)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			observe(d, followApp, 1, func() { tc.change(d.Cloud) })
			go until(ctx, cancel, d, "end")
			if err := logs(ctx, o); failure.Code(err) != failure.Interrupted {
				t.Errorf("ends with %v", err)
			}
			if d.Out() != tc.want {
				t.Errorf("shows %q, want %q", d.Out(), tc.want)
			}
			if told := strings.Count(d.Said(nil), "Trying again"); told > 1 {
				t.Errorf("tells of the outage %d times", told)
			}
		})
	}
}

func TestStreamJSON(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	o := streaming(d, "b1\n", "a1\n", Flags{ProjectID: "p", Follow: true, Tail: -1})
	d.JSON()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	observe(d, followApp, 1, func() { d.Cloud.EditJob("j", func(j *fakecloud.Job) { j.App += "end\n" }) })
	go until(ctx, cancel, d, "end")
	_ = logs(ctx, o)
	var shown []string
	for decoder := json.NewDecoder(strings.NewReader(d.Out())); decoder.More(); {
		var r result
		if err := decoder.Decode(&r); err != nil || r.JobID != "j" {
			t.Fatalf("%s: %v", d.Out(), err)
		}
		for _, line := range []*string{r.Build, r.App} {
			if line != nil {
				shown = append(shown, *line)
			}
		}
	}
	if !slices.Equal(shown, []string{"b1", "a1", "end"}) {
		t.Errorf("shows %q", shown)
	}
}

// A refusal ends the stream; a host without streams is polled.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	o := streaming(d, "", "a1\n", Flags{ProjectID: "p", Follow: true, Type: "web", Tail: -1})
	observe(d, followApp, 1, func() { d.Cloud.EditJob("j", func(j *fakecloud.Job) { j.App += "open\n" }) })
	go until(t.Context(), func() {
		d.Cloud.SetKey("another")
		d.Cloud.EndStreams()
	}, d, "open")
	if err := logs(t.Context(), o); failure.Code(err) == failure.Interrupted || err == nil {
		t.Errorf("ends with %v", err)
	}

	d = cmdtest.New(t, nil)
	o = options(d, "", "a1\n", Flags{ProjectID: "p", Follow: true, Type: "web", Tail: -1})
	o.Settings.APIURL = d.Cloud.URL()
	if err := logs(t.Context(), o); !errors.Is(err, context.Canceled) || d.Out() != "a1\n" {
		t.Errorf("shows %q, ends with %v", d.Out(), err)
	}
}
