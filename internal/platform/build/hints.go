package build

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// cause is a common failure and how to fix it.
type cause struct {
	said []string // lower case; one of them occurs in the installer's output
	hint string   // %s: the word after the matched text
}

// causes are tried in this order.
func causes() []cause {
	return []cause{
		{[]string{"no space left on device", "disk quota exceeded"}, "free some space, for example with 'ploomber-cloud cache prune'"},
		{
			[]string{"certificate verify failed", "invalid peer certificate", "certificate_verify_failed"},
			"configure the certificate authority of your network:  pip config set global.cert FILE",
		},
		{
			[]string{
				"temporary failure in name resolution", "failed to lookup address", "name or service not known", "connection refused",
				"connect timeout", "network is unreachable", "dns error", "newconnectionerror", "proxyerror", "timed out", "tunnel error",
			},
			"check the network, and the proxy and index that pip uses: pip config list",
		},
		{
			[]string{"401 client error", "401 error", "status code 401", "401 unauthorized", "403 client error", "403 forbidden"},
			"check the login of the package index: pip config list",
		},
		{[]string{"no matching distribution found for "}, "no index has %s for this Python version: check its spelling and version"},
		{[]string{"because "}, ""}, // see notFoundByUV
		{
			[]string{"resolutionimpossible", "conflicting dependencies", "no solution found"},
			"the version requirements conflict with each other: relax one of them",
		},
		{
			[]string{"hashes are required", "do not match the hashes", "hash mismatch"},
			"update the hashes, for example with 'pip-compile --generate-hashes'",
		},
		{
			[]string{"failed building wheel", "failed to build", "subprocess-exited-with-error", "build backend"},
			"a package must be compiled: install a compiler and its headers, or require a version with a wheel for this Python version",
		},
	}
}

// hintFor returns a hint for an installer's output; "" if the failure is unknown.
func hintFor(printed string) string {
	lower := strings.ToLower(printed)
	for _, c := range causes() {
		for _, said := range c.said {
			at := strings.Index(lower, said)
			if at < 0 {
				continue
			}
			if c.hint == "" {
				if name := notFoundByUV(printed[at:]); name != "" {
					return fmt.Sprintf("no index has %s: check its spelling, or the index that pip uses: pip config list", name)
				}
				continue
			}
			if words := strings.Fields(printed[at+len(said):]); strings.Contains(c.hint, "%s") && len(words) > 0 {
				return fmt.Sprintf(c.hint, words[0])
			}
			return c.hint
		}
	}
	return ""
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

// withHint adds a hint to the failure of an installer.
func withHint(err error, r report, with installer) error {
	var problem *platform.Problem
	if !errors.As(err, &problem) || problem.Hint != "" {
		return err
	}
	problem.Hint = hintFor(strings.Join(problem.Output, "\n"))
	if problem.Hint == "" {
		problem.Hint = "'--verbose' shows the full output of " + with.name + " says"
	}
	if len(r.Pins) > 0 {
		problem.Hint += "; if the lock file is out of date, lock again"
	}
	if with.name == "uv" {
		problem.Hint += "; '--installer pip' installs without uv"
	}
	return problem
}
