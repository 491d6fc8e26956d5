package completioncmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// newInstall builds 'completion install', which writes the script to the folder where the user's shell looks for
// it.
func newInstall(o Options) *cobra.Command {
	return &cobra.Command{
		Use:   "install [SHELL]",
		Short: "Install completion for your shell",
		Long: "Without SHELL, the shell named by the environment variable SHELL. The script is written below your home folder, where\n" +
			"bash and fish find it automatically; for zsh the lines to add to ~/.zshrc are printed. No other file is\n" +
			"changed. There is no need to run it again after an upgrade: the script asks the program for completions.",
		Example:           "  ploomber-cloud completion install\n  ploomber-cloud completion install zsh",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: flagset.Fixed("bash", "zsh", "fish"),
		RunE: func(c *cobra.Command, args []string) error {
			if o.root = c.Root(); len(args) == 1 {
				o.Shell = args[0]
			}
			return o.install()
		},
	}
}

// installed is what 'completion install --json' prints.
type installed struct {
	Shell string   `json:"shell"`
	Path  string   `json:"path"`            // of the script
	Add   []string `json:"add,omitempty"`   // lines missing from the shell's own configuration
	Into  string   `json:"into,omitempty"`  // the file to add them to
	Needs string   `json:"needs,omitempty"` // other requirements of the shell
}

func (o *Options) install() error {
	shell, err := o.shell()
	if err != nil {
		return err
	}
	place, err := o.place(shell)
	if err != nil {
		return err
	}
	var script bytes.Buffer
	if err := generate(o.root, shell, &script); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(place.Path), 0o755); err != nil {
		return failure.Failedf("cannot create the completions folder: %w", err)
	}
	if err := fsx.Replace(fsx.File{Path: place.Path, Data: script.Bytes(), Mode: fsx.Public}); err != nil {
		return failure.Failedf("%w", err)
	}
	return o.IO.Result(place, func(out *term.Stream) {
		out.Println(out.Green("Completion for " + shell + " is installed in " + place.Path))
		if len(place.Add) > 0 {
			out.Println(out.Wrapped("Add these lines to "+place.Into+", unless they are already there:", 0))
			for _, l := range place.Add {
				out.Println("  " + l)
			}
		}
		if place.Needs != "" {
			o.IO.Err.Note("%s needs %s.", shell, place.Needs)
		}
		o.IO.Err.Note("Open a new shell to use it.")
	})
}

// shell is the one given as an argument, or the user's.
func (o *Options) shell() (string, error) {
	shell := o.Shell
	if shell == "" {
		path, _ := o.Lookup("SHELL")
		if shell = strings.TrimSuffix(filepath.Base(path), ".exe"); path == "" {
			return "", failure.Usagef("cannot detect your shell: the variable SHELL is not set").
				WithHint("name it, as in 'ploomber-cloud completion install bash'")
		}
	}
	switch shell {
	case "bash", "zsh", "fish":
		return shell, nil
	case "powershell", "pwsh":
		return "", failure.Failedf("PowerShell has no folder for completion scripts").
			WithHint("add this line to the file named by $PROFILE: ploomber-cloud completion powershell | Out-String | Invoke-Expression")
	}
	return "", failure.Usagef("%w", flagset.Unknown("shell", shell, shells())).
		WithHint("name one of bash, zsh and fish, as in 'ploomber-cloud completion install bash'")
}

// place returns where a shell looks for a user's completions.
func (o *Options) place(shell string) (installed, error) {
	home, err := o.Home()
	if err != nil {
		return installed{}, failure.Failedf("%w", err)
	}
	base := func(variable string, usual ...string) string {
		if v, _ := o.Lookup(variable); filepath.IsAbs(v) {
			return v
		}
		return filepath.Join(append([]string{home}, usual...)...)
	}
	const name = "ploomber-cloud"
	i := installed{Shell: shell}
	switch shell {
	case "bash":
		dir := filepath.Join(base("XDG_DATA_HOME", ".local", "share"), "bash-completion")
		i.Path = filepath.Join(dir, "completions", name)
		i.Needs = "the package bash-completion, version 2, and on macOS a newer bash than the system's"
	case "fish":
		i.Path = filepath.Join(base("XDG_CONFIG_HOME", ".config"), "fish", "completions", name+".fish")
	default:
		dir := filepath.Join(base("XDG_DATA_HOME", ".local", "share"), "zsh", "site-functions")
		i.Path = filepath.Join(dir, "_"+name)
		i.Add = []string{"fpath=(" + quoted(dir) + " $fpath)", "autoload -Uz compinit && compinit"}
		i.Into = filepath.Join(base("ZDOTDIR"), ".zshrc")
	}
	return i, nil
}

// quoted quotes a path for zsh.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r))
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
