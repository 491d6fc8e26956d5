package export

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// NginxOptions are the settings of nginx besides the login.
type NginxOptions struct {
	Upstream    string   // base URL of the app, http
	Listen      []string // each PORT or ADDRESS:PORT
	ServerNames []string // empty: the host of the login's base URL, otherwise any
	PasswordDir string   // absolute path of the folder in which nginx finds the password files
	Hash        Hash
}

// What nginx does not support. The errors of Nginx wrap these.
var (
	ErrProvider = errors.New("nginx does not support OpenID Connect logins")
	ErrBasePath = errors.New("nginx serves the app at the root of its host, and AUTH_BASE_URL has a path")
	ErrForm     = errors.New("nginx has no login page, which AUTH_PASSWORD_MODE=form asks for")
)

//go:embed nginx.conf.tmpl
var nginxTemplate string

// Nginx returns the configuration of a server, first, and a password file for each feature that has a password.
// The error wraps one of this package's, or is an *OptionError or an *config.Error.
func Nginx(p Project, o NginxOptions) ([]File, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	c := p.Login
	switch {
	case len(c.Providers) > 0:
		return nil, ErrProvider
	case c.PasswordMode == config.ModeForm:
		return nil, ErrForm
	case c.BaseURL != nil && strings.Trim(c.BaseURL.Path, "/") != "":
		return nil, ErrBasePath
	}
	if c.APIPath == "" {
		c.APIPath = config.DefaultAPIPath
	}
	if c.AnalyticsPath == "" {
		c.AnalyticsPath = config.DefaultAnalyticsPath
	}
	s, err := newServer(p.Name, c, o)
	if err != nil {
		return nil, err
	}
	files := []File{{Name: p.Name + ".conf"}}
	for _, feature := range config.Features() {
		if !c.HasPassword(feature) {
			continue
		}
		data, names, err := passwordFile(c, feature, o.Hash)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", feature, err)
		}
		name := p.Name + "." + string(feature) + ".htpasswd"
		files = append(files, File{Name: name, Data: data, Secret: true})
		for _, user := range names {
			expression := "~^" + regexp.QuoteMeta(user) + "$"
			if slices.Contains(s.Users, expression) {
				continue
			}
			s.Users = append(s.Users, expression)
			if identity.NeedsEncoding(user) {
				s.Encoded = append(s.Encoded, encoded{expression, identity.EncodeName(user)})
			}
		}
		for i := range s.Locations {
			if s.Locations[i].Feature == feature {
				s.Locations[i].PassFile = strings.TrimSuffix(o.PasswordDir, "/") + "/" + name
			}
		}
	}
	files[0].Data, err = s.render()
	return files, err
}

// server is the data of the template.
type server struct {
	Name, Var           string // Var begins the names of variables, which all servers of an nginx share
	Upstream            string
	Listen, ServerNames []string
	Locations           []location
	Users               []string // expressions for the names that have a password
	Encoded             []encoded
	Targets             []target
	Cleared             []string
	HTTPS               bool   // clients connect with https, even if this server does not terminate it
	Origin              string // expression for the Origin of the app's own pages; "" compares with Host
	TrustedProxies      []netip.Prefix
}

// encoded is a user whose name is not ASCII.
type encoded struct {
	User string // expression
	Name string // percent-encoded
}

func newServer(name string, c config.Config, o NginxOptions) (*server, error) {
	s := &server{
		Name: name, Var: "ploomber_" + regexp.MustCompile(`[^A-Za-z0-9]`).ReplaceAllString(name, "_"),
		Locations: locations(c), Targets: targets(), Cleared: clearedHeaders(), TrustedProxies: c.TrustedProxies,
	}
	if c.HasPassword(config.MainApp) && len(s.Locations) == 1 {
		s.Targets = nameTargets()
	}
	if c.BaseURL != nil {
		s.HTTPS, s.Origin = c.BaseURL.Scheme == "https", origin(c.BaseURL.Scheme, c.BaseURL.Host)
		if len(o.ServerNames) == 0 {
			o.ServerNames = []string{c.BaseURL.Hostname()}
		}
	}
	if len(o.ServerNames) == 0 {
		o.ServerNames = []string{"_"}
	}
	for _, name := range o.ServerNames {
		if name != "_" && !isServerName(name) {
			return nil, optionf("server-name", "%q is not a host name such as app.example.com", name)
		}
		if !slices.Contains(s.ServerNames, name) { // nginx warns about duplicates
			s.ServerNames = append(s.ServerNames, name)
		}
	}
	for _, address := range o.Listen {
		l, ok := listenAddress(address)
		if !ok {
			return nil, optionf("listen", "%q is not a port or ADDRESS:PORT such as 127.0.0.1:8080", address)
		}
		if !slices.Contains(s.Listen, l) {
			s.Listen = append(s.Listen, l)
		}
	}
	if len(s.Listen) == 0 {
		return nil, optionf("listen", "is empty")
	}
	var err error
	if s.Upstream, err = upstreamAddress(o.Upstream); err != nil {
		return nil, err
	}
	if isItself(s.Upstream, s.Listen) {
		return nil, optionf("upstream", "is where nginx listens: every request would loop forever")
	}
	// nginx expands variables in this name and has no way to escape a $.
	if !filepath.IsAbs(o.PasswordDir) && !strings.HasPrefix(o.PasswordDir, "/") || strings.ContainsFunc(o.PasswordDir, func(r rune) bool { return r == '$' || unicode.IsControl(r) }) {
		return nil, optionf("password-dir", "%q must be an absolute path without $ and control characters", o.PasswordDir)
	}
	return s, nil
}

// origin is an expression for the Origin header of pages below a base URL.
func origin(scheme, host string) string {
	standard := ":80"
	if scheme == "https" {
		standard = ":443"
	}
	return "~*^" + scheme + "://" + regexp.QuoteMeta(strings.TrimSuffix(host, standard)) + "(?:" + standard + ")?$"
}

func isServerName(name string) bool {
	const label = `[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?`
	return len(name) <= 253 && regexp.MustCompile(`^(?:\*\.)?`+label+`(?:\.`+label+`)*$`).MatchString(name)
}

func listenAddress(address string) (string, bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = "", address
	}
	if !isPort(port) {
		return "", false
	}
	if host == "" {
		return port, true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return "", false
	}
	return net.JoinHostPort(addr.String(), port), true
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// upstreamAddress is HOST:PORT of the app. https is not supported: nginx would accept any certificate, and to
// verify one it needs a CA file whose path depends on the system.
func upstreamAddress(base string) (string, error) {
	to, err := upstream.ParseTarget(base)
	_, port, splitErr := net.SplitHostPort(to.Address)
	switch {
	case err != nil || splitErr != nil: // without the value, which may contain a password
		return "", optionf("upstream", "must be http://HOST:PORT")
	case to.TLS:
		return "", optionf("upstream", "must start with http://: nginx would not verify the app's certificate")
	case port == "http":
		port = "80"
	}
	addr, err := netip.ParseAddr(to.Host)
	known := err == nil && addr.Zone() == "" || err != nil && !strings.HasPrefix(to.Host, "*") &&
		isServerName(strings.ReplaceAll(to.Host, "_", "x")) // names in container networks may have underscores
	if !known || !isPort(port) {
		return "", optionf("upstream", "%q is not a valid HOST:PORT for nginx", to.Address)
	}
	return net.JoinHostPort(to.Host, port), nil
}

// isItself reports whether nginx would forward to itself, as far as the addresses show it.
func isItself(app string, listen []string) bool {
	appHost, appPort, _ := net.SplitHostPort(app)
	to, err := netip.ParseAddr(appHost)
	if appHost == "localhost" {
		to, err = netip.IPv6Loopback(), nil
	}
	if err != nil {
		return false // what the name resolves to on nginx's machine is unknown
	}
	return slices.ContainsFunc(listen, func(address string) bool {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			host, port = "", address
		}
		at, _ := netip.ParseAddr(host)
		everywhere := host == "" || at.IsUnspecified()
		return port == appPort && (at == to || everywhere && (to.IsLoopback() || to.IsUnspecified()) || appHost == "localhost" && at.IsLoopback())
	})
}

func (s *server) render() ([]byte, error) {
	t, err := template.New("nginx.conf").Funcs(template.FuncMap{"quote": quote}).Parse(nginxTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, s); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// quote writes a string as one word of nginx's configuration language. Variables are expanded if the directive
// supports them: values that may contain a $ must only be used where it does not.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
