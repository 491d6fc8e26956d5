package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// A stage is a named part of a long task.
type stage struct {
	name, about string
	run         func(ctx context.Context) error
}

// runStages runs the stages in order and stops at the first that fails. The summary at the end says how long
// each took and which never ran.
func runStages(ctx context.Context, out io.Writer, stages []stage) error {
	var failed error
	summary := &strings.Builder{}
	start := time.Now()
	for i, s := range stages {
		if failed != nil {
			fmt.Fprintf(summary, "  %-12s %10s  not run\n", s.name, "-")
			continue
		}
		fmt.Fprintf(out, "\n=== stage %d of %d: %s (%s)\n", i+1, len(stages), s.name, s.about)
		began := time.Now()
		err := s.run(ctx)
		if err == nil {
			err = ctx.Err()
		}
		took, verdict := time.Since(began).Round(100*time.Millisecond), "ok"
		if err != nil {
			failed, verdict = fmt.Errorf("stage %s: %w", s.name, err), "FAILED: "+err.Error()
		}
		fmt.Fprintf(summary, "  %-12s %10s  %s\n", s.name, took, verdict)
	}
	fmt.Fprintf(out, "\n=== summary, %s in all\n%s", time.Since(start).Round(time.Second), summary)
	return failed
}

// pick keeps the stages that a comma-separated list names; an empty list keeps all.
func pick(stages []stage, list string) ([]stage, error) {
	if list == "" {
		return stages, nil
	}
	var picked []stage
	for _, name := range strings.Split(list, ",") {
		before := len(picked)
		for _, s := range stages {
			if s.name == strings.TrimSpace(name) {
				picked = append(picked, s)
			}
		}
		if len(picked) == before {
			return nil, fmt.Errorf("no stage %q", name)
		}
	}
	return picked, nil
}
