// Package access decides who may see what. Rules find the protected scope of a path, and a Policy says which of the
// accounts that a provider knows may use the app. It does not know how anybody logs in.
package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// Scope is a part of the app with one way to log in.
type Scope struct {
	Name     string // of the feature; "public" where none is protected
	Path     string // where it begins; "/" for the main app
	Password bool   // opened by a password
	Provider bool   // opened by a login at a provider

	users   map[string]string // user names to fingerprints
	current map[string]string // fingerprints under any secret to those under the newest
}

// Open reports whether nobody has to log in.
func (s *Scope) Open() bool { return !s.Password && !s.Provider }

// Fingerprint marks grants obtained with the present password of a user; empty for an unknown one.
func (s *Scope) Fingerprint(user string) string { return s.users[user] }

// Current returns what a fingerprint is under the newest secret, or "" where no present password has it: the password
// has changed, or the user is gone.
func (s *Scope) Current(fingerprint string) string { return s.current[fingerprint] }

// Rules find the scope of a path. They never change.
type Rules struct {
	exact     map[string]*Scope
	prefixes  []prefix // longest first, of equally long ones the protected
	main      *Scope
	protected []*Scope // that are not public
}

// prefix is a rule for path and everything below it.
type prefix struct {
	path  string
	scope *Scope
}

// NewRules makes the rules of c, which is complete. Fingerprints are made with secrets, newest first.
func NewRules(c config.Config, secrets []session.Secret) *Rules {
	public := &Scope{Name: "public", Path: "/"}
	ru := &Rules{exact: map[string]*Scope{}, main: &Scope{Name: string(config.MainApp), Path: "/", Provider: len(c.Providers) > 0}}
	if c.HasPassword(config.MainApp) {
		ru.main.addPasswords(c, config.MainApp, secrets)
	}
	ru.protected = append(ru.protected, ru.main)
	for feature, path := range map[config.Feature]string{config.API: c.APIPath, config.Analytics: c.AnalyticsPath} {
		if c.HasPassword(feature) {
			s := &Scope{Name: string(feature), Path: path}
			s.addPasswords(c, feature, secrets)
			ru.protected = append(ru.protected, s)
			ru.prefixes = append(ru.prefixes, prefix{path, s})
		}
	}
	for _, path := range c.PublicPaths {
		if below, ok := strings.CutSuffix(path, "/"); ok {
			ru.prefixes = append(ru.prefixes, prefix{below, public})
		} else {
			ru.exact[path] = public
		}
	}
	slices.SortStableFunc(ru.prefixes, func(a, b prefix) int {
		switch longer := len(b.path) - len(a.path); {
		case longer != 0 || a.scope.Open() == b.scope.Open():
			return longer
		case a.scope.Open():
			return 1
		default:
			return -1
		}
	})
	return ru
}

// addPasswords makes the passwords of a feature open the scope.
func (s *Scope) addPasswords(c config.Config, feature config.Feature, secrets []session.Secret) {
	s.Password, s.users, s.current = true, map[string]string{}, map[string]string{}
	for _, secret := range slices.Backward(secrets) { // newest last, so that its fingerprints stay
		for user, fingerprint := range Fingerprints(c, feature, secret) {
			s.users[user] = fingerprint
		}
	}
	for _, secret := range secrets {
		for user, fingerprint := range Fingerprints(c, feature, secret) {
			s.current[fingerprint] = s.users[user]
		}
	}
}

// Fingerprints returns what marks a grant as obtained with the present password of each user of a feature.
func Fingerprints(c config.Config, feature config.Feature, secret session.Secret) map[string]string {
	all := map[string]string{}
	if login, ok := c.Passwords[feature]; ok {
		all[login.Username] = fingerprint(secret, string(feature), login.Username, login.Password.Reveal())
	}
	for _, user := range c.Users[feature].Logins {
		all[user.Username] = fingerprint(secret, string(feature), "hash", user.Username, user.Hash.Reveal())
	}
	return all
}

func fingerprint(secret session.Secret, parts ...string) string {
	mac := hmac.New(sha256.New, secret[:])
	for _, part := range parts {
		mac.Write(strconv.AppendQuote(nil, part)) // so that no two lists of parts look alike
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// uniform reports whether every path has the same login.
func (ru *Rules) uniform() bool {
	return len(ru.prefixes) == 0 && len(ru.exact) == 0 && !ru.main.Open()
}

// Scope returns the scope of a decoded path. Some frameworks take /API for /api, so a protected prefix matches in any case,
// and a public one only as written.
func (ru *Rules) Scope(path string) *Scope {
	scope, _ := ru.decide(path)
	return scope
}

// decide returns the scope of a path, and the length in bytes of the prefix that decided it.
func (ru *Rules) decide(path string) (*Scope, int) {
	if scope, ok := ru.exact[path]; ok {
		return scope, len(path)
	}
	for i := range ru.prefixes {
		if pre := &ru.prefixes[i]; pre.matches(path) {
			return pre.scope, min(len(pre.path)+1, len(path))
		}
	}
	return ru.main, 0
}

// HasRedundantEscapes reports whether a path is public only once it is decoded, by escapes that nobody needs: Express and
// Tornado compare their routes with the target as it was sent, and would take /%70ublic for a page that is not public.
func (ru *Rules) HasRedundantEscapes(address, path string) bool {
	if strings.IndexByte(address, '%') < 0 {
		return false
	}
	scope, n := ru.decide(path)
	if !scope.Open() {
		return false
	}
	for i, from := 0, 0; i < n; i++ {
		if address[from] != '%' {
			from++
			continue
		}
		if target.IsPlain(path[i]) {
			return true
		}
		from += len("%70")
	}
	return false
}

// Parse returns the decoded path of a request target, or target.ErrAmbiguous. Where one scope covers everything no rule
// can be misled, so that file names with slashes, question marks and hashes in them pass, which are refused elsewhere.
func (ru *Rules) Parse(address string) (string, error) {
	path, err := target.Parse(address)
	if err != nil && ru.uniform() {
		return target.ParseFileNames(address)
	}
	return path, err
}

// LocalTarget is target.Local for the paths that Parse accepts.
func (ru *Rules) LocalTarget(address string) string { return target.Local(address, ru.Parse) }

// Main returns the scope of everything that no other has.
func (ru *Rules) Main() *Scope { return ru.main }

// Named returns the scope of a feature, nil where it has none of its own.
func (ru *Rules) Named(name string) *Scope {
	for _, scope := range ru.protected {
		if scope.Name == name {
			return scope
		}
	}
	return nil
}

func (pre *prefix) matches(path string) bool {
	n := len(pre.path)
	if len(path) < n || len(path) > n && path[n] != '/' {
		return false
	}
	if pre.scope.Open() {
		return len(path) > n && path[:n] == pre.path
	}
	return strings.EqualFold(path[:n], pre.path)
}
