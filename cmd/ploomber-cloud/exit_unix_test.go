//go:build unix

package main_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// TestExitStatus proves each status that the reference lists.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args   []string
		before func(p *place)
		want   int
	}{
		"done":              {args: []string{"labels"}, want: 0},
		"failed":            {args: []string{"labels", "--delete", "none"}, want: 1},
		"wrong usage":       {args: []string{"labels", "--delet"}, want: 2},
		"unknown command":   {args: []string{"lables"}, want: 2},
		"no key":            {args: []string{"labels"}, before: func(p *place) { p.environ = append(p.environ, "PLOOMBER_CLOUD_KEY=") }, want: 3},
		"refused key":       {args: []string{"labels"}, before: func(p *place) { p.cloud.SetKey("another") }, want: 3},
		"tier":              {args: []string{"auth", "--add", "--feature", "main_app"}, before: func(p *place) { p.cloud.SetTier("community") }, want: 3},
		"failed deployment": {args: []string{"deploy", "--watch"}, before: func(p *place) { p.cloud.SetFate("pending", "failed") }, want: 4},
		"timed out":         {args: []string{"deploy", "--watch", "--timeout", "100ms"}, before: func(p *place) { p.cloud.SetFate("pending") }, want: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
			if tc.before != nil {
				tc.before(p)
			}
			exit, stdout, stderr := p.run(t, "", tc.args...)
			if exit != tc.want {
				t.Errorf("status %d, want %d\n%s%s", exit, tc.want, stdout, stderr)
			}
		})
	}
}

// TestInterrupted sends the signals of Ctrl-C and of a build server's end at the moments where a command waits.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	asked := func(p *place, request string) func(string) bool {
		return func(string) bool {
			for _, r := range p.cloud.Seen() {
				if strings.HasPrefix(r.String(), request) {
					return true
				}
			}
			return false
		}
	}
	for name, tc := range map[string]struct {
		args   []string
		before func(p *place)
		when   func(p *place) func(stderr string) bool
	}{
		"at a question": {
			args: []string{"auth", "--add", "--feature", "main_app"},
			when: func(*place) func(string) bool {
				return func(said string) bool { return strings.Contains(said, "username_main_app") }
			},
		},
		"waiting for an answer": {
			args: []string{"labels"},
			before: func(p *place) {
				p.cloud.Break(fakecloud.Fault{Method: "GET", Path: "/projects/my-app", Kind: fakecloud.Hang})
			},
			when: func(p *place) func(string) bool { return asked(p, "GET /projects/my-app") },
		},
		"while uploading": {
			args: []string{"deploy"},
			before: func(p *place) {
				p.cloud.Break(fakecloud.Fault{Method: "POST", Path: "/jobs/webservice/*", Kind: fakecloud.Stall})
			},
			when: func(p *place) func(string) bool { return asked(p, "POST /jobs/webservice/") },
		},
		"while watching": {
			args:   []string{"deploy", "--watch"},
			before: func(p *place) { p.cloud.SetFate("pending") },
			when:   func(p *place) func(string) bool { return asked(p, "GET /v2/jobs/job-1/logs") },
		},
		"following logs": {
			args: []string{"logs", "--job-id", "job-0", "--follow"},
			when: func(p *place) func(string) bool { return asked(p, "GET /v2/jobs/job-0/logs") },
		},
	} {
		for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(fmt.Sprintf("%s/%v", name, signal), func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject, "data.bin": noiseText(8 << 20)})
				if tc.before != nil {
					tc.before(p)
				}
				before := readTree(t, p.app)
				c := p.command(t, tc.args...)
				stdin, err := c.StdinPipe() // open, so that a question waits
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = stdin.Close() }() // the program is gone by then
				said := &output.Buffer{}
				c.Stderr = said
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				ready := tc.when(p)
				eventually(t, name, func() bool { return ready(said.String()) })
				if err := c.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				if exit := status(t, c.Wait()); exit != 130 {
					t.Errorf("status %d, want 130\n%s", exit, said.String())
				}
				unchanged(t, before, readTree(t, p.app))
				if left := readTree(t, p.root+"/tmp"); len(left) > 0 {
					t.Errorf("%d temporary files are left", len(left))
				}
			})
		}
	}
}
