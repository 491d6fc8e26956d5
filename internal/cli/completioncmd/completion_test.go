package completioncmd

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func execute(t *testing.T, asJSON bool, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	streams := &term.IO{Out: term.NewStream(&out), Err: term.NewStream(&out), JSON: asJSON}
	root := &cobra.Command{Use: "ploomber-cloud", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(New(Options{IO: streams}, nil))
	root.SetArgs(append([]string{"completion"}, args...))
	err := root.Execute()
	return out.String(), err
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"bash": "complete -o default -F __start_ploomber-cloud", "zsh": "#compdef ploomber-cloud",
		"fish": "complete -c ploomber-cloud", "powershell": "Register-ArgumentCompleter",
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			text, err := execute(t, false, shell)
			if err != nil || !strings.Contains(text, want) {
				t.Errorf("%v: %q is not in the script", err, want)
			}
			printed, err := execute(t, true, shell)
			var r result
			if err != nil || json.Unmarshal([]byte(printed), &r) != nil || r.Script != text || r.Shell != shell {
				t.Errorf("%v: --json prints another script", err)
			}
		})
	}
}

func TestCompletionRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no shell":      {nil, "name the shell"},
		"another shell": {[]string{"tcsh"}, "choose one of bash"},
		"nearly":        {[]string{"fih"}, `did you mean "fish"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := execute(t, false, tc.args...)
			if failure.Code(err) != failure.Usage || !strings.Contains(err.Error(), tc.says) || out != "" {
				t.Errorf("%v, printed %q", err, out)
			}
		})
	}
}

// TestCompletionIsBash has bash itself read the script.
func TestCompletionIsBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no bash")
	}
	script, err := execute(t, false, "bash")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), bash, "--norc", "-n")
	c.Stdin = strings.NewReader(script)
	if said, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
