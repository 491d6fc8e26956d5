package flagset_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/flagset"
)

func TestOneOf(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"main_app": "", "main-app": `did you mean "main_app"`, "zzz": "choose one of analytics, main_app", "": "choose one of",
	} {
		var got string
		c := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return nil }, SilenceUsage: true, SilenceErrors: true}
		flagset.OneOf(c, &got, "feature", "feature", []string{"analytics", "main_app"})
		c.SetArgs([]string{"--feature", typed})
		err := c.Execute()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", typed, err)
		}
		if err == nil && got != typed {
			t.Errorf("%q: got %q", typed, got)
		}
	}
}
