package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/cli/authcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/cachecmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/completioncmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/deletecmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/democmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/deploycmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/deploymentscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/devcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/doctorcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/examplescmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/exportcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/githubcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/initcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/keycmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/labelscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/logincmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/logscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/migratecmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/opencmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/platformcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/proxycmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/resourcescmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/rollbackcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/secretscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/servicecmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/settingscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/statuscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/templatescmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/upcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/versioncmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/watchcmd"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// command is one subcommand of the root. Building every command takes as long as the rest of start-up together, so
// only the one named on the command line is built; the help needs just the names and summaries of the others.
type command struct {
	name, about string
	build       func() *cobra.Command
}

func (e *env) addCommands(root *cobra.Command, wanted func(name string) bool) {
	add := func(group string, commands ...command) {
		for _, c := range commands {
			built := c.named()
			if wanted(c.name) {
				built = c.build()
			}
			built.GroupID = group
			root.AddCommand(built)
		}
	}
	add(groupProject, e.projectCommands()...)
	add(groupLocal, e.localCommands()...)
	add(groupDeploy, e.deployCommands()...)
	add(groupMore, e.moreCommands()...)
}

// named is the part of a command that the root's help shows.
func (c command) named() *cobra.Command {
	return &cobra.Command{Use: c.name, Short: c.about, RunE: func(*cobra.Command, []string) error {
		return fmt.Errorf("command %s runs without having been built", c.name)
	}}
}

func (e *env) projectCommands() []command {
	return []command{
		{"login", "Choose the platform that commands go to", func() *cobra.Command { return logincmd.New(e.login(), nil) }},
		{"logout", "Forget a platform and its key", func() *cobra.Command { return logincmd.NewLogout(e.login(), nil) }},
		{"key", "Store the API key", func() *cobra.Command {
			return keycmd.New(keycmd.Options{IO: e.io, Ask: e.ask, Settings: e.settings, Connect: e.connect, Dir: e.system.Dir}, nil)
		}},
		{"init", "Turn this folder into a project", func() *cobra.Command {
			return initcmd.New(initcmd.Options{
				IO: e.io, Ask: e.ask, Folder: e.folder(), Connect: e.connect, Workflow: e.workflow(),
				TempDir: e.system.TempDir, Now: e.system.Now, CompleteProjects: e.completeProjects,
			}, nil)
		}},
		{"auth", "Add or remove password authentication", func() *cobra.Command {
			return authcmd.New(authcmd.Options{IO: e.io, Ask: e.ask, Folder: e.folder(), Connect: e.connect}, nil)
		}},
		{"secrets", "Show or change the app's secrets", func() *cobra.Command { return secretscmd.New(e.secrets(), nil) }},
		{"examples", "Start from an example app", func() *cobra.Command { return examplescmd.New(e.examples(), nil) }},
		{"templates", "Set up a login with Auth0, or a model server", func() *cobra.Command {
			return templatescmd.New(e.templates(), nil)
		}},
		{"resources", "Choose CPUs, memory and GPUs", func() *cobra.Command {
			return resourcescmd.New(resourcescmd.Options{IO: e.io, Ask: e.ask, Folder: e.folder(), Connect: e.connect}, nil)
		}},
		{"labels", "Show or change the project's labels", func() *cobra.Command {
			return labelscmd.New(labelscmd.Options{IO: e.io, Folder: e.folder(), Connect: e.connect}, nil)
		}},
	}
}

func (e *env) localCommands() []command {
	return []command{
		{"up", "Run the app on this machine, behind its login", func() *cobra.Command { return upcmd.New(e.up(), nil) }},
		{"demo", "Deploy an example app to a platform on this machine, without an account", func() *cobra.Command {
			return democmd.New(e.demo(), nil)
		}},
		{"platform", "Run your own Ploomber Cloud on this machine", func() *cobra.Command { return platformcmd.New(e.platform(), nil) }},
		{"cache", "List or remove what 'up' caches between runs", func() *cobra.Command {
			return cachecmd.New(cachecmd.Options{IO: e.io, Dir: e.cacheDir, Now: e.system.Now}, nil)
		}},
	}
}

func (e *env) deployCommands() []command {
	return []command{
		{"deploy", "Deploy the project", func() *cobra.Command { return deploycmd.New(e.deployOptions(), nil) }},
		{"status", "Show the state of the app", func() *cobra.Command { return statuscmd.New(e.status(), nil) }},
		{"open", "Open the app in the browser", func() *cobra.Command { return opencmd.New(e.open(), nil) }},
		{"proxy", "Put the project's login in front of a running app", func() *cobra.Command { return proxycmd.New(e.proxy(), nil) }},
		{"export", "Export the project's login to other programs, such as nginx", func() *cobra.Command { return exportcmd.New(e.export(), nil) }},
		{"dev", "Deploy on every save", func() *cobra.Command { return devcmd.New(e.dev(), nil) }},
		{"github", "Deploy from GitHub on every push", func() *cobra.Command { return githubcmd.New(e.github(), nil) }},
		{"watch", "Follow a deployment until it runs", func() *cobra.Command {
			return watchcmd.New(watchcmd.Options{
				IO: e.io, Folder: e.folder(), Connect: e.connect, Settings: e.settings, Now: e.system.Now, Sleep: httpclient.Sleep,
				CompleteProjects: e.completeProjects,
			}, nil)
		}},
		{"logs", "Show the logs of a deployment", func() *cobra.Command {
			return logscmd.New(logscmd.Options{
				IO: e.io, Folder: e.folder(), Connect: e.connect, Settings: e.settings, Now: e.system.Now, Sleep: httpclient.Sleep,
				CompleteProjects: e.completeProjects,
			}, nil)
		}},
		{"migrate", "Bring a project from another platform to this one", func() *cobra.Command {
			return migratecmd.New(e.migrate(), nil)
		}},
		{"deployments", "List the deployments of a project", func() *cobra.Command {
			return deploymentscmd.New(deploymentscmd.Options{
				IO: e.io, Folder: e.folder(), Connect: e.connect, CompleteProjects: e.completeProjects,
			}, nil)
		}},
		{"rollback", "Return to an earlier deployment", func() *cobra.Command {
			return rollbackcmd.New(rollbackcmd.Options{
				IO: e.io, Folder: e.folder(), Connect: e.connect, Settings: e.settings, Now: e.system.Now, Sleep: httpclient.Sleep,
				CompleteProjects: e.completeProjects,
			}, nil)
		}},
		{"settings", "Show or change when the app sleeps", func() *cobra.Command {
			return settingscmd.New(settingscmd.Options{
				IO: e.io, Folder: e.folder(), Connect: e.connect, CompleteProjects: e.completeProjects,
			}, nil)
		}},
		{"start", "Start a stopped app", func() *cobra.Command { return servicecmd.NewStart(e.service(), nil) }},
		{"stop", "Stop a running app", func() *cobra.Command { return servicecmd.NewStop(e.service(), nil) }},
		{"delete", "Delete a project, or all projects", func() *cobra.Command {
			return deletecmd.New(deletecmd.Options{
				IO: e.io, Ask: e.ask, Folder: e.folder(), Connect: e.connect, CompleteProjects: e.completeProjects,
			}, nil)
		}},
	}
}

func (e *env) moreCommands() []command {
	return []command{
		{"doctor", "Find problems and say how to fix them", func() *cobra.Command { return doctorcmd.New(e.doctor(), nil) }},
		{"completion", "Set up shell completion for commands, flags and project ids", func() *cobra.Command {
			return completioncmd.New(completioncmd.Options{IO: e.io, Lookup: e.system.Lookup, Home: e.settings.Home}, nil)
		}},
		{"version", "Show the version of this program", func() *cobra.Command { return versioncmd.New(e.version(), nil) }},
	}
}
