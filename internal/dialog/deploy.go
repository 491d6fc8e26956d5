package dialog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Deploy deploys a project, with the prompts and messages that belong to it.
type Deploy struct {
	flow.Deploy
	Report Reporter
	Ask    Asker

	InCI         bool // no prompts
	PruneSecrets bool // remove secrets that only the platform has, without asking

	// Progress returns a function that follows the bytes of a step, and one that ends it. It may be nil.
	Progress func(step string) (update func(done, total int64), end func())
}

// Prepare collects the package from the folder. It makes no requests and writes nothing.
func (d *Deploy) Prepare(ctx context.Context) (*flow.Package, error) {
	p, notices, err := d.Deploy.Prepare(ctx)
	for _, n := range notices {
		if n.Warning {
			d.Report.Warn("%s", n.Text)
		} else {
			d.Report.Note("%s", n.Text)
		}
	}
	return p, err
}

// Send deploys the package.
func (d *Deploy) Send(ctx context.Context, p *flow.Package) (*cloudapi.Deployment, error) {
	api, err := d.Connect()
	if err != nil {
		return nil, err
	}
	plan, err := flow.Tier(ctx, api)
	if err != nil {
		return nil, err
	}
	archive, err := d.pack(ctx, p, plan)
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }() // a file without a name, or one that the next run removes
	WarnOfMissing(d.Report, slices.Concat(p.Files.Missed(), archive.Dropped))
	if len(archive.Growing) > 0 {
		d.Report.Warn("sent as of one moment, because it kept growing: %s", listed(archive.Growing, nil))
	}
	if err := d.keepSecrets(ctx, api, p); err != nil {
		return nil, err
	}
	d.Report.Note("Deploying project with id: %s...", p.Config.ID)
	update, end := d.progress("Uploading")
	defer end()
	done, err := p.Upload(ctx, api, archive, update)
	if err != nil {
		return nil, d.explain(ctx, err, api, archive.Size)
	}
	return done, nil
}

func (d *Deploy) pack(ctx context.Context, p *flow.Package, plan tier.Tier) (*bundle.Archive, error) {
	d.Report.Note("Compressing app...")
	update, end := d.progress("Compressing")
	defer end()
	return d.Pack(ctx, p, plan, update)
}

// keepSecrets prompts before secrets of the last deployment are removed.
func (d *Deploy) keepSecrets(ctx context.Context, api *cloudapi.Client, p *flow.Package) error {
	unasked := d.InCI && p.Secrets.List != nil // like the reference tool: on a build server the list is complete
	if d.PruneSecrets || unasked {
		return nil
	}
	gone, err := p.DroppedSecrets(ctx, api)
	if err != nil {
		return err
	}
	if len(gone) == 0 {
		return nil
	}
	missing := "this deployment lacks secrets of the last one: " + flow.Listed(gone, p.Env.Shows(p.Config))
	q := prompt.Question{Label: "Are you sure you want to deploy without these secrets?", Flag: "--prune-secrets"}
	if !d.InCI {
		if err := d.Ask.Expect(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", missing, err)
		}
	}
	d.Report.Warn("%s", missing)
	const hint = "add them to " + flow.EnvName + ", or remove them with --prune-secrets"
	if d.InCI {
		return failure.Failedf("not deployed: the app would lose its secrets").WithHint(hint)
	}
	yes, err := d.Ask.Confirm(ctx, q, false)
	if err != nil || yes {
		return err
	}
	return failure.Failedf("not deployed").WithHint(hint)
}

// explain adds a hint to a failed upload of size bytes: the choices if the platform rejects the resources, what is
// deployed if it is too large, what may have happened if the time limit was reached.
func (d *Deploy) explain(ctx context.Context, err error, api *cloudapi.Client, size int64) error {
	var refused *cloudapi.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return failure.New(failure.Interrupted, "interrupted; the platform may have accepted the deployment: check with 'ploomber-cloud status'")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return failure.New(failure.TimedOut, "the time limit passed before the platform accepted the deployment").
			WithHint("check with 'ploomber-cloud status' whether it did")
	case !errors.As(err, &refused):
		return err
	case refused.Status == http.StatusRequestEntityTooLarge:
		return failure.Failedf("the archive (%s) is too large for a proxy in front of the platform: %w", term.Bytes(size), err).
			WithHint("list the deployed files with 'ploomber-cloud deploy --list-files' and exclude some with 'ignore' or %s", bundle.IgnoreFileName)
	case refused.Uncertain():
		return failure.Failedf("%w; the platform may have accepted the deployment", err).
			WithHint("before you deploy again, check with 'ploomber-cloud status' whether it did")
	case !strings.Contains(refused.Detail, "Invalid Resource"):
		return err
	}
	choices := ""
	if plan, tierErr := flow.Tier(ctx, api); tierErr == nil {
		choices = fmt.Sprintf("; the %s tier offers CPU %s, GPU %s", plan.Name, tier.Texts(plan.CPUs()), tier.Texts(plan.GPUs()))
	}
	return failure.Failedf("Resource choices are invalid%s: %w", choices, err).
		WithHint("run 'ploomber-cloud resources --force'")
}

func (d *Deploy) progress(step string) (update func(done, total int64), end func()) {
	if d.Progress == nil {
		return nil, func() {}
	}
	return d.Progress(step)
}
