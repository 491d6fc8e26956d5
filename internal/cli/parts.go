package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/cli/servicecmd"
	"github.com/ploomber/ploomber-cloud/internal/flow"
)

// workflow is the project's GitHub workflow.
func (e *env) workflow() flow.Workflow {
	return flow.Workflow{Folder: e.folder(), Fetch: e.fetch, URL: e.settings.WorkflowURL()}
}

// deploy is a deployment of the current folder.
func (e *env) deploy() flow.Deploy {
	return flow.Deploy{
		Folder: e.folder(), Report: e.io.Err, Ask: e.ask, Connect: e.connect, Environ: e.system.Lookup,
		InCI: e.settings.InCI(), TempDir: e.system.TempDir(), Progress: e.progress,
	}
}

// completeProjects completes with the ids of the user's projects, and with nothing where they cannot be had
// at once: a shell waits for it.
func (e *env) completeProjects(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	api, err := e.connect()
	if err != nil {
		return nil, none
	}
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	projects, err := api.Projects(ctx)
	if err != nil {
		return nil, none
	}
	var ids []string
	for _, p := range projects {
		id := p.ID
		if p.Name != "" && p.Name != p.ID {
			id = cobra.CompletionWithDesc(p.ID, p.Name)
		}
		ids = append(ids, id)
	}
	return ids, none
}

func (e *env) service() servicecmd.Options {
	return servicecmd.Options{IO: e.io, Connect: e.connect, CompleteProjects: e.completeProjects}
}
