package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/spelling"
)

// Root returns the complete command tree, from which the reference pages are generated.
func Root(s System) *cobra.Command {
	return newEnv(s).root(func(string) bool { return true })
}

// The command groups in the help.
const (
	groupProject = "project"
	groupDeploy  = "deploy"
	groupLocal   = "local"
	groupMore    = "more"
)

// root returns the command tree with the wanted commands built; of the others it has only the names.
func (e *env) root(wanted func(command string) bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "ploomber-cloud",
		Short: "Run and deploy data apps behind a login",
		Long: "Put a password, or the login of a provider such as Auth0, in front of a Streamlit, Panel, Solara, Dash, Voila,\n" +
			"Shiny, Chainlit, Flask, Gradio, FastAPI or marimo app, or of anything else that listens on a port. 'up', 'demo',\n" +
			"'proxy' and 'export' work without an account. 'deploy' sends the app to a platform: one that you run with 'platform\n" +
			"serve', or one that you 'login' to. (The hosted Ploomber Cloud service ended on " + settings.HostedUntil + ".)",
		Example: lines(
			"ploomber-cloud demo                                         # see a protected app, without an account",
			"ploomber-cloud examples streamlit/basic-app --offline       # start from an example",
			"ploomber-cloud auth --add --feature main_app --offline      # protect it with a password",
			"ploomber-cloud up                                           # run it here, behind its login",
			"ploomber-cloud platform serve                               # a platform of your own, for the next command",
			"ploomber-cloud deploy --watch                               # deploy it there",
		),
		Version:       e.system.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return c.Help()
		},
		Args: cobra.ArbitraryArgs, // RunE names the nearest command
	}
	root.SetIn(e.io.In)
	root.SetOut(e.io.Out)
	root.SetErr(e.io.Err)
	root.SetHelpFunc(help)
	root.SetUsageFunc(usage)
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true // our own help command is documented like every other
	root.PersistentPreRun = func(c *cobra.Command, _ []string) {
		e.apply()
		e.watchSignals(c)
	}
	e.addFlags(root)
	root.AddGroup(
		&cobra.Group{ID: groupProject, Title: "Set up a project:"},
		&cobra.Group{ID: groupLocal, Title: "Run it here:"},
		&cobra.Group{ID: groupDeploy, Title: "Deploy and operate:"},
		&cobra.Group{ID: groupMore, Title: "More:"},
	)
	root.SetHelpCommand(helpCommand())
	root.SetHelpCommandGroupID(groupMore)
	e.addCommands(root, wanted)
	usageErrors(root)
	if completing(e.system.Args) {
		plainFlags(root)
	}
	if slices.Contains(e.system.Args, "--version") {
		root.Version = e.versionName()
	}
	e.flags.json = wantsJSON(e.system.Args)
	e.apply()
	return root
}

func (e *env) addFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.BoolVar(&e.flags.json, "json", false, "print the result as JSON")
	f.BoolVar(&e.flags.noInput, "no-input", false, "never ask; fail if an answer is missing")
	f.BoolVarP(&e.flags.quiet, "quiet", "q", false, "print results, warnings and errors only")
	f.BoolVarP(&e.flags.verbose, "verbose", "v", false, "also print each HTTP request")
	f.StringVar(&e.settings.APIURL, "api-url", "", "`URL` of the platform that commands go to")
	f.BoolVar(&e.settings.Local, "local", false, "use the platform on this machine, http://localhost:8000")
	f.StringVar(&e.flags.caCert, "ca-cert", "", "also trust the certificate authorities in this PEM `FILE` or folder")
	v := []term.Mode{term.Auto, term.Always, term.Never}
	flagset.OneOfPersistent(root, &e.flags.color, "color", "when to use colors", v)
	f.BoolP("help", "h", false, "show this help")
	root.Flags().Bool("version", false, "print the version")
}

func lines(l ...string) string { return "  " + strings.Join(l, "\n  ") }

// flagError suggests the nearest flag for an unknown one.
func flagError(c *cobra.Command, err error) error {
	f := &failure.Error{Code: failure.Usage, Err: flagset.Explain(err), Hint: fmt.Sprintf("see '%s --help'", c.CommandPath())}
	typed, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	switch {
	case !unknown:
		return f
	case typed == "install-completion" || typed == "show-completion": // passed by command lines written for Python's Typer
		f.Hint = "run 'ploomber-cloud completion install', or 'ploomber-cloud completion SHELL' to see the script"
		return f
	}
	var names []string
	c.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	if near := spelling.Nearest(typed, names); near != "" {
		f.Hint = fmt.Sprintf("did you mean --%s?", near)
	}
	return f
}

// usageErrors makes a wrong number of arguments a usage error, in every command.
func usageErrors(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil || failure.Code(err) != failure.Failed {
				return err
			}
			return (&failure.Error{Code: failure.Usage, Err: argumentError(c, args, err)}).WithHint("see '%s --help'", c.CommandPath())
		}
	}
	for _, below := range c.Commands() {
		usageErrors(below)
	}
}
