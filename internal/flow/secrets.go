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

// Secrets are what a deployment passes to the app.
type Secrets struct {
	List   []cloudapi.Secret // nil: there is neither a secrets file nor a list of names, so nothing is sent
	Source string            // their source, for messages; "" for none

	lines map[string]int // locations of those whose names must not be shown
}

// Shown lists the names that may be shown, and the lines of the secrets file with the others.
func (s Secrets) Shown() (names []string, lines []int) {
	names = make([]string, 0, len(s.List))
	for _, secret := range s.List {
		if line, unclear := s.lines[secret.Key]; unclear {
			lines = append(lines, line)
		} else {
			names = append(names, secret.Key)
		}
	}
	return names, lines
}

// Names lists the names of the secrets, including those that must not be shown.
func (s Secrets) Names() []string {
	names := make([]string, 0, len(s.List))
	for _, secret := range s.List {
		names = append(names, secret.Key)
	}
	return names
}

// Secrets collects the app's secrets: everything in the file, otherwise the environment's values of the names in
// secret-keys. A key of the file without a value is not a secret.
func (e Env) Secrets(c *project.Config, environ Lookup) (Secrets, error) {
	if e.Exists && !ignoresEnv(c) {
		s := Secrets{List: []cloudapi.Secret{}, Source: e.Path, lines: e.Unclear()}
		for _, p := range e.Values(dotenv.Lookup(environ)) {
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
	for i, name := range c.SecretKeys {
		v, _ := environ(name)
		switch {
		case v == "" && !dotenv.IsName(name): // it may be a value by mistake
			return Secrets{}, failure.Failedf("entry %d of 'secret-keys' is not set in the environment", i+1).
				WithHint("'secret-keys' contains only names; their values come from the environment")
		case v == "":
			missing = append(missing, name)
		}
		s.List = append(s.List, cloudapi.Secret{Key: name, Value: v})
	}
	if len(missing) > 0 {
		return Secrets{}, failure.Failedf("'secret-keys' requires %s, which is not set in the environment", strings.Join(missing, ", ")).
			WithHint("run 'export %s=VALUE' first, or remove the name from 'secret-keys'", missing[0])
	}
	return s, nil
}

// ignoresEnv reports whether the project's own rules exclude the secrets file: then it is not read at all.
func ignoresEnv(c *project.Config) bool {
	if slices.Contains(c.Include, EnvName) {
		return false
	}
	return slices.ContainsFunc(c.Ignore, func(rule string) bool {
		return rule != "" && !strings.HasSuffix(rule, "/") && path.Clean(rule) == EnvName
	})
}

// Credentials resolves the credentials that protect a feature, nil if there are none. An unresolved reference is
// an error: an app that should be protected must not be deployed without protection.
func (e Env) Credentials(c *project.Config, feature project.Feature, environ Lookup) (*cloudapi.Credentials, error) {
	at := c.Credentials(feature)
	if at == nil {
		return nil, nil
	}
	username, err := e.resolve(at.Username, feature, environ)
	if err != nil {
		return nil, err
	}
	password, err := e.resolve(at.Password, feature, environ)
	if err != nil {
		return nil, err
	}
	return &cloudapi.Credentials{Username: username, Password: password}, nil
}

func (e Env) resolve(v project.Value, feature project.Feature, environ Lookup) (string, error) {
	if v.Secret == "" {
		return v.Text, nil
	}
	if text, ok := e.Get(v.Secret, dotenv.Lookup(environ)); ok && text != "" {
		return text, nil
	}
	if text, _ := environ(v.Secret); text != "" {
		return text, nil
	}
	name := "the secret " + v.Secret
	if !dotenv.IsName(v.Secret) { // it may be the password by mistake
		name = "a secret"
	}
	return "", failure.Failedf("the password protection of %s needs %s, which is neither in %s nor in the environment",
		feature, name, e.Path).
		WithHint("run 'ploomber-cloud auth --add --feature %s', or with --remove to deploy without protection", feature)
}

// ProtectsAPI reports whether the secrets protect the api feature, which only our own proxy supports.
func (e Env) ProtectsAPI() bool { return e.hasLogin(project.API) }

func (e Env) hasLogin(feature project.Feature) bool {
	username, _ := e.Get(feature.UsernameKey(), nil)
	password, _ := e.Get(feature.PasswordKey(), nil)
	return username != "" && password != ""
}
