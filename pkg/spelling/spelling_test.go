package spelling

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	options := []string{"main_app", "analytics", "api"}
	for typed, want := range map[string]string{
		"main-app": "main_app", "MAIN_APP": "main_app", "analytic": "analytics", "apo": "api", "aip": "api", "xyz": "", "ajx": "", "": "",
	} {
		if got := Nearest(typed, options); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a, b       string
		slip, edit int // a substitution counting once, and twice
	}{
		"same":            {"issuer", "issuer", 0, 0},
		"nothing":         {"", "api", 3, 3},
		"one substituted": {"issuer", "isauer", 1, 2},
		"two swapped":     {"issuer", "issure", 1, 2},
		"one missing":     {"issuer", "isuer", 1, 1},
		"one too much":    {"issuer", "issuuer", 1, 1},
		"word left out":   {"AUTH_SCOPE", "AUTH_PARAMS_SCOPE", 7, 7},
		"all substituted": {"abc", "xyz", 3, 6},
		"swapped at once": {"abcd", "badc", 2, 4},
	} {
		if slip, edit := Distance(tc.a, tc.b, 1), Distance(tc.a, tc.b, 2); slip != tc.slip || edit != tc.edit {
			t.Errorf("%s: %d and %d, want %d and %d", name, slip, edit, tc.slip, tc.edit)
		}
	}
}

// Where a substitution counts twice only what the words have in common, in order, matters.
func TestDistanceByCommonSubsequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc]{0,9}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		want := len(a) + len(b) - 2*common(a, b)
		if got := Distance(a, b, 2); got != want {
			t.Errorf("%q to %q: %d, want %d", a, b, got, want)
		}
		if there, back := Distance(a, b, 1), Distance(b, a, 1); there != back {
			t.Errorf("%q to %q: %d there, %d back", a, b, there, back)
		}
	})
}

// common is the length of the longest common subsequence, by definition.
func common(a, b string) int {
	if a == "" || b == "" {
		return 0
	}
	if a[0] == b[0] {
		return 1 + common(a[1:], b[1:])
	}
	return max(common(a[1:], b), common(a, b[1:]))
}
