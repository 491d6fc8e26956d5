package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/cli/deploycmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/logincmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/migratecmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/servicecmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/templatescmd"
	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/remote"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// workflow returns the project's GitHub workflow.
func (e *env) workflow() flow.Workflow {
	own, _ := e.settings.Login() // a file that cannot be read is reported where it matters
	return flow.Workflow{Folder: e.folder(), Fetch: e.fetch, URL: e.settings.WorkflowURL(), Offline: own != nil}
}

func (e *env) login() logincmd.Options {
	return logincmd.Options{IO: e.io, Ask: e.ask, Settings: e.settings, Client: e.client}
}

// deploy returns a deployment of the current folder.
func (e *env) deploy() dialog.Deploy {
	return dialog.Deploy{
		Deploy: flow.Deploy{
			Folder: e.folder(), Connect: e.connect, Environ: e.system.Lookup,
			TempDir: e.system.TempDir(), Now: e.system.Now, Sleep: httpclient.Sleep,
		},
		Report: e.io.Err, Ask: e.ask, InCI: e.settings.InCI(), Progress: e.progress,
	}
}

// completeProjects completes the ids of the user's projects. It offers nothing if they cannot be fetched quickly,
// since a shell is waiting.
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
	return servicecmd.Options{IO: e.io, Folder: e.folder(), Connect: e.connect, CompleteProjects: e.completeProjects}
}

// templates returns the dependencies of the templates; vllm may deploy right away.
func (e *env) templates() templatescmd.Options {
	return templatescmd.Options{
		IO: e.io, Ask: e.ask, Folder: e.folder(), Connect: e.connect, Environ: e.system.Lookup, Random: rand.Reader,
		Model: e.model,
		Deploy: func(ctx context.Context) error {
			o := e.deployOptions()
			o.Timeout = flow.DefaultTimeout
			return deploycmd.Run(ctx, &o)
		},
	}
}

func (e *env) deployOptions() deploycmd.Options {
	return deploycmd.Options{
		IO: e.io, Deploy: e.deploy(), Settings: e.settings, Workflow: e.workflow(), Now: e.system.Now, Sleep: httpclient.Sleep,
	}
}

func (e *env) migrate() migratecmd.Options {
	return migratecmd.Options{
		IO: e.io, Ask: e.ask, Deploy: e.deploy(), Settings: e.settings,
		Ship: func(ctx context.Context, o *migratecmd.Options, p *flow.Package) (any, error) {
			d := e.deployOptions()
			d.Deploy, d.Watch, d.Timeout = o.Deploy, o.Watch, o.Timeout
			return deploycmd.Ship(ctx, &d, p)
		},
	}
}

// maxModel bounds what the host of models says about one, in bytes.
const maxModel = 8 << 20

// model asks the host of models about one. What is neither there nor gated is unknown.
func (e *env) model(ctx context.Context, name, token string) (templatescmd.ModelState, error) {
	client, err := e.downloads()
	if err != nil {
		return templatescmd.Unknown, err
	}
	r := remote.Request{URL: e.settings.ModelsURL() + "/api/models/" + name, Limit: maxModel}
	if token != "" {
		r.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	var about bytes.Buffer
	err = client.Get(ctx, r, &about)
	var refused *remote.Error
	switch {
	case err == nil && httpclient.IsWebPage(nil, about.Bytes()), errors.As(err, &refused) && refused.WebPage():
		return templatescmd.Unknown, failure.Failedf("%s answers with a web page: is there a network that wants a login?", r.URL)
	case err == nil:
		return templatescmd.Usable, nil
	case refused == nil || refused.Status == 0:
		return templatescmd.Unknown, err
	}
	var reply struct{ Error string }
	if json.Unmarshal(refused.Body, &reply) == nil && strings.Contains(reply.Error, "gated") {
		return templatescmd.Gated, nil
	}
	return templatescmd.Unknown, nil
}
