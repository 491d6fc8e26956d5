// Package completioncmd writes the shell completion scripts.
package completioncmd

import (
	"bytes"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO     *term.IO
	Lookup func(name string) (string, bool)
	Home   func() (string, error) // the user's home folder
	root   *cobra.Command
	Flags
}

// Flags are the values set on the command line.
type Flags struct{ Shell string }

func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = completion
	}
	c := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Set up shell completion for commands, flags and project ids",
		Long: "'completion install' installs it for your shell. 'completion SHELL' writes the script to standard output, for\n" +
			"bash, zsh, fish or powershell; the examples show where it belongs. Open a new shell afterwards.\n\n" +
			"bash needs the package bash-completion. zsh needs 'autoload -U compinit && compinit' in ~/.zshrc, and\n" +
			"a folder of your own in fpath. In PowerShell, add the line to the file named by $PROFILE to make it permanent.",
		Example: "  ploomber-cloud completion install        # for the shell that you use\n" +
			"  # or by hand: bash, on Linux\n" +
			"  mkdir -p ~/.local/share/bash-completion/completions\n" +
			"  ploomber-cloud completion bash > ~/.local/share/bash-completion/completions/ploomber-cloud\n" +
			"  # bash, on macOS with Homebrew\n" +
			"  ploomber-cloud completion bash > $(brew --prefix)/etc/bash_completion.d/ploomber-cloud\n" +
			"  # zsh\n" +
			"  ploomber-cloud completion zsh > \"${fpath[1]}/_ploomber-cloud\"\n" +
			"  # fish\n" +
			"  ploomber-cloud completion fish > ~/.config/fish/completions/ploomber-cloud.fish\n" +
			"  # PowerShell\n" +
			"  ploomber-cloud completion powershell | Out-String | Invoke-Expression",
		Args:              cobra.MaximumNArgs(1), // RunE lists the supported shells
		ValidArgsFunction: flagset.Fixed(shells()...),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return failure.Usagef("name the shell: bash, zsh, fish or powershell").
					WithHint("'ploomber-cloud completion install' installs the script for the shell that you use")
			}
			o.Shell, o.root = args[0], c.Root()
			return run(c.Context(), &o)
		},
	}
	c.AddCommand(newInstall(o))
	return c
}

// result is what --json prints.
type result struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

func completion(_ context.Context, o *Options) error {
	var script bytes.Buffer
	if err := generate(o.root, o.Shell, &script); err != nil {
		return err
	}
	return o.IO.Result(result{o.Shell, script.String()}, func(out *term.Stream) { out.Printf("%s", script.String()) })
}

func generate(root *cobra.Command, shell string, to io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(to, true)
	case "zsh":
		return root.GenZshCompletion(to)
	case "fish":
		return root.GenFishCompletion(to, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(to)
	}
	return failure.Usagef("%w", flagset.Unknown("shell", shell, shells()))
}
