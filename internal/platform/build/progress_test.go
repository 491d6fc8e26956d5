package build

import (
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ lines, want string }{
		"uv": {
			"Using Python 3.11.7 environment at: v\nResolved 34 packages in 418ms\nDownloading pyarrow (52.5MiB)\nDownloading numpy (16.1MiB)\n Downloaded numpy\nPrepared 34 packages in 1.14s\n + numpy==2",
			"34 packages|34 packages, 55 MB, pyarrow|34 packages, 72 MB, numpy|34 packages, 72 MB",
		},
		"pip": {
			"Collecting flask\n  Downloading flask-3.1.3-py3-none-any.whl (103 kB)\nCollecting numpy>=2 (from flask)\n  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_17_x86_64.whl (16.9 MB)\nInstalling collected packages: numpy, flask",
			"1 package so far, flask|1 package so far, 1 MB, flask|2 packages so far, 1 MB, numpy>=2|2 packages so far, 17 MB, numpy|2 packages, 17 MB, unpacking",
		},
		"an address": {"Downloading https://host.example/x-1.tar.gz (2.0 GB)", "2000 MB, x"},
		"no size":    {"Downloading x", "x"},
		"no number":  {"Downloading x (many MB)\nResolved some packages", "x"},
		"other":      {"\n \nWARNING: Retrying\nInstalling build dependencies: started", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			p := progress{notify: func(e platform.Event) { got = append(got, e.Detail) }}
			for line := range strings.Lines(tc.lines) {
				if _, err := p.Write([]byte(line)); err != nil {
					t.Fatal(err)
				}
			}
			if said := strings.Join(got, "|"); said != tc.want {
				t.Errorf("told %q\nwant %q", said, tc.want)
			}
		})
	}
}

func FuzzProgress(f *testing.F) {
	f.Add("Downloading numpy (16.1MiB)")
	f.Add("Downloading x (.e9GB)")
	f.Add("Resolved -1 packages")
	f.Add("Downloading typing_extensions (43kB)")
	f.Fuzz(func(t *testing.T, line string) {
		p := progress{notify: func(e platform.Event) {
			// A "-" that is neither in the line nor the underscore of a name would be the sign of a number.
			if e.Detail == "" || strings.Contains(e.Detail, "-") && !strings.ContainsAny(line, "-_") {
				t.Errorf("%q gives %q, want a text without a negative number", line, e.Detail)
			}
		}}
		_, _ = p.Write([]byte(line))
	})
}

func TestHints(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]string{
		"ERROR: No matching distribution found for flsk>=1":                                   "no index has flsk>=1",
		"  × No solution found\n  Because flsk was not\n  found in the package registry":      "no index has flsk:",
		"Because six==3 and you require six==3, no solution found":                            "conflict with each other",
		"error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed":                   "certificate authority",
		"NewConnectionError: Failed to establish a new connection: Name or service not known": "check the network",
		"OSError: [Errno 28] No space left on device":                                         "free some space",
		"ERROR: 401 Client Error: Unauthorized for url":                                       "login of the package index",
		"error: subprocess-exited-with-error":                                                 "must be compiled",
		"In --require-hashes mode, hashes are required":                                       "pip-compile",
		"something else": "",
	} {
		c, _ := causeOf(printed)
		if got := c.hint; !strings.HasPrefix(got, want) && !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", printed, got, want)
		}
	}
}
