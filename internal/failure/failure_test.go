package failure_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"nil":                     {nil, failure.Done},
		"any error":               {errors.New("x"), failure.Failed},
		"usage":                   {failure.Usagef("x"), failure.Usage},
		"not allowed, wrapped":    {fmt.Errorf("y: %w", failure.NotAllowedf("x")), failure.NotAllowed},
		"the outermost wins":      {failure.Failedf("y: %w", failure.Usagef("x")), failure.Failed},
		"cancelled":               {fmt.Errorf("y: %w", context.Canceled), failure.Interrupted},
		"expired":                 {context.DeadlineExceeded, failure.TimedOut},
		"a failure by cancelling": {failure.Failedf("y: %w", context.Canceled), failure.Failed},
		"joined":                  {errors.Join(errors.New("x"), failure.New(failure.Deployment, "y")), failure.Deployment},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := failure.Code(tc.err); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	inner := failure.Failedf("x").WithHint("run '%s'", "in")
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"nil":                 {nil, ""},
		"none":                {failure.Failedf("x"), ""},
		"one":                 {inner, "run 'in'"},
		"wrapped":             {fmt.Errorf("y: %w", inner), "run 'in'"},
		"below one without":   {failure.Failedf("y: %w", inner), "run 'in'"},
		"the outer one first": {failure.Failedf("y: %w", inner).WithHint("out"), "out"},
		"of another kind":     {errors.New("x"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := failure.Hint(tc.err); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"x":                        &failure.Error{Msg: "x"},
		"file does not exist":      &failure.Error{Err: fs.ErrNotExist},
		"x: file does not exist":   &failure.Error{Msg: "x", Err: fs.ErrNotExist},
		"100%d":                    failure.Failedf("%s", "100%d"),
		"y z: file does not exist": failure.Failedf("y %s: %w", "z", fs.ErrNotExist),
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if err := failure.Failedf("y: %w", fs.ErrNotExist); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

// A hint belongs to one failure, not to all that were made of it.
func TestWithHintCopies(t *testing.T) {
	t.Parallel()
	plain := failure.Failedf("x")
	_ = plain.WithHint("y")
	if plain.Hint != "" {
		t.Errorf("the first one has the hint %q", plain.Hint)
	}
}
