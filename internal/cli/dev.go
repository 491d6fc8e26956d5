package cli

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/cli/deploycmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/devcmd"
	"github.com/ploomber/ploomber-cloud/internal/flow"
)

func (e *env) dev() devcmd.Options {
	return devcmd.Options{
		IO: e.io, Deploy: e.deploy().Deploy,
		Send: func(ctx context.Context, o *devcmd.Options) error {
			d := e.deployOptions()
			d.Deploy.Deploy, d.Watch, d.Timeout = o.Deploy, o.Watch, flow.DefaultTimeout
			return deploycmd.Run(ctx, &d)
		},
		Failed: func(err error) { e.io.Err.Fail(e.outcome(err)) },
	}
}
