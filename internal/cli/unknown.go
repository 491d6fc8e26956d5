package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// unknownCommand is the error for a command that does not exist. The hint is the equivalent of another tool's
// command, otherwise the nearest name by spelling.
func unknownCommand(c *cobra.Command, typed string) error {
	f := failure.Usagef("unknown command %q", typed)
	if hint := elsewhere(typed); hint != "" {
		return f.WithHint("%s", hint)
	}
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(typed); len(near) > 0 {
		return f.WithHint("did you mean 'ploomber-cloud %s'?", near[0])
	}
	return f.WithHint("'ploomber-cloud --help' lists the commands")
}

// elsewhere returns a hint for commands that similar tools have under another name; "" if there is none.
func elsewhere(typed string) string {
	switch strings.ToLower(typed) {
	case "signin", "configure":
		return "to choose a platform, run 'ploomber-cloud login'; for a login in front of the app, 'ploomber-cloud auth --add'"
	case "signout":
		return "to forget a platform and its key, run 'ploomber-cloud logout'"
	case "whoami", "account", "me":
		return "to see which API key is used, run 'ploomber-cloud key status'"
	case "list", "ls", "projects", "apps", "ps":
		return "to see this folder's project, run 'ploomber-cloud status'; to choose one of yours, 'ploomber-cloud init --from-existing'"
	case "new", "create":
		return "to start from an example app, run 'ploomber-cloud examples'; to make this folder a project, 'ploomber-cloud init'"
	case "run", "serve", "preview", "local":
		return "to run the app here, run 'ploomber-cloud up'"
	case "down":
		return "'ploomber-cloud up' ends with Ctrl-C; to stop a deployed app, run 'ploomber-cloud stop'"
	case "restart":
		return "run 'ploomber-cloud stop' and 'ploomber-cloud start', or 'ploomber-cloud deploy' to deploy it again"
	case "push", "publish", "ship", "release":
		return "to deploy the app, run 'ploomber-cloud deploy'"
	case "rm", "remove", "destroy":
		return "to delete a project, run 'ploomber-cloud delete'"
	case "env", "environment", "secret", "vars", "variables":
		return "for the app's environment variables, run 'ploomber-cloud secrets'"
	case "password", "protect":
		return "for a user name and a password, run 'ploomber-cloud auth --add'"
	case "info", "show", "describe":
		return "to see how the app is doing, run 'ploomber-cloud status'"
	}
	return ""
}

// argumentError describes invalid arguments. What was typed in place of a flag or an answer may be a secret, so
// only words that look like a command are repeated.
func argumentError(c *cobra.Command, args []string, err error) error {
	_, wanted, _ := strings.Cut(c.Use, " ")
	wanted = strings.TrimSuffix(wanted, " [flags]")
	switch {
	case c.HasSubCommands() && strings.HasPrefix(err.Error(), "unknown command"): // below this one
		return err
	case len(args) == 0:
		return fmt.Errorf("%s is missing", strings.TrimSuffix(wanted, "..."))
	case wanted == "" && isWord(args[0]):
		return fmt.Errorf("unexpected argument %q: '%s' takes flags only", args[0], c.CommandPath())
	case wanted == "":
		return fmt.Errorf("'%s' takes flags only", c.CommandPath())
	}
	return fmt.Errorf("too many arguments: '%s' takes %s and flags only", c.CommandPath(), wanted)
}

// isWord reports whether arg may be a misspelled command or flag.
func isWord(s string) bool {
	return len(s) <= 20 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// helpCommand replaces cobra's, which exits with 0 for a command that does not exist.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(c *cobra.Command, args []string) error {
			about, left, err := c.Root().Find(args)
			switch {
			case err != nil || about == c.Root() && len(args) > 0:
				return unknownCommand(c.Root(), args[0])
			case len(left) > 0:
				return failure.Usagef("unknown command %q", strings.Join(args, " ")).WithHint("see '%s --help'", about.CommandPath())
			}
			return about.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if about, _, err := c.Root().Find(args); err == nil {
				for _, below := range about.Commands() {
					if below.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(below.Name(), below.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}
