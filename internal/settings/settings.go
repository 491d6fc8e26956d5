// Package settings determines where requests go and with which key: from the environment, then from what the user
// stored. It makes no requests.
package settings

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// Environment variables that users set.
const (
	KeyVariable      = "PLOOMBER_CLOUD_KEY"
	APIVariable      = "PLOOMBER_CLOUD_API_URL"
	PlatformVariable = "_PLOOMBER_CLOUD_ENV"
)

// Settings reads the environment through Lookup and the user's files below Home.
type Settings struct {
	Lookup func(name string) (string, bool)
	Home   func() (string, error) // the user's home folder
	APIURL string                 // --api-url; "" means the environment decides
	Local  bool                   // --local: the platform on this machine
}

// host is one place where the platform runs.
type host struct{ api, dashboard string }

func (s *Settings) host() (host, error) {
	name, _ := s.Lookup(PlatformVariable)
	if s.Local {
		name = "local"
	}
	h := hosts(name)
	if h.api == "" {
		return host{}, failure.Failedf("%s is %q, which is not one of prod, dev and local", PlatformVariable, name)
	}
	return h, nil
}

// hosts are those that the reference tool knows by name; zero for any other name.
func hosts(name string) host {
	switch name {
	case "", "prod":
		return host{"https://cloud-prod.ploomber.io", "https://www.platform.ploomber.io"}
	case "dev":
		return host{"https://cloud-dev.ploomber.io", "https://www.platform-dev.ploomber.io"}
	case "local":
		return host{"http://localhost:8000", "http://localhost:3000"}
	}
	return host{}
}

// API returns the base URL of the platform, without a slash at the end.
func (s *Settings) API() (string, error) {
	if s.APIURL != "" {
		return baseURL("--api-url", s.APIURL)
	}
	if v, _ := s.Lookup(APIVariable); v != "" && !s.Local {
		return baseURL(APIVariable, v)
	}
	h, err := s.host()
	return h.api, err
}

// HostedUntil is the last day of the hosted service. Its URLs are still the default, as projects and scripts use
// them, but they no longer respond.
const HostedUntil = "2025-10-31"

// Hosted reports whether requests go to the discontinued hosted service, because no other host is configured.
func (s *Settings) Hosted() bool {
	at, err := s.API()
	for _, name := range []string{"prod", "dev"} {
		if err == nil && at == hosts(name).api {
			return true
		}
	}
	return false
}

// Ended explains that the hosted service has ended, and what works instead.
func Ended() (message, hint string) {
	return "the hosted Ploomber Cloud service ended on " + HostedUntil,
		"run the app here with 'ploomber-cloud up'; to deploy, set " + APIVariable + " to the address of a host of your own"
}

// baseURL rejects URLs that would send the key unencrypted to another machine.
func baseURL(source, value string) (string, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return "", failure.Failedf("%s must be an address such as https://platform.example.com", source)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return "", failure.Failedf("%s must not contain a user, query or fragment", source)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", failure.Failedf("%s must begin with https://: the API key would be sent unencrypted to %s", source, u.Host)
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
	h, err := s.host()
	return h.dashboard + "/applications/" + url.PathEscape(projectID), err
}

// ExamplesURL is where the archive of the examples is downloaded from.
func (s *Settings) ExamplesURL() string {
	return s.or("PLOOMBER_CLOUD_EXAMPLES_URL", "https://api.github.com/repos/ploomber/doc/zipball/main")
}

// WorkflowURL is where the GitHub workflow template is downloaded from.
func (s *Settings) WorkflowURL() string {
	return s.or("PLOOMBER_CLOUD_WORKFLOW_URL",
		"https://raw.githubusercontent.com/ploomber/cloud-template/main/.github/workflows/ploomber-cloud.yaml")
}

// ModelsURL is the base URL of the service that hosts the models of the vllm template.
func (s *Settings) ModelsURL() string {
	return strings.TrimRight(s.or("PLOOMBER_CLOUD_HF_URL", "https://huggingface.co"), "/")
}

func (s *Settings) or(variable, standard string) string {
	if v, _ := s.Lookup(variable); v != "" {
		return v
	}
	return standard
}

// PollInterval is the time between two polls of a watched deployment.
func (s *Settings) PollInterval() (time.Duration, error) {
	const variable, standard = "PLOOMBER_CLOUD_POLL_INTERVAL", 15 * time.Second
	v, _ := s.Lookup(variable)
	if v == "" {
		return standard, nil
	}
	seconds, err := strconv.ParseFloat(v, 64)
	if err != nil || !(seconds > 0 && seconds <= 3600) { // NaN too
		return 0, failure.Failedf("%s must be a number of seconds from 0 to 3600", variable)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// InCI reports whether the program runs on a build server, by the rule of the reference tool.
func (s *Settings) InCI() bool {
	if repository, _ := s.Lookup("GITHUB_REPOSITORY"); repository == "ploomber/cli" {
		return false
	}
	ci, _ := s.Lookup("CI")
	actions, _ := s.Lookup("GITHUB_ACTIONS")
	return ci != "" || actions != ""
}

// Dir is the tool's folder in the user's home, ~/.ploomber.
func (s *Settings) Dir() (string, error) {
	home, err := s.Home()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".ploomber"), nil
}

// statsDir contains the stored key. In the reference tool a variable moves it, and only it.
func (s *Settings) statsDir() (string, error) {
	if v, _ := s.Lookup("PLOOMBER_HOME_DIR"); v != "" {
		return filepath.Join(v, "stats"), nil
	}
	dir, err := s.Dir()
	return filepath.Join(dir, "stats"), err
}

// errNoHome is returned by Home if the system knows no home folder.
var errNoHome = errors.New("cannot determine the home folder")

// HomeFrom returns a Home that reads the environment: HOME, on Windows USERPROFILE.
func HomeFrom(lookup func(string) (string, bool), variable string) func() (string, error) {
	return func() (string, error) {
		if v, _ := lookup(variable); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("%w: set %s, or %s to the API key", errNoHome, variable, KeyVariable)
	}
}
