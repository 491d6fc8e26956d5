package main

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	down := errors.New("registry down")
	for name, tc := range map[string]struct {
		failures, tries int
		err             error
	}{
		"at once":     {0, 1, nil},
		"transient":   {2, 3, nil},
		"for ever":    {100, 3, down},
		"last moment": {1, 2, nil},
	} {
		tries := 0
		err := retry(t.Context(), io.Discard, make([]time.Duration, 2), func() error {
			if tries++; tries <= tc.failures {
				return down
			}
			return nil
		})
		if !errors.Is(err, tc.err) || tries != tc.tries {
			t.Errorf("%s: %d tries, %v; want %d, %v", name, tries, err, tc.tries, tc.err)
		}
	}
}

func TestRetryIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	err := retry(ctx, io.Discard, []time.Duration{time.Hour, time.Hour}, func() error {
		if tries++; tries == 1 {
			time.AfterFunc(time.Millisecond, cancel) // while it waits
		}
		return errors.New("registry down")
	})
	if !errors.Is(err, context.Canceled) || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
}
