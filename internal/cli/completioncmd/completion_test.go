package completioncmd

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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

// The script is where the shell looks for it, and nothing else is touched.
func TestInstall(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vars string // NAME=value; HOME stands for the home folder
		args []string
		path string // below the home folder; "" where nothing is written
		says string
		code int
	}{
		"bash":                {vars: "SHELL=/bin/bash", path: ".local/share/bash-completion/completions/ploomber-cloud", says: "bash-completion"},
		"fish":                {vars: "SHELL=/usr/bin/fish", path: ".config/fish/completions/ploomber-cloud.fish"},
		"zsh":                 {vars: "SHELL=/bin/zsh", path: ".local/share/zsh/site-functions/_ploomber-cloud", says: "autoload -Uz compinit"},
		"named":               {vars: "SHELL=/bin/bash", args: []string{"fish"}, path: ".config/fish/completions/ploomber-cloud.fish"},
		"moved data":          {vars: "SHELL=/bin/bash XDG_DATA_HOME=HOME/data", path: "data/bash-completion/completions/ploomber-cloud"},
		"moved settings":      {vars: "SHELL=fish XDG_CONFIG_HOME=HOME/c", path: "c/fish/completions/ploomber-cloud.fish"},
		"a relative folder":   {vars: "SHELL=fish XDG_CONFIG_HOME=c", path: ".config/fish/completions/ploomber-cloud.fish"},
		"no shell":            {code: failure.Usage},
		"an unknown one":      {vars: "SHELL=/bin/tcsh", code: failure.Usage},
		"PowerShell":          {vars: "SHELL=/usr/bin/pwsh", code: failure.Failed},
		"two at once":         {args: []string{"bash", "zsh"}, code: failure.Failed}, // the root makes it wrong usage
		"one that is unknown": {args: []string{"ksh"}, code: failure.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			vars := map[string]string{}
			for _, pair := range strings.Fields(tc.vars) {
				k, v, _ := strings.Cut(strings.Replace(pair, "HOME/", home+"/", 1), "=")
				vars[k] = v
			}
			var out bytes.Buffer
			root := &cobra.Command{Use: "ploomber-cloud", SilenceErrors: true, SilenceUsage: true}
			root.AddCommand(New(Options{
				IO:     &term.IO{Out: term.NewStream(&out), Err: term.NewStream(&out)},
				Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
				Home:   func() (string, error) { return home, nil },
			}, nil))
			root.SetArgs(append([]string{"completion", "install"}, tc.args...))
			err := root.Execute()
			if code := failure.Code(err); code != tc.code || !strings.Contains(out.String(), tc.says) {
				t.Fatalf("code %d, %v, said %q", code, err, out.String())
			}
			var written []string
			_ = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					written = append(written, filepath.ToSlash(strings.TrimPrefix(path, home+string(filepath.Separator))))
				}
				return err
			})
			if got := strings.Join(written, " "); got != tc.path {
				t.Fatalf("wrote %q, want %q", got, tc.path)
			}
			if tc.path == "" {
				return
			}
			text, err := os.ReadFile(filepath.Join(home, filepath.FromSlash(tc.path)))
			if err != nil || !bytes.Contains(text, []byte("__complete")) {
				t.Errorf("%v, %.60q", err, text)
			}
		})
	}
}

func TestQuotedForZsh(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/home/a_b/x.y-z": "/home/a_b/x.y-z", "/a b": "'/a b'", "/it's": `'/it'\''s'`, "/$x": "'/$x'"} {
		if got := quoted(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
