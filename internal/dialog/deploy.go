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

// Deploy sends a project to the platform, and says and asks what there is to say and ask about it.
type Deploy struct {
	flow.Deploy
	Report Reporter
	Ask    Asker

	InCI         bool // nothing is asked
	PruneSecrets bool // secrets that the platform has and this deployment has not are dropped unasked

	// Progress returns what follows a step's bytes, and what ends that. It may be nil.
	Progress func(step string) (update func(done, total int64), end func())
}

// Prepare gathers the package from the folder. It makes no request and writes nothing.
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
	defer func() { _ = archive.Close() }() // a file without a name, or one that the next run clears
	WarnOfMissing(d.Report, slices.Concat(p.Files.Missed(), archive.Dropped))
	if len(archive.Growing) > 0 {
		d.Report.Warn("sent as it was at one moment, because it did not stop growing: %s", listed(archive.Growing, nil))
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

// keepSecrets asks before secrets of the last deployment are dropped.
func (d *Deploy) keepSecrets(ctx context.Context, api *cloudapi.Client, p *flow.Package) error {
	unasked := d.InCI && p.Secrets.List != nil // as the reference tool: a build server's list is complete
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
	missing := "these secrets of the last deployment are missing now: " + flow.Listed(gone, p.Env.Shows(p.Config))
	q := prompt.Question{Label: "Are you sure you want to deploy without these secrets?", Flag: "--prune-secrets"}
	if !d.InCI {
		if err := d.Ask.Expect(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", missing, err)
		}
	}
	d.Report.Warn("%s", missing)
	const hint = "put them into " + flow.EnvName + ", or drop them with --prune-secrets"
	if d.InCI {
		return failure.Failedf("not deployed: the app would lose its secrets").WithHint(hint)
	}
	yes, err := d.Ask.Confirm(ctx, q, false)
	if err != nil || yes {
		return err
	}
	return failure.Failedf("not deployed").WithHint(hint)
}

// explain adds what helps where an upload of size bytes failed: the choices where the platform refuses the resources,
// what ships where it is too much, what may have come of it where the time was over.
func (d *Deploy) explain(ctx context.Context, err error, api *cloudapi.Client, size int64) error {
	var refused *cloudapi.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return failure.New(failure.Interrupted, "interrupted; the platform may have taken the deployment all the same: see 'ploomber-cloud status'")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return failure.New(failure.TimedOut, "the time was over before the platform had taken the deployment").
			WithHint("see whether it has with 'ploomber-cloud status'")
	case !errors.As(err, &refused):
		return err
	case refused.Status == http.StatusRequestEntityTooLarge:
		return failure.Failedf("the archive (%s) is too large for what stands in front of the platform: %w", term.Bytes(size), err).
			WithHint("see what ships with 'ploomber-cloud deploy --list-files' and leave files out with 'ignore' or %s", bundle.IgnoreFileName)
	case refused.Uncertain():
		return failure.Failedf("%w; the platform may have taken the deployment all the same", err).
			WithHint("before you deploy again, see whether it has with 'ploomber-cloud status'")
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
