package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// A tally is what a load generator has seen in one slice.
type tally struct {
	done float64       // requests, or messages of WebSockets
	took time.Duration // wall time
}

// wrk loads a door over kept connections for one slice. An answer of another class than 200 is an error.
func wrk(ctx context.Context, d door, path string, connections int, slice time.Duration) (tally, error) {
	args := []string{"-t1", "-c" + strconv.Itoa(connections), "-d" + slice.String(), "--timeout", "10s"}
	if d.header != "" {
		args = append(args, "-H", d.header)
	}
	said, err := exec.CommandContext(ctx, "wrk", append(args, "http://"+d.address+path)...).CombinedOutput()
	if err != nil {
		return tally{}, fmt.Errorf("wrk: %w\n%s", err, said)
	}
	return parseWrk(string(said))
}

// failures is the part of the requests that may be lost to connections that break.
const failures = 0.001

// parseWrk reads the report of wrk. Requests that were not answered in time are simply not counted.
func parseWrk(text string) (tally, error) {
	if m := regexp.MustCompile(`Non-2xx or 3xx responses: \d+`).FindString(text); m != "" {
		return tally{}, fmt.Errorf("wrk: %s", m)
	}
	m := regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+)(us|ms|s|m|h),`).FindStringSubmatch(text)
	if m == nil {
		return tally{}, fmt.Errorf("wrk does not report what it did: %q", text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil || n == 0 {
		return tally{}, fmt.Errorf("wrk reports %s requests", m[1])
	}
	if m := regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+)`).FindStringSubmatch(text); m != nil {
		broken := 0.0
		for _, count := range m[1:] {
			k, err := strconv.ParseFloat(count, 64)
			if err != nil {
				return tally{}, err
			}
			broken += k
		}
		if broken > n*failures {
			return tally{}, fmt.Errorf("wrk made %.0f requests, %s", n, m[0])
		}
	}
	took, err := time.ParseDuration(m[2] + m[3])
	return tally{n, took}, err
}
