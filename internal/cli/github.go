package cli

import "github.com/ploomber/ploomber-cloud/internal/cli/githubcmd"

func (e *env) github() githubcmd.Options {
	return githubcmd.Options{IO: e.io, Ask: e.ask, Connect: e.connect, Workflow: e.workflow(), Environ: e.system.Lookup}
}
