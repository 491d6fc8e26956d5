package githubcmd

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// addSecrets offers to add the names of the app's current secrets to 'secret-keys', and returns those added. There
// is no .env on GitHub: secrets that are not listed would be missing in the app.
func (o *Options) addSecrets(ctx context.Context, config *project.Config) ([]string, error) {
	api, err := o.Connect()
	if err != nil {
		return nil, err
	}
	env, err := o.Workflow.Folder.Env()
	if err != nil {
		return nil, err
	}
	known, err := o.deployed(ctx, api, config, env)
	if err != nil {
		return nil, err
	}
	missing := o.missing(config.SecretKeys, slices.Concat(known, o.local(env), references(config)))
	if len(missing) == 0 {
		return nil, nil
	}
	q := prompt.Question{Label: "Add them, so that deployments from GitHub include them?", Flag: "--add-secrets"}
	if o.AddSecrets == nil {
		if err := o.Ask.Expect(ctx, q); err != nil {
			return nil, err
		}
	}
	o.IO.Err.Note("These secrets are not in 'secret-keys' of the configuration: %s", strings.Join(missing, ", "))
	if o.AddSecrets == nil {
		yes, err := o.Ask.Confirm(ctx, q, true)
		if err != nil {
			return nil, err
		}
		o.AddSecrets = &yes
	}
	if !*o.AddSecrets {
		return nil, nil
	}
	config.SecretKeys = append(slices.Clone(config.SecretKeys), missing...)
	return missing, nil
}

// deployed names the secrets of the last deployment. If the platform does not return them the command goes on,
// like the reference tool: the workflow is useful without them.
func (o *Options) deployed(ctx context.Context, api *cloudapi.Client, config *project.Config, env flow.Env) ([]string, error) {
	p, err := api.Project(ctx, config.ID)
	switch {
	case err == nil:
		return o.nameable(p.Secrets, env.Shows(config)), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !errors.Is(err, cloudapi.ErrNotFound):
		o.IO.Err.Warn("cannot fetch the secrets of the last deployment: %v", err)
	}
	return nil, nil
}

// nameable returns the names that are safe to commit: other entries of a secrets file or of the platform may be
// parts of secret values.
func (o *Options) nameable(names []string, shows func(name string) bool) []string {
	left := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !shows(name) })
	if n := len(names) - len(left); n > 0 {
		o.IO.Err.Warn("%d of the app's secrets are left out, because their names may be parts of secret values.", n)
	}
	return left
}

// local returns the names in .env.
func (o *Options) local(env flow.Env) []string {
	for _, warning := range env.Warnings() {
		o.IO.Err.Warn("%s", warning)
	}
	var names []string
	unclear := env.Unclear()
	for _, pair := range env.Values(dotenv.Lookup(o.Environ)) {
		if _, hidden := unclear[pair.Key]; !pair.Null && !hidden {
			names = append(names, pair.Key)
		}
	}
	return names
}

// references returns the names of the secrets that protect the app.
func references(config *project.Config) []string {
	var names []string
	for _, feature := range project.Features() {
		if c := config.Credentials(feature); c != nil {
			names = append(names, c.Username.Secret, c.Password.Secret)
		}
	}
	return names
}

// missing returns the wanted names that are not present. The workflow always passes the API key, to the deployment
// and not to the app.
func (o *Options) missing(present, wanted []string) []string {
	var missing, unfit []string
	for _, name := range wanted {
		switch {
		case name == "" || name == settings.KeyVariable || slices.Contains(present, name) ||
			slices.Contains(missing, name) || slices.Contains(unfit, name):
		case fits(name):
			missing = append(missing, name)
		default:
			unfit = append(unfit, name)
		}
	}
	if len(unfit) > 0 {
		o.IO.Err.Warn("GitHub does not allow secrets with these names: %s", strings.Join(unfit, ", "))
	}
	return missing
}

// fits reports whether GitHub allows a secret of that name: one prefix is reserved.
func fits(name string) bool {
	return flow.SecretName(name) && !strings.HasPrefix(strings.ToUpper(name), "GITHUB_")
}
