package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// fetchLimit is how long one try of a download may take, so that a connection that has gone silent does not hold up
// everything. Compiling a linter on a small machine takes a third of it.
const fetchLimit = 20 * time.Minute

// fetchPauses are the waits between tries.
func fetchPauses() []time.Duration {
	return []time.Duration{5 * time.Second, 20 * time.Second, time.Minute}
}

// fetch is run for commands that download: a registry that fails for a moment must not fail everything.
func (w *workspace) fetch(ctx context.Context, env []string, name string, args ...string) error {
	return retry(ctx, w.out, fetchPauses(), func() error {
		ctx, cancel := context.WithTimeout(ctx, fetchLimit)
		defer cancel()
		return w.run(ctx, env, name, args...)
	})
}

// retry tries until it succeeds, once more after each pause. The error is that of the last try.
func retry(ctx context.Context, out io.Writer, pauses []time.Duration, try func() error) error {
	for _, pause := range pauses {
		err := try()
		if err == nil || ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(out, "%v; trying again in %s\n", err, pause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return try()
}
