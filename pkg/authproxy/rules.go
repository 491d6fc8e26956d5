package authproxy

import (
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// area is a part of the app with one way to log in.
type area struct {
	name     string            // feature
	path     string            // where it begins; "/" for the main app
	password bool              // opened by a password
	stamps   map[string]string // that mark a grant as obtained with one of its passwords, to that under the newest key
	users    map[string]string // names to that stamp
	provider bool              // opened by a login at a provider
}

// open reports whether nobody has to log in.
func (a *area) open() bool { return !a.password && !a.provider }

// rules find the area of a path.
type rules struct {
	exact    map[string]*area
	prefixes []prefix // longest first, of equally long ones those that are guarded
	rest     *area
	areas    []*area // that are not public
}

// prefix is a rule for path and everything below it.
type prefix struct {
	path string
	area *area
}

func newRules(c config.Config, keys sessionKeys) *rules {
	public := &area{name: "public", path: "/"}
	ru := &rules{exact: map[string]*area{}, rest: &area{name: string(config.MainApp), path: "/", provider: len(c.Providers) > 0}}
	if c.HasPassword(config.MainApp) {
		ru.rest.addPasswords(c, config.MainApp, keys)
	}
	ru.areas = append(ru.areas, ru.rest)
	for feature, path := range map[config.Feature]string{config.API: c.APIPath, config.Analytics: c.AnalyticsPath} {
		if c.HasPassword(feature) {
			a := &area{name: string(feature), path: path}
			a.addPasswords(c, feature, keys)
			ru.areas = append(ru.areas, a)
			ru.prefixes = append(ru.prefixes, prefix{path, a})
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
		case longer != 0 || a.area.open() == b.area.open():
			return longer
		case a.area.open():
			return 1
		default:
			return -1
		}
	})
	return ru
}

// addPasswords makes the passwords of a feature open the area.
func (a *area) addPasswords(c config.Config, feature config.Feature, keys sessionKeys) {
	a.password, a.stamps, a.users = true, map[string]string{}, map[string]string{}
	add := func(name string, stamps []string) {
		a.users[name] = stamps[0]
		for _, stamp := range stamps {
			a.stamps[stamp] = stamps[0]
		}
	}
	if login, ok := c.Passwords[feature]; ok {
		add(login.Username, keys.stamps(string(feature), login))
	}
	for _, user := range c.Users[feature].Logins {
		add(user.Username, keys.userStamps(string(feature), user))
	}
}

// oneGuard reports whether every path has the same login.
func (ru *rules) oneGuard() bool {
	return len(ru.prefixes) == 0 && len(ru.exact) == 0 && !ru.rest.open()
}

// of returns the area of a decoded path. Where letters decide, the closed side wins: some frameworks take /API
// for /api, so a guarded prefix matches in any case and a public one only as written.
func (ru *rules) of(path string) *area {
	a, _ := ru.decide(path)
	return a
}

// decide returns the area and how many bytes of the path have decided about it.
func (ru *rules) decide(path string) (*area, int) {
	if a, ok := ru.exact[path]; ok {
		return a, len(path)
	}
	for i := range ru.prefixes {
		if pre := &ru.prefixes[i]; pre.matches(path) {
			return pre.area, min(len(pre.path)+1, len(path))
		}
	}
	return ru.rest, 0
}

// disguised reports whether a path is public only to who decodes it: Express and Tornado compare what they route with
// the target as it was sent, and would take /%70ublic for a page that is not.
func (ru *rules) disguised(address, path string) bool {
	if strings.IndexByte(address, '%') < 0 {
		return false
	}
	a, n := ru.decide(path)
	if !a.open() {
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

// parse returns the decoded path of a request target. Where one guard covers everything no rule can be misled, so that
// names of files pass that only parse refuses elsewhere: with slashes, question marks and hashes in them.
func (ru *rules) parse(address string) (string, error) {
	path, err := target.Parse(address)
	if err != nil && ru.oneGuard() {
		return target.ParseFileNames(address)
	}
	return path, err
}

// localTarget is target.Local for what is let pass to the app.
func (ru *rules) localTarget(address string) string { return target.Local(address, ru.parse) }

// named returns the area of a feature, nil where it has none of its own.
func (ru *rules) named(name string) *area {
	for _, a := range ru.areas {
		if a.name == name {
			return a
		}
	}
	return nil
}

func (pre *prefix) matches(path string) bool {
	n := len(pre.path)
	if len(path) < n || len(path) > n && path[n] != '/' {
		return false
	}
	if pre.area.open() {
		return len(path) > n && path[:n] == pre.path
	}
	return strings.EqualFold(path[:n], pre.path)
}
