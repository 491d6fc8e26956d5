package main_test

import (
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// TestOutage follows a deployment while the platform is away: what passes ends nothing, and each line of the log is
// shown once; what does not pass ends it with the command that follows it further.
func TestOutage(t *testing.T) {
	t.Parallel()
	page := []byte("<html><head><title>Sign in</title></head></html>")
	const asJSON, asPage = "application/json", "text/html"
	faults := map[string]struct {
		fakecloud.Fault
		ends int // exit status; 0 where it passes
	}{
		"cut":                  {Fault: fakecloud.Fault{Kind: fakecloud.Cut}},
		"cut late":             {Fault: fakecloud.Fault{Kind: fakecloud.CutLate}},
		"half an answer":       {Fault: fakecloud.Fault{Kind: fakecloud.Truncate, Status: 200, Type: asJSON, Body: []byte(`{"status": "pen`)}},
		"half a JSON":          {Fault: fakecloud.Fault{Status: 200, Type: asJSON, Body: []byte(`{"status": "pen`)}},
		"nothing":              {Fault: fakecloud.Fault{Status: 200, Type: asJSON}},
		"a page":               {Fault: fakecloud.Fault{Status: 200, Type: asPage, Body: page}},
		"a page with 403":      {Fault: fakecloud.Fault{Status: 403, Type: asPage, Body: page}},
		"a page with 404":      {Fault: fakecloud.Fault{Status: 404, Type: asPage, Body: page}},
		"a page with 500":      {Fault: fakecloud.Fault{Status: 500, Type: asPage, Body: page}},
		"a gateway":            {Fault: fakecloud.Fault{Status: 502, Type: asPage, Body: page}},
		"a gateway in JSON":    {Fault: fakecloud.Fault{Status: 504, Type: asJSON, Body: []byte(`{"message": "timeout"}`)}},
		"busy":                 {Fault: fakecloud.Fault{Status: 503, Type: asJSON, Body: []byte(`{"detail": "later"}`)}},
		"too many requests":    {Fault: fakecloud.Fault{Status: 429, Type: asJSON, Body: []byte(`{"detail": "later"}`)}},
		"the platform's fault": {Fault: fakecloud.Fault{Status: 500, Type: asJSON, Body: []byte(`{"detail": "x"}`)}, ends: 1},
		"refused":              {Fault: fakecloud.Fault{Status: 401, Type: asJSON, Body: []byte(`{"detail": "x"}`)}, ends: 3},
		"forbidden":            {Fault: fakecloud.Fault{Status: 403, Type: asJSON, Body: []byte(`{"detail": "x"}`)}, ends: 3},
		"gone":                 {Fault: fakecloud.Fault{Status: 404, Type: asJSON, Body: []byte(`{"detail": "x"}`)}, ends: 1},
	}
	for _, command := range []string{"watch --project-id my-app", "deploy --watch-incremental"} {
		for name, fault := range faults {
			for _, path := range []string{"/jobs/*", "/v2/jobs/*/logs"} {
				t.Run(command+"/"+name+"/"+path, func(t *testing.T) {
					t.Parallel()
					p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
					job := "job-0"
					if strings.HasPrefix(command, "deploy") {
						job = "job-1"
					}
					p.cloud.SetFate("pending", "pending", "pending", "running")
					p.cloud.EditJob(job, func(j *fakecloud.Job) {
						j.Statuses = []string{"pending", "pending", "pending", "running"}
						j.Build, j.App = "line 1\nline 2\n", "served\n"
					})
					f := fault.Fault
					f.Method, f.Path, f.Times = "GET", path, 2
					seen := 0
					p.cloud.Observe(func(r fakecloud.Request) { // the outage begins after the first look
						if strings.HasSuffix(r.Path, "/logs") {
							if seen++; seen == 1 {
								p.cloud.Break(f)
							}
						}
					})
					exit, _, stderr := p.run(t, "", strings.Fields(command)...)
					if exit != fault.ends {
						t.Errorf("status %d, want %d", exit, fault.ends)
					}
					if n := strings.Count(stderr, "line 1"); n > 1 {
						t.Errorf("a line of the log is shown %d times", n)
					}
					if fault.ends != 0 && (!strings.Contains(stderr, "the deployment continues") ||
						!strings.Contains(stderr, "ploomber-cloud watch --project-id my-app --job-id "+job)) {
						t.Error("does not say that the deployment continues and how to follow it")
					}
					if strings.Contains(stderr, "<html") || strings.Count(stderr, "Error: ") > 1 {
						t.Error("want at most one clear line")
					}
					if t.Failed() {
						t.Log(stderr)
					}
				})
			}
		}
	}
}

// TestTimeoutOfDeploy gives a deployment that hangs at each step so much time.
func TestTimeoutOfDeploy(t *testing.T) {
	t.Parallel()
	for step, path := range map[string]string{
		"the tier": "/users/me", "the project": "/projects/*", "the upload": "/jobs/webservice/*", "the job": "/jobs/job-1", "its logs": "/v2/jobs/*/logs",
	} {
		for _, watch := range []string{"", "--watch", "--watch-incremental"} {
			if watch == "" && strings.HasPrefix(step, "its") || watch == "" && step == "the job" {
				continue
			}
			t.Run(step+"/"+watch, func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
				p.cloud.Break(fakecloud.Fault{Method: "*", Path: path, Kind: fakecloud.Hang})
				args := []string{"deploy", "--timeout", "500ms", "--json"}
				if watch != "" {
					args = append(args, watch)
				}
				exit, _, stderr := p.run(t, "", args...) // its patience is minutes
				if exit != 5 || strings.Count(stderr, "\n") != 1 {
					t.Errorf("status %d, want 5 and one line\n%s", exit, stderr)
				}
			})
		}
	}
}
