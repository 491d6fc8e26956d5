package failure_test

import (
	"slices"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

func TestStatuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		annotations map[string]string
		want        []int
	}{
		"none":  {nil, []int{0, 1, 2, 130}},
		"some":  {failure.Statuses(failure.TimedOut, failure.NotAllowed), []int{0, 1, 2, 3, 5, 130}},
		"other": {map[string]string{"other": "3"}, []int{0, 1, 2, 130}},
	} {
		if got := failure.StatusesOf(tc.annotations); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
