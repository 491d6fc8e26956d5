package settings

import (
	"net"
	"net/url"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// place is where requests go.
type place struct {
	api       string
	dashboard string         // "" if api is all that is known
	asked     string         // api as the user wrote it; differs for the names of this machine
	local     *LocalPlatform // the one of this user at api; nil if there is none
	general   bool           // the key that is stored for no particular host may be sent
}

// hosts are those that the reference tool knows by name; zero for any other name.
func hosts(name string) place {
	switch name {
	case "", "prod":
		return place{api: "https://cloud-prod.ploomber.io", dashboard: "https://www.platform.ploomber.io"}
	case "dev":
		return place{api: "https://cloud-dev.ploomber.io", dashboard: "https://www.platform-dev.ploomber.io"}
	case "local":
		return place{api: "http://localhost:8000", dashboard: "http://localhost:3000"}
	}
	return place{}
}

// reference is the host that a variable of the reference tool names.
func (s *Settings) reference() (place, error) {
	name, _ := s.Lookup(PlatformVariable)
	if s.Local {
		name = "local"
	}
	at := hosts(name)
	if at.api == "" {
		return place{}, failure.Failedf("%s is %q, which is not one of prod, dev and local", PlatformVariable, name)
	}
	at.asked, at.general = at.api, !s.Local
	return at, nil
}

// place determines where requests go: a flag, the environment, the host of 'login', a platform of this user on this
// machine, the reference tool's host.
func (s *Settings) place() (place, error) {
	at, chosen, err := s.chosen()
	if err != nil || chosen {
		return at, err
	}
	if p := s.running(); p != nil {
		return place{api: p.API, dashboard: p.Dashboard, asked: p.API, local: p}, nil
	}
	return at, nil
}

// chosen is the place that the user chose, or the reference tool's host with chosen false.
func (s *Settings) chosen() (at place, chosen bool, err error) {
	address, _ := s.Lookup(APIVariable)
	switch {
	case s.APIURL != "":
		at.api, err = baseURL("--api-url", s.APIURL)
	case s.Local:
		at, err = s.reference()
	case address != "":
		at.general = true
		at.api, err = baseURL(APIVariable, address)
	default:
		if name, _ := s.Lookup(PlatformVariable); name != "" {
			at, err = s.reference()
			break
		}
		login, err := s.Login()
		if err != nil {
			return place{}, false, err
		}
		if login == nil {
			at, err = s.reference()
			return at, false, err
		}
		at.api = login.API
	}
	if err != nil {
		return place{}, false, err
	}
	at.asked = at.api
	if p := s.registered(at.api); p != nil {
		at.local, at.api, at.dashboard = p, p.API, p.Dashboard
		return at, true, nil
	}
	return at, true, nil
}

// registered is the platform of this user at api, by any name of this machine; nil if there is none.
func (s *Settings) registered(api string) *LocalPlatform {
	u, err := url.Parse(api)
	if err != nil || !loopback(u.Hostname()) {
		return nil
	}
	for _, p := range s.LocalPlatforms() {
		v, err := url.Parse(p.API)
		same := err == nil && v.Port() == u.Port() && v.Scheme == u.Scheme
		if same && (v.Hostname() == u.Hostname() || u.Hostname() == "localhost") {
			return &p
		}
	}
	return nil
}

// running looks, once, for a platform of this user that serves on this machine. Another user may have taken its port while
// it was down, so it has to prove that it knows the owner's key.
func (s *Settings) running() *LocalPlatform {
	s.search.Do(func() {
		s.searched = true
		if s.Prove == nil {
			return
		}
		for _, p := range s.LocalPlatforms() {
			err := s.proven(p)
			if err == nil {
				s.found = &p
				return
			}
			if s.silent == nil {
				s.silent = err
			}
		}
	})
	return s.found
}

// Own returns the platform of this user at a URL of this machine with its owner's key, once it has proven that it knows the
// key; nil if there is none. An empty URL stands for any that runs.
func (s *Settings) Own(api string) (*LocalPlatform, Key, error) {
	p := s.registered(api)
	if api == "" {
		p = s.running()
	}
	if p == nil {
		return nil, Key{}, nil
	}
	if err := s.proven(*p); err != nil {
		return nil, Key{}, unusable(err)
	}
	key, err := p.OwnerKey()
	return p, key, err
}

func unusable(err error) error {
	return failure.Failedf("the platform on this machine cannot be used: %w", err).
		WithHint("start it with 'ploomber-cloud platform serve'")
}

// proven is nil for a platform that knows the key of its owner.
func (s *Settings) proven(p LocalPlatform) error {
	key, err := p.OwnerKey()
	if err != nil {
		return err
	}
	return s.Prove(p.API, key.value)
}

// API returns the base URL of the platform, without a slash at the end.
func (s *Settings) API() (string, error) {
	at, err := s.place()
	return at.api, err
}

// HostedUntil is the last day of the hosted service. Its URLs are still the default, as projects and scripts use
// them, but they no longer respond.
const HostedUntil = "2025-10-31"

// Hosted reports whether requests go to the discontinued hosted service, because there is no other place. It makes no
// request: until one was necessary, a platform that is registered on this machine counts as running.
func (s *Settings) Hosted() bool {
	at, chosen, err := s.chosen()
	if err != nil || at.api != hosts("prod").api && at.api != hosts("dev").api {
		return false
	}
	if chosen || s.searched {
		return chosen || s.found == nil
	}
	return len(s.LocalPlatforms()) == 0
}

// Ended explains that the hosted service has ended, and which commands give the user another place.
func Ended() (message, hint string) {
	return "the hosted Ploomber Cloud service ended on " + HostedUntil,
		"run 'ploomber-cloud platform serve' for a platform on this machine, or 'ploomber-cloud login URL' to use one that runs elsewhere"
}

// Silent says why the platform that this user runs on this machine is not used, "" if there is none or it is.
func (s *Settings) Silent() string {
	if s.silent == nil || s.found != nil {
		return ""
	}
	return s.silent.Error()
}

// baseURL rejects URLs that would send the key unencrypted to another machine.
func baseURL(source, value string) (string, error) {
	base, err := anyBaseURL(source, value)
	if err != nil {
		return "", err
	}
	if u, err := url.Parse(base); err != nil || u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", failure.Failedf("%s must begin with https://: the API key would be sent unencrypted to %s", source, u.Host)
	}
	return base, nil
}

func anyBaseURL(source, value string) (string, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return "", failure.Failedf("%s must be an address such as https://platform.example.com", source)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return "", failure.Failedf("%s must not contain a user, query or fragment", source)
	}
	return strings.TrimRight(value, "/"), nil
}

func loopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}

// StatusPage is the web page of a job.
func (s *Settings) StatusPage(projectID, jobID string) (string, error) {
	page, err := s.ProjectPage(projectID)
	return page + "/" + url.PathEscape(jobID), err
}

// ProjectPage is the web page of a project.
func (s *Settings) ProjectPage(projectID string) (string, error) {
	at, err := s.place()
	if err == nil && at.dashboard == "" {
		at.dashboard, err = s.dashboardOf(at.api)
	}
	return at.dashboard + "/applications/" + url.PathEscape(projectID), err
}

// dashboardOf is the dashboard that a host named at login. Of others nothing is known; the reference tool uses its own
// with any host.
func (s *Settings) dashboardOf(api string) (string, error) {
	known, err := s.readLogins()
	if err != nil {
		return "", err
	}
	for _, l := range known.Platforms {
		if l.API == api && l.Dashboard != "" {
			return l.Dashboard, nil
		}
	}
	at, err := s.reference()
	return at.dashboard, err
}
