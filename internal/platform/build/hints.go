package build

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// cause is a common failure and how to fix it.
type cause struct {
	said   []string // lower case; one of them occurs in the installer's output
	reason platform.Reason
	hint   string // for the owner of the project; %s: the word after the matched text
	here   string // added where the machine is the owner's; may be ""
}

// causes are tried in this order.
func causes() []cause {
	return []cause{
		{
			[]string{"no space left on device", "disk quota exceeded"}, platform.ReasonDisk,
			"free some space", "for example with 'ploomber-cloud cache prune'",
		},
		{
			[]string{"certificate verify failed", "invalid peer certificate", "certificate_verify_failed"}, platform.ReasonNetwork,
			"configure the certificate authority of your network for pip", "pip config set global.cert FILE",
		},
		{
			[]string{
				"temporary failure in name resolution", "failed to lookup address", "name or service not known", "connection refused",
				"connect timeout", "network is unreachable", "dns error", "newconnectionerror", "proxyerror", "timed out", "tunnel error",
				"error sending request", "http status server error", "500 server error", "502 server error", "503 server error", "504 server error",
			},
			platform.ReasonNetwork, "check the network, and the proxy and index that pip uses, and try again", "pip config list",
		},
		{
			[]string{"401 client error", "401 error", "status code 401", "401 unauthorized", "403 client error", "403 forbidden"},
			platform.ReasonNetwork, "check the login of the package index", "pip config list",
		},
		{
			[]string{"no matching distribution found for "}, platform.ReasonDependency,
			"no index has %s for this Python version: check its spelling and version", "",
		},
		{[]string{"because "}, platform.ReasonDependency, "", ""}, // see notFoundByUV
		{
			[]string{"resolutionimpossible", "conflicting dependencies", "no solution found"}, platform.ReasonBuild,
			"the version requirements conflict with each other: relax one of them", "",
		},
		{
			[]string{"hashes are required", "do not match the hashes", "hash mismatch"}, platform.ReasonBuild,
			"update the hashes, for example with 'pip-compile --generate-hashes'", "",
		},
		{
			[]string{"failed building wheel", "failed to build", "subprocess-exited-with-error", "build backend"}, platform.ReasonBuild,
			"a package must be compiled: install a compiler and its headers, or require a version with a wheel for this Python version", "",
		},
	}
}

// causeOf returns the cause that an installer's output tells, its hint filled in; false if it is unknown.
func causeOf(printed string) (cause, bool) {
	lower := strings.ToLower(printed)
	for _, c := range causes() {
		for _, said := range c.said {
			at := strings.Index(lower, said)
			if at < 0 {
				continue
			}
			if c.hint == "" {
				name := notFoundByUV(printed[at:])
				if name == "" {
					continue
				}
				c.hint, c.here = fmt.Sprintf("no index has %s: check its spelling", name), "or the index that pip uses: pip config list"
			}
			if words := strings.Fields(printed[at+len(said):]); strings.Contains(c.hint, "%s") && len(words) > 0 {
				c.hint = fmt.Sprintf(c.hint, words[0])
			}
			return c, true
		}
	}
	return cause{}, false
}

// notFoundByUV returns the package in "Because NAME was not found in the package registry"; uv may break the line
// anywhere.
func notFoundByUV(printed string) string {
	words := strings.Fields(printed)
	if len(words) > 5 && strings.Join(words[2:5], " ") == "was not found" {
		return words[1]
	}
	return ""
}

// explained adds the reason of an installer's failure and a hint.
func (v *venvBuild) explained(err error, with installer) error {
	var problem *platform.Problem
	if !errors.As(err, &problem) || problem.Hint != "" {
		return err
	}
	c, known := causeOf(strings.Join(problem.Output, "\n"))
	if known {
		problem.Reason, problem.Hint = c.reason, c.hint
	}
	switch {
	case v.Hosting && !known:
		problem.Hint = "the build log has everything that " + with.name + " says"
	case v.Hosting:
	case !known:
		problem.Hint = "'--verbose' shows everything that " + with.name + " says"
	case c.here != "":
		problem.Hint += ", " + c.here
	}
	if len(v.r.Pins) > 0 {
		problem.Hint += "; if the lock file is out of date, lock again"
	}
	if with.name == "uv" && !v.Hosting {
		problem.Hint += "; '--installer pip' installs without uv"
	}
	return problem
}
