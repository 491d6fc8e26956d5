package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Deploy sends a project to the platform.
type Deploy struct {
	Folder  Folder
	Report  Reporter
	Ask     Asker
	Connect Connect
	Environ Lookup

	InCI         bool     // nothing is asked
	PruneSecrets bool     // secrets that the platform has and this deployment has not are dropped unasked
	AllowSecrets []string // files that ship although they look like secrets
	AllowLinks   []string // links that ship although they leave the project
	TempDir      string   // where the archive is kept while it is sent
	Search       bool     // Prepare looks for private keys in all files, for those who only look; Send does in any case

	// Sleep waits for files to come to rest that are being written. With nil they are packed at once.
	Sleep func(context.Context, time.Duration) error

	// Now is the clock by which archives in TempDir that killed runs left are old enough to go. With nil they stay.
	Now func() time.Time

	// Progress returns what follows a step's bytes, and what ends that. It may be nil.
	Progress func(step string) (update func(done, total int64), end func())
}

// Package is what a deployment consists of, before anything is sent.
type Package struct {
	Config                  *project.Config
	Secrets                 Secrets
	MainApp, AnalyticsLogin *cloudapi.Credentials
	Files                   *bundle.Listing
}

// Prepare gathers the package from the folder. It makes no request and writes nothing.
func (d *Deploy) Prepare(ctx context.Context) (*Package, error) {
	c, err := d.Folder.Load()
	if err != nil {
		return nil, err
	}
	p := &Package{Config: c}
	if p.Secrets, err = d.Folder.Secrets(c, d.Environ, d.Report); err != nil {
		return nil, err
	}
	if p.MainApp, err = d.login(c, project.MainApp); err != nil {
		return nil, err
	}
	if p.AnalyticsLogin, err = d.login(c, project.Analytics); err != nil {
		return nil, err
	}
	env, _, err := d.Folder.Env()
	if err != nil {
		return nil, err
	}
	if err := refuseUnknownLogins(env); err != nil {
		return nil, err
	}
	d.warnOfUnusedLogins(c, env)
	p.Files, err = d.plan(ctx, c, bundle.Rules{Search: d.Search})
	return p, err
}

// Files decides which files ship, by what they hold too. full lists the files of left-out folders one by one.
func (d *Deploy) Files(ctx context.Context, c *project.Config, full bool) (*bundle.Listing, error) {
	return d.plan(ctx, c, bundle.Rules{Search: true, Full: full})
}

func (d *Deploy) plan(ctx context.Context, c *project.Config, rules bundle.Rules) (*bundle.Listing, error) {
	rules.Ignore, rules.Include, rules.Config = c.Ignore, c.Include, d.Folder.Config
	rules.AllowSecrets, rules.AllowLinks = d.AllowSecrets, d.AllowLinks
	if path, err := project.Path(d.Folder.Config); err == nil && d.Folder.Config != "" {
		rules.Config = path
	}
	files, err := bundle.Plan(ctx, d.Folder.Dir, rules)
	var outside *bundle.OutsideError
	if errors.As(err, &outside) {
		return nil, (&failure.Error{Code: failure.Failed, Err: err}).
			WithHint("copy what they lead to into the project, leave the links out with 'ignore', or name them with --allow-link")
	}
	return files, err
}

func (d *Deploy) login(c *project.Config, feature project.Feature) (*cloudapi.Credentials, error) {
	login, err := d.Folder.Credentials(c, feature, d.Environ)
	if err == nil && login != nil && c.Credentials(feature).Literal() {
		d.Report.Warn("the configuration holds the credentials of %s in clear. "+
			"To keep them in %s, run 'ploomber-cloud auth --add --feature %s'.", feature, EnvName, feature)
	}
	return login, err
}

// refuseUnknownLogins stops what the platform would leave more open than the project says: it knows neither the
// feature api nor the variables that only our own proxy reads.
func refuseUnknownLogins(env *dotenv.File) error {
	if name := config.Ignored(env.Keys()); name != "" {
		return failure.Failedf("the platform does not know %s: it would let in more people than that says", name).
			WithHint("remove it from %s, or run the app behind 'ploomber-cloud up' or 'ploomber-cloud proxy'", EnvName)
	}
	if !ProtectsAPI(env) {
		return nil
	}
	return failure.Failedf("the platform cannot protect the feature %s: its paths would be open to everyone", project.API).
		WithHint("run 'ploomber-cloud auth --remove --feature %s', or run the app behind 'ploomber-cloud up'", project.API)
}

// warnOfUnusedLogins names what looks like a login in the secrets file and protects nothing on the platform, which goes
// by the configuration alone: names that 'up' and 'proxy' refuse, and pairs that protect the app there.
func (d *Deploy) warnOfUnusedLogins(c *project.Config, env *dotenv.File) {
	places := d.Folder.Places(env)
	for _, wrong := range config.Misspelt(env.Keys(), Logins(c)) {
		d.Report.Warn("%s: %v (as it is, it protects nothing)", d.Folder.EnvPath(), placed(wrong, places))
	}
	for _, feature := range []project.Feature{project.MainApp, project.Analytics} {
		if c.Credentials(feature) == nil && hasLogin(env, feature) {
			d.Report.Warn("%s has a user name and a password of %s, which the platform does not ask for: the configuration does not refer to them. "+
				"To protect it, run 'ploomber-cloud auth --add --feature %[2]s'.", d.Folder.EnvPath(), feature)
		}
	}
}

// Send deploys the package.
func (d *Deploy) Send(ctx context.Context, p *Package) (*cloudapi.Deployment, error) {
	api, err := d.Connect()
	if err != nil {
		return nil, err
	}
	plan, err := Tier(ctx, api)
	if err != nil {
		return nil, err
	}
	archive, err := d.pack(ctx, p, plan)
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }() // a file without a name, or one that the next run clears
	d.WarnOfMissing(slices.Concat(p.Files.Missed(), archive.Dropped))
	if len(archive.Growing) > 0 {
		d.Report.Warn("sent as it was at one moment, because it did not stop growing: %s", listed(archive.Growing, nil))
	}
	if err := d.keepSecrets(ctx, api, p); err != nil {
		return nil, err
	}
	d.Report.Note("Deploying project with id: %s...", p.Config.ID)
	update, end := d.progress("Uploading")
	defer end()
	request := cloudapi.DeployRequest{
		ProjectID: p.Config.ID, Type: p.Config.Type, Archive: upload{archive}, Secrets: p.Secrets.List,
		Labels: p.Config.Labels, Template: p.Config.Template,
		Authentication: p.MainApp, AuthenticationAnalytics: p.AnalyticsLogin, Progress: update,
	}
	if r := p.Config.Resources; r != nil {
		request.Resources = &cloudapi.Resources{CPU: r.CPU, RAM: r.RAM, GPU: r.GPU}
	}
	done, err := api.Deploy(ctx, request)
	if err != nil {
		return nil, d.explain(ctx, err, api, archive.Size)
	}
	return done, nil
}

func (d *Deploy) pack(ctx context.Context, p *Package, plan tier.Tier) (*bundle.Archive, error) {
	d.Report.Note("Compressing app...")
	update, end := d.progress("Compressing")
	defer end()
	if d.Now != nil {
		bundle.CleanStale(d.TempDir, d.Now().Add(-24*time.Hour)) // nobody sends one for that long
	}
	archive, err := bundle.Spool(ctx, p.Files, d.TempDir, bundle.Options{Limit: plan.MaxArchive, Progress: update, Sleep: d.Sleep})
	var large *bundle.TooLargeError
	if errors.As(err, &large) {
		return nil, failure.Failedf("the zipped app is larger than the %d MB that the %s tier allows (limits: %s)",
			plan.MaxArchive/tier.MB, plan.Name, tier.Limits()).
			WithHint("see what ships with 'ploomber-cloud deploy --list-files' and leave files out with 'ignore' or %s", bundle.IgnoreFileName)
	}
	return archive, err
}

// upload is the archive as the client of the API takes it.
type upload struct{ archive *bundle.Archive }

func (u upload) Size() int64                  { return u.archive.Size }
func (u upload) Open() (io.ReadCloser, error) { return u.archive.Open(), nil }

// keepSecrets asks before secrets of the last deployment are dropped. What goes wrong on the way is passed
// over: the reference tool deploys without this question then.
func (d *Deploy) keepSecrets(ctx context.Context, api *cloudapi.Client, p *Package) error {
	unasked := d.InCI && p.Secrets.List != nil // as the reference tool: a build server's list is complete
	if d.PruneSecrets || unasked {
		return nil
	}
	last, err := api.Project(ctx, p.Config.ID)
	if err != nil {
		return ctx.Err()
	}
	var gone []string
	for _, name := range last.Secrets {
		if !slices.Contains(p.Secrets.Names(), name) {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	missing := "these secrets of the last deployment are missing now: " + Listed(gone, d.Folder.Shows(p.Config))
	q := prompt.Question{Label: "Are you sure you want to deploy without these secrets?", Flag: "--prune-secrets"}
	if !d.InCI {
		if err := d.Ask.Expect(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", missing, err)
		}
	}
	d.Report.Warn("%s", missing)
	const hint = "put them into " + EnvName + ", or drop them with --prune-secrets"
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
	if plan, tierErr := Tier(ctx, api); tierErr == nil {
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

// Tier asks the platform for the user's tier.
func Tier(ctx context.Context, api *cloudapi.Client) (tier.Tier, error) {
	name, err := api.Tier(ctx)
	if err != nil {
		return tier.Tier{}, err
	}
	t, _ := tier.Named(name)
	return t, nil
}
