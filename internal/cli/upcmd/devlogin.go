package upcmd

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// providersKey lists several providers; --dev-login replaces all of them.
const providersKey = "AUTH_PROVIDERS"

// DefaultUsers are the users of --dev-login if none are given.
func DefaultUsers() []string { return []string{"ada@example.com,admins", "grace@example.com"} }

func (o *Options) devUsers() ([]devidp.User, error) {
	texts := o.DevUsers
	if len(texts) == 0 {
		texts = DefaultUsers()
	}
	var users []devidp.User
	for _, text := range texts {
		u, err := devidp.ParseUser(text)
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

// startDevLogin starts the provider, unless one was passed in, and announces it.
func (o *Options) startDevLogin(ctx context.Context, l *login, log *slog.Logger) error {
	if l.dev = o.Provider; l.dev == nil {
		users, err := o.devUsers()
		if err != nil {
			return failure.Usagef("--dev-user: %w", err)
		}
		l.dev, err = devidp.Start(ctx, devidp.Options{Users: users, Now: o.Now, Random: o.Random, Log: log})
		if err != nil {
			return failure.Failedf("the development login cannot start: %w", err)
		}
		l.startedIt = true
	}
	o.IO.Err.Warn("DEVELOPMENT LOGIN: anyone on this machine can log in as any user, without a password (%s). "+
		"Use it for testing only; a deployment never uses it.", l.dev.Issuer())
	return nil
}

// devSource returns the project's source with the development provider in place of the main app's login.
// Everything else stays the same: audience and scope, access rules, the passwords of other features.
func (o *Options) devSource(s config.Source, dev *devidp.Provider, vars map[string]string) (config.Source, error) {
	values := map[string]string{
		scaffold.ClientID: dev.ClientID(), scaffold.ClientSecret: dev.ClientSecret(), scaffold.Issuer: dev.Issuer(),
	}
	maps.Copy(vars, values) // an app that verifies its user's token fetches the provider's keys
	before := s.Lookup
	if secret, _ := before(scaffold.SessionSecret); secret == "" {
		made, err := scaffold.NewSecret(o.Random)
		if err != nil {
			return s, err
		}
		values[scaffold.SessionSecret] = made
	}
	hidden := []string{providersKey, project.MainApp.UsernameKey(), project.MainApp.PasswordKey()}
	if _, guarded := s.Project.Logins[config.MainApp]; guarded || slices.ContainsFunc(hidden[1:], func(name string) bool { _, ok := before(name); return ok }) {
		o.IO.Err.Warn("the main app's password is not used in this run: the development login replaces it")
	}
	s.Project.Logins = maps.Clone(s.Project.Logins)
	delete(s.Project.Logins, config.MainApp)

	several, _ := before(providersKey)
	s.Names = slices.DeleteFunc(slices.Clone(s.Names), func(name string) bool { return ofOneOf(several, name) })
	s.Lookup = func(name string) (string, bool) {
		if v, ok := values[name]; ok {
			return v, true
		}
		if slices.Contains(hidden, name) {
			return "", false
		}
		return before(name)
	}
	return s, nil
}

// ofOneOf reports whether a variable belongs to one of several providers, such as google,entra.
func ofOneOf(providers, variable string) bool {
	for name := range strings.SplitSeq(providers, ",") {
		name = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(name), "-", "_"))
		if name != "" && strings.HasPrefix(variable, "AUTH_"+name+"_") {
			return true
		}
	}
	return false
}
