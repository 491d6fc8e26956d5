package upcmd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// login is the login in front of the app.
type login struct {
	config config.Config
	proxy  *authproxy.Proxy // nil until the app has started

	dev       *devidp.Provider // of --dev-login; nil without it
	startedIt bool             // started by this run, which closes it
}

func (l *login) close() {
	if l.startedIt {
		_ = l.dev.Close() // read-only: nothing to lose
	}
}

// login reads the project's login as every other command does. With --dev-login it starts the provider and puts
// its values into vars, which the app gets.
func (o *Options) login(ctx context.Context, env flow.Env, c *project.Config, vars map[string]string, log *slog.Logger) (_ *login, err error) {
	source := o.Folder.LoginSource(env, c, o.Lookup)
	source.Public = o.Public
	l := &login{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if o.DevLogin {
		if err := o.startDevLogin(ctx, l, log); err != nil {
			return nil, err
		}
		if source, err = o.devSource(source, l.dev, vars); err != nil {
			return nil, err
		}
	}
	l.config, err = config.From(source)
	var wrong *config.Error
	switch {
	case errors.As(err, &wrong) && len(wrong.Mistakes) == 1 && errors.Is(err, config.ErrUnprotected):
		return nil, failure.Failedf("nothing protects this app").
			WithHint("run 'ploomber-cloud auth --add' (with --offline if you have no account), or pass --public or --dev-login")
	case err != nil:
		return nil, &failure.Error{Code: failure.Failed, Err: err}
	case l.config.Open() && !o.Public:
		return nil, failure.Failedf("the app itself is public: only a part of it is protected by a password").
			WithHint("run 'ploomber-cloud auth --add --feature main_app' (with --offline if you have no account), or pass --public")
	}
	if l.config.AppName == "" {
		l.config.AppName = o.folderName()
	}
	return l, nil
}

// folderName is the app's name if nothing else names it: the name of its folder, if it is printable.
func (o *Options) folderName() string {
	dir, err := filepath.Abs(o.Folder.Dir)
	if err != nil {
		return ""
	}
	c := config.Config{Public: true, AppName: filepath.Base(dir)}
	if c.Validate() != nil || dir == filepath.Dir(dir) {
		return ""
	}
	return c.AppName
}

// protect creates the login in front of the app at upstream, which is served at local.
func (o *Options) protect(l *login, upstream, local *url.URL, log *slog.Logger) (http.Handler, error) {
	var err error
	if l.config.BaseURL, err = o.base(l.config.BaseURL, local); err != nil {
		return nil, err
	}
	l.config.StripBasePath = false // path of the deployed app
	if l.dev != nil {
		r := l.registration()
		l.dev.Register(r.Callbacks, r.Logouts)
	}
	l.proxy, err = authproxy.New(l.config, authproxy.Options{
		Upstream: upstream.String(), Now: o.Now, Random: o.Random, Log: log,
		CookieSuffix: local.Port(), // cookies are not separated by port
	})
	if err != nil {
		return nil, err
	}
	return l.proxy, nil
}

// base is the public address of this run: the callback URL is below it, and cookies belong to it. AUTH_BASE_URL is
// usually the address of the deployed app, which would redirect users there, so it is only used if it points to
// this machine.
func (o *Options) base(configured, local *url.URL) (*url.URL, error) {
	if o.BaseURL != "" {
		return url.Parse(o.BaseURL)
	}
	if configured == nil {
		return local, nil
	}
	if oidc.IsLoopback(configured.Hostname()) && portOf(configured) == local.Port() && strings.Trim(configured.Path, "/") == "" {
		return configured, nil
	}
	o.IO.Err.Note("%s=%s is not this machine: logins return to %s (change it with --base-url)", scaffold.BaseURL, configured, local)
	return local, nil
}

// registration is what to register at the provider, with the addresses of this run.
func (l *login) registration() scaffold.Registration {
	base := l.config.BaseURL
	after := l.config.PostLogoutRedirect
	if to, err := base.Parse(after); err == nil && after != "" { // may be a path of the app
		after = to.String()
	}
	return scaffold.Register("", l.origin(), after)
}

// origin is the base URL without a trailing slash.
func (l *login) origin() string { return l.config.BaseURL.Scheme + "://" + l.config.BaseURL.Host }

// describe fills in s.
func (l *login) describe(s Served) Served {
	for _, r := range l.config.Rules() {
		s.Protected = append(s.Protected, r.String())
	}
	switch {
	case l.dev != nil:
		s.DevLogin = &DevLogin{Issuer: l.dev.Issuer()}
		for _, u := range l.dev.Users() {
			s.DevLogin.Users = append(s.DevLogin.Users, u.Email)
		}
	case len(l.config.Providers) > 0:
		r := l.registration()
		s.Registration = &r
	}
	return s
}

// warnOfProviders warns about providers that do not respond. It retries until they do: the login works as soon as
// they are back.
func (o *Options) warnOfProviders(ctx context.Context, l *login) {
	const patience = 6 * time.Second // a request to a provider takes 5 s at most
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := l.proxy.Ready(ctx); err != nil && !errors.Is(err, context.Canceled) {
		o.IO.Err.Warn("users cannot log in yet: %v", err)
	}
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// checkLogin rejects contradictory flags.
func (o *Options) checkLogin() error {
	switch {
	case o.DevLogin && o.Public:
		return failure.Usagef("pass one of --dev-login and --public")
	case !o.DevLogin && len(o.DevUsers) > 0:
		return failure.Usagef("--dev-user requires --dev-login").WithHint("pass --dev-login too")
	}
	if o.DevLogin {
		if _, err := o.devUsers(); err != nil {
			return failure.Usagef("--dev-user: %w", err)
		}
	}
	if o.BaseURL == "" {
		return nil
	}
	u, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return failure.Usagef("--base-url must be scheme and host only, such as https://app.example.com")
	case o.DevLogin && !oidc.IsLoopback(u.Hostname()):
		return failure.Usagef("--dev-login asks for no password, so --base-url must be an address of this machine").
			WithHint("for example http://app.localhost:8080")
	}
	return nil
}
