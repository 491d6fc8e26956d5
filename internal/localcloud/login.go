package localcloud

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// loginOf is the login that a deployment has according to its variables and credentials, the same as with up. It is nil if
// it has none. Files that variables name are read from the folder code. The error is a *platform.Problem.
func loginOf(d platform.Deployment, s platform.Secrets, code string) (*config.Config, error) {
	vars := s.Vars()
	logins := map[config.Feature]config.LoginRef{}
	for feature, c := range map[config.Feature]*platform.Credentials{config.MainApp: s.Login, config.Analytics: s.Analytics} {
		if c != nil {
			logins[feature] = config.LoginRef{
				Username: config.Value{Literal: config.Secret(c.Username)}, Password: config.Value{Literal: config.Secret(c.Password)},
			}
		}
	}
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	c, err := config.From(config.Source{
		Lookup:   func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Names:    names,
		Project:  config.Project{Template: d.Template, Logins: logins},
		ReadFile: func(name string) ([]byte, error) { return readWithin(code, name) },
		Public:   true, // apps without a login are served, as on the reference service
	})
	if err != nil {
		return nil, &platform.Problem{
			Reason: platform.ReasonLogin, Msg: fmt.Sprintf("the login is not configured correctly: %v", err),
			Hint: "correct the variables that are named, and deploy again",
		}
	}
	if len(c.Rules()) == 0 {
		return nil, nil
	}
	return &c, nil
}

// maxUsersFile limits the size of a file with users, in bytes.
const maxUsersFile = 2 << 20

// readWithin reads a file of the folder dir; no link leads out of it.
func readWithin(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxUsersFile))
}
