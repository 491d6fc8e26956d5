package flow

import (
	"path"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Lookup finds a variable of the environment.
type Lookup func(name string) (string, bool)

// Secrets are what a deployment hands to the app.
type Secrets struct {
	List   []cloudapi.Secret // nil: there is neither a secrets file nor a list of names, and nothing is sent
	Source string            // where they are from, for people; "" for none
}

// Names lists the secrets' names.
func (s Secrets) Names() []string {
	names := make([]string, 0, len(s.List))
	for _, secret := range s.List {
		names = append(names, secret.Key)
	}
	return names
}

// Secrets gathers the app's secrets: all of .env, else the environment's values of the names in secret-keys.
// A key of .env without a value is no secret.
func (f Folder) Secrets(c *project.Config, environ Lookup, report Reporter) (Secrets, error) {
	env, exists, err := f.Env()
	if err != nil {
		return Secrets{}, err
	}
	if exists && !ignoresEnv(c) {
		for _, w := range env.Warnings() {
			report.Warn("%s, line %d is passed over: %s", f.EnvPath(), w.Line, w.Reason)
		}
		if len(c.SecretKeys) > 0 {
			report.Note("Using the secrets of %s; 'secret-keys' is for folders without it.", f.EnvPath())
		}
		s := Secrets{List: []cloudapi.Secret{}, Source: f.EnvPath()}
		for _, p := range env.Values(dotenv.Lookup(environ)) {
			if !p.Null {
				s.List = append(s.List, cloudapi.Secret{Key: p.Key, Value: p.Value})
			}
		}
		return s, nil
	}
	if len(c.SecretKeys) == 0 {
		return Secrets{}, nil
	}
	s := Secrets{Source: "the environment"}
	var missing []string
	for _, name := range c.SecretKeys {
		v, _ := environ(name)
		if v == "" {
			missing = append(missing, name)
		}
		s.List = append(s.List, cloudapi.Secret{Key: name, Value: v})
	}
	if len(missing) > 0 {
		return Secrets{}, failure.Failedf("'secret-keys' asks for %s, which the environment does not have", strings.Join(missing, ", ")).
			WithHint("run 'export %s=VALUE' first, or take the name out of 'secret-keys'", missing[0])
	}
	return s, nil
}

// ignoresEnv tells whether the project's own rules leave the secrets file out: then it is not read at all.
func ignoresEnv(c *project.Config) bool {
	if slices.Contains(c.Include, EnvName) {
		return false
	}
	return slices.ContainsFunc(c.Ignore, func(rule string) bool {
		return rule != "" && !strings.HasSuffix(rule, "/") && path.Clean(rule) == EnvName
	})
}

// Credentials resolves what protects a feature, nil where nothing does. A reference that leads nowhere is an
// error: an app that should be protected must never go out open.
func (f Folder) Credentials(c *project.Config, feature project.Feature, environ Lookup) (*cloudapi.Credentials, error) {
	at := c.Credentials(feature)
	if at == nil {
		return nil, nil
	}
	env, _, err := f.Env()
	if err != nil {
		return nil, err
	}
	username, err := f.resolve(at.Username, feature, env, environ)
	if err != nil {
		return nil, err
	}
	password, err := f.resolve(at.Password, feature, env, environ)
	if err != nil {
		return nil, err
	}
	return &cloudapi.Credentials{Username: username, Password: password}, nil
}

func (f Folder) resolve(v project.Value, feature project.Feature, env *dotenv.File, environ Lookup) (string, error) {
	if v.Secret == "" {
		return v.Text, nil
	}
	if text, ok := env.Get(v.Secret, dotenv.Lookup(environ)); ok && text != "" {
		return text, nil
	}
	if text, _ := environ(v.Secret); text != "" {
		return text, nil
	}
	return "", failure.Failedf("the password protection of %s needs the secret %s, which is neither in %s nor in the environment",
		feature, v.Secret, f.EnvPath()).
		WithHint("run 'ploomber-cloud auth --add --feature %s', or with --remove to deploy without protection", feature)
}

// ProtectsAPI tells whether the secrets protect the api feature, which only our own proxy knows.
func ProtectsAPI(env *dotenv.File) bool { return hasLogin(env, project.API) }

func hasLogin(env *dotenv.File, feature project.Feature) bool {
	username, _ := env.Get(feature.UsernameKey(), nil)
	password, _ := env.Get(feature.PasswordKey(), nil)
	return username != "" && password != ""
}
