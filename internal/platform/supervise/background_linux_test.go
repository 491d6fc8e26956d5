package supervise

import (
	"os"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// TestBackground sees that a command in the background, and what it starts, comes last.
func TestBackground(t *testing.T) {
	t.Parallel()
	// The priority is set just after the start.
	const script = `until [ "$(cut -d' ' -f19 /proc/$$/stat) $(cat /proc/$$/oom_score_adj)" = "19 900" ]; do sleep 0.01; done
sh -c 'cut -d" " -f19 /proc/$$/stat; cat /proc/$$/oom_score_adj'`
	var out strings.Builder
	err := Run(t.Context(), platform.Command{
		Path: "/bin/sh", Args: []string{"-c", script}, Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")}, Output: &out, Background: true,
	})
	if got := strings.Fields(out.String()); err != nil || len(got) != 2 || got[0] != "19" || got[1] != "900" {
		t.Errorf("nice and score for the memory killer %q, %v; want 19 and 900", got, err)
	}
}
