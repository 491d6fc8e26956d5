package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Deploy sends a project to the platform. Prepare, Pack and Upload are its steps.
type Deploy struct {
	Folder  Folder
	Connect Connect
	Environ Lookup

	Message      string   // what is new, for the list of deployments
	AllowSecrets []string // files to include although they look like secrets
	AllowLinks   []string // links to include although they leave the project
	TempDir      string   // folder for the archive until it is sent
	Search       bool     // makes Prepare search all files for private keys, for callers that do not pack; Pack always searches

	// Sleep waits for files that are being written. If it is nil they are packed at once.
	Sleep func(context.Context, time.Duration) error

	// Now is the clock for removing old archives of killed runs in TempDir. If it is nil they are kept.
	Now func() time.Time
}

// Package is the content of a deployment, before it is sent.
type Package struct {
	Config                  *project.Config
	Env                     Env
	Secrets                 Secrets
	MainApp, AnalyticsLogin *cloudapi.Credentials
	Files                   *bundle.Listing
	Message                 string
}

// Notice is something the user should know about a package.
type Notice struct {
	Text    string
	Warning bool
}

// Prepare collects the package from the folder. It makes no requests and writes nothing. The notices include those
// found before an error.
func (d *Deploy) Prepare(ctx context.Context) (*Package, []Notice, error) {
	c, err := d.Folder.Load()
	if err != nil {
		return nil, nil, err
	}
	env, err := d.Folder.Env()
	if err != nil {
		return nil, nil, err
	}
	p := &Package{Config: c, Env: env, Message: d.Message}
	if p.Secrets, err = env.Secrets(c, d.Environ); err != nil {
		return nil, nil, err
	}
	var notices []Notice
	if p.Secrets.Source == env.Path {
		notices = warnings(env.Warnings())
		if len(c.SecretKeys) > 0 {
			notices = append(notices, Notice{Text: fmt.Sprintf("Using the secrets of %s; 'secret-keys' is for folders without it.", env.Path)})
		}
	}
	if p.MainApp, err = env.Credentials(c, project.MainApp, d.Environ); err != nil {
		return nil, notices, err
	}
	if p.AnalyticsLogin, err = env.Credentials(c, project.Analytics, d.Environ); err != nil {
		return nil, notices, err
	}
	if err := refuseUnknownLogins(env); err != nil {
		return nil, notices, err
	}
	notices = slices.Concat(notices, warnings(literalLogins(c)), warnings(unusedLogins(c, env)))
	if p.Files, err = d.plan(ctx, c, bundle.Rules{Search: d.Search}); err != nil {
		return nil, notices, err
	}
	return p, notices, nil
}

func warnings(texts []string) (notices []Notice) {
	for _, text := range texts {
		notices = append(notices, Notice{Text: text, Warning: true})
	}
	return notices
}

// Files decides which files are deployed, also by their content. full lists the files of excluded folders one by
// one.
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
			WithHint("copy their targets into the project, exclude the links with 'ignore', or allow them with --allow-link")
	}
	return files, err
}

// literalLogins returns a notice about credentials that the configuration contains in plain text.
func literalLogins(c *project.Config) (texts []string) {
	for _, feature := range []project.Feature{project.MainApp, project.Analytics} {
		if at := c.Credentials(feature); at != nil && at.Literal() {
			texts = append(texts, fmt.Sprintf("the configuration contains the credentials of %s in plain text. "+
				"To store them in %s instead, run 'ploomber-cloud auth --add --feature %s'.", feature, EnvName, feature))
		}
	}
	return texts
}

// refuseUnknownLogins rejects projects that the platform would protect less than configured: it supports neither
// the feature api nor the variables that only our own proxy reads.
func refuseUnknownLogins(env Env) error {
	if name := config.Ignored(env.Keys()); name != "" {
		return failure.Failedf("the platform does not support %s: it would let in more users than configured", name).
			WithHint("remove it from %s, or run the app behind 'ploomber-cloud up' or 'ploomber-cloud proxy'", EnvName)
	}
	if !env.ProtectsAPI() {
		return nil
	}
	return failure.Failedf("the platform cannot protect the feature %s: its paths would be public", project.API).
		WithHint("run 'ploomber-cloud auth --remove --feature %s', or run the app behind 'ploomber-cloud up'", project.API)
}

// unusedLogins reports entries of the secrets file that look like a login but have no effect on the platform,
// which only uses the configuration: names that 'up' and 'proxy' reject, and pairs that protect the app there.
func unusedLogins(c *project.Config, env Env) (texts []string) {
	places := env.Places()
	for _, wrong := range config.Misspelt(env.Keys(), Logins(c)) {
		texts = append(texts, fmt.Sprintf("%s: %v (it has no effect as it is)", env.Path, placed(wrong, places)))
	}
	for _, feature := range []project.Feature{project.MainApp, project.Analytics} {
		if c.Credentials(feature) == nil && env.hasLogin(feature) {
			texts = append(texts, fmt.Sprintf("%s has a user name and a password of %s, which the platform does not ask for: the configuration does not refer to them. "+
				"To protect it, run 'ploomber-cloud auth --add --feature %[2]s'.", env.Path, feature))
		}
	}
	return texts
}

// Pack writes the package's archive to a temporary file, which Close removes. progress is called with the bytes;
// it may be nil.
func (d *Deploy) Pack(ctx context.Context, p *Package, plan tier.Tier, progress func(done, total int64)) (*bundle.Archive, error) {
	if d.Now != nil {
		bundle.CleanStale(d.TempDir, d.Now().Add(-24*time.Hour)) // no upload takes that long
	}
	archive, err := bundle.Spool(ctx, p.Files, d.TempDir, bundle.Options{Limit: plan.MaxArchive, Progress: progress, Sleep: d.Sleep})
	var large *bundle.TooLargeError
	if errors.As(err, &large) {
		return nil, failure.Failedf("the zipped app is larger than the %d MB that the %s tier allows (limits: %s)",
			plan.MaxArchive/tier.MB, plan.Name, tier.Limits()).
			WithHint("list the deployed files with 'ploomber-cloud deploy --list-files' and exclude some with 'ignore' or %s", bundle.IgnoreFileName)
	}
	return archive, err
}

// DroppedSecrets lists the secrets that the last deployment of the package's project had and this one has not. The
// list is empty if the platform does not return them, as the reference tool deploys then; the error is that of
// ctx.
func (p *Package) DroppedSecrets(ctx context.Context, api *cloudapi.Client) ([]string, error) {
	last, err := api.Project(ctx, p.Config.ID)
	if err != nil {
		return nil, ctx.Err()
	}
	var gone []string
	for _, name := range last.Secrets {
		if !slices.Contains(p.Secrets.Names(), name) {
			gone = append(gone, name)
		}
	}
	return gone, nil
}

// Upload sends the package with its archive. progress is called with the archive's bytes; it may be nil.
func (p *Package) Upload(ctx context.Context, api *cloudapi.Client, archive *bundle.Archive, progress func(done, total int64)) (*cloudapi.Deployment, error) {
	request := cloudapi.DeployRequest{
		ProjectID: p.Config.ID, Type: p.Config.Type, Archive: upload{archive}, Secrets: p.Secrets.List,
		Labels: p.Config.Labels, Template: p.Config.Template, Message: p.Message,
		Authentication: p.MainApp, AuthenticationAnalytics: p.AnalyticsLogin, Progress: progress,
	}
	if r := p.Config.Resources; r != nil {
		request.Resources = &cloudapi.Resources{CPU: r.CPU, RAM: r.RAM, GPU: r.GPU}
	}
	return api.Deploy(ctx, request)
}

// upload adapts the archive for the API client.
type upload struct{ archive *bundle.Archive }

func (u upload) Size() int64                  { return u.archive.Size }
func (u upload) Open() (io.ReadCloser, error) { return u.archive.Open(), nil }

// Tier fetches the user's tier.
func Tier(ctx context.Context, api *cloudapi.Client) (tier.Tier, error) {
	name, err := api.Tier(ctx)
	if err != nil {
		return tier.Tier{}, err
	}
	t, _ := tier.Named(name)
	return t, nil
}
