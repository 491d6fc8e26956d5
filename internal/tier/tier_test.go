package tier_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/tier"
)

func named(t *testing.T, name string) tier.Tier {
	t.Helper()
	got, ok := tier.Named(name)
	if !ok {
		t.Fatalf("no tier %q", name)
	}
	return got
}

func TestRequire(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tier   string
		need   []tier.Permission
		lacks  tier.Permission
		others string
	}{
		"community": {"community", []tier.Permission{tier.Authentication}, tier.Authentication, "pro, teams"},
		"pro":       {"pro", []tier.Permission{tier.Authentication}, "", ""},
		"analytics": {"pro", []tier.Permission{tier.Authentication, tier.ViewAnalyticsReport}, tier.ViewAnalyticsReport, "teams"},
		"teams":     {"teams", []tier.Permission{tier.Authentication, tier.ViewAnalyticsReport}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := named(t, tc.tier).Require(tc.need...)
			var refusal *tier.Refusal
			if errors.As(err, &refusal) != (tc.lacks != "") {
				t.Fatalf("error %v", err)
			}
			if tc.lacks == "" {
				return
			}
			for _, part := range []string{"not allowed", tc.tier, string(tc.lacks), tc.others} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
}

func TestUnknownTierIsTheSmallest(t *testing.T) {
	t.Parallel()
	got, ok := tier.Named("enterprise")
	if ok || got.Allows(tier.Authentication) || got.Name != "enterprise" || got.MaxArchive != 50*tier.MB {
		t.Errorf("%+v, %v", got, ok)
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tier     string
		cpu      float64
		ram, gpu int
		problem  string
	}{
		"free":            {"community", 0.5, 1, 0, ""},
		"free, 3 GB":      {"community", 0.5, 3, 0, "selectRAM; tiers that have it: pro, teams (choices: 1, 2)"},
		"free, 2 cores":   {"community", 2, 4, 0, "selectNumberOfCPUs; tiers that have it: pro, teams (choices: 0.5, 1)"},
		"free, 3 cores":   {"community", 3, 4, 0, "in the community tier; choices: 0.5, 1"},
		"free GPU":        {"community", 4, 12, 1, "selectNumberOfGPUs; tiers that have it: pro, teams"},
		"pro":             {"pro", 2, 16, 0, ""},
		"pro, odd RAM":    {"pro", 4, 9, 0, "choices: 8, 10, 12"},
		"GPU":             {"teams", 4, 12, 1, ""},
		"GPU, other size": {"teams", 2, 12, 1, "4 CPU and 12 GB"},
		"two GPUs":        {"teams", 4, 12, 2, "choices: 0, 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := named(t, tc.tier).CheckResources(tc.cpu, tc.ram, tc.gpu)
			if (err == nil) != (tc.problem == "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("error %v, want %q", err, tc.problem)
			}
		})
	}
}

func TestEveryOfferedChoiceIsAllowed(t *testing.T) {
	t.Parallel()
	offered := map[string]int{}
	for _, tr := range tier.All() {
		for _, c := range tr.CPUs() {
			for _, r := range tr.RAMs(c.Value) {
				offered[tr.Name]++
				if err := tr.CheckResources(c.Value, int(r.Value), 0); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if offered["community"] != 3 || offered["pro"] != 18 || offered["teams"] != 18 {
		t.Errorf("offered %v", offered)
	}
}
