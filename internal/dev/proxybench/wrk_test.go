package main

import (
	"testing"
	"time"
)

func TestParseWrk(t *testing.T) {
	t.Parallel()
	const head = "Running 2s test @ http://127.0.0.1:1/1k\n  1 threads and 32 connections\n" +
		"  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     1.01ms    0.40ms   9.01ms   90.00%\n"
	for name, tc := range map[string]struct {
		text  string
		want  tally
		wrong bool
	}{
		"seconds":     {text: head + "  41234 requests in 2.00s, 50.00MB read\nRequests/sec:  20617.00\n", want: tally{41234, 2 * time.Second}},
		"a minute":    {text: head + "  7 requests in 1.50m, 1.00KB read\n", want: tally{7, 90 * time.Second}},
		"slow ones":   {text: head + "  9 requests in 1.00s, 1KB read\n  Socket errors: connect 0, read 0, write 0, timeout 32\n", want: tally{9, time.Second}},
		"refused":     {text: head + "  9 requests in 1.00s, 1KB read\n  Non-2xx or 3xx responses: 9\n", wrong: true},
		"reset":       {text: head + "  9 requests in 1.00s, 1KB read\n  Socket errors: connect 0, read 10, write 0, timeout 0\n", wrong: true},
		"a few reset": {text: head + "  9000 requests in 1.00s, 1KB read\n  Socket errors: connect 0, read 9, write 0, timeout 0\n", want: tally{9000, time.Second}},
		"unreachable": {text: head + "  9 requests in 1.00s, 1KB read\n  Socket errors: connect 2, read 0, write 0, timeout 0\n", wrong: true},
		"none":        {text: head + "  0 requests in 1.00s, 0.00B read\n", wrong: true},
		"no report":   {text: "unable to connect to 127.0.0.1:1 Connection refused\n", wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseWrk(tc.text)
			if (err != nil) != tc.wrong || err == nil && got != tc.want {
				t.Errorf("%+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}
