// Package settings determines where requests go and with which key: from flags and the environment, then from what the
// user stored, then from the platforms that the user runs on this machine. Its only request is Settings.Prove, which the
// caller provides.
package settings

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// Environment variables that users set.
const (
	KeyVariable      = "PLOOMBER_CLOUD_KEY"
	APIVariable      = "PLOOMBER_CLOUD_API_URL"
	PlatformVariable = "_PLOOMBER_CLOUD_ENV"
)

// Settings reads the environment through Lookup and the user's files below Home. It determines where requests go once,
// when first asked.
type Settings struct {
	Lookup func(name string) (string, bool)
	Home   func() (string, error) // the user's home folder; nil for none
	APIURL string                 // --api-url; "" means the environment decides
	Local  bool                   // --local: the platform on this machine

	// Prove makes the platform at a base URL prove that it knows a key, without sending the key. Without Prove no key
	// of a platform on this machine is used.
	Prove func(api, key string) error

	search   sync.Once // for a platform on this machine
	searched bool
	found    *LocalPlatform
	silent   error // why one that is registered was not found
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

// PollInterval is the time between two polls of a watched deployment: that of the reference tool for the hosts that it
// knows, less for others, whose apps start in seconds.
func (s *Settings) PollInterval() (time.Duration, error) {
	const variable, reference, others = "PLOOMBER_CLOUD_POLL_INTERVAL", 15 * time.Second, time.Second
	v, _ := s.Lookup(variable)
	switch {
	case v == "" && s.Hosted():
		return reference, nil
	case v == "":
		return others, nil
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
	if s.Home == nil {
		return "", failure.Failedf("the home folder is not known")
	}
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
