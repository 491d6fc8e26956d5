package build

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// cause is a frequent failure and what helps.
type cause struct {
	said []string // lower case; one of them is in what the installer printed
	hint string   // %s: the word that follows said
}

// causes are looked for in this order.
func causes() []cause {
	return []cause{
		{[]string{"no space left on device", "disk quota exceeded"}, "make room, for example with 'ploomber-cloud cache prune'"},
		{
			[]string{"certificate verify failed", "invalid peer certificate", "certificate_verify_failed"},
			"name the certificate authority of your network: pip config set global.cert FILE",
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
		{[]string{"no matching distribution found for "}, "no index has %s for this Python: check its spelling and version"},
		{[]string{"because "}, ""}, // see notFoundByUV
		{
			[]string{"resolutionimpossible", "conflicting dependencies", "no solution found"},
			"the versions asked for contradict each other: loosen one of them",
		},
		{
			[]string{"hashes are required", "do not match the hashes", "hash mismatch"},
			"bring the hashes up to date, for example with 'pip-compile --generate-hashes'",
		},
		{
			[]string{"failed building wheel", "failed to build", "subprocess-exited-with-error", "build backend"},
			"a package has to be compiled: install its compiler and headers, or ask for a version that has a wheel for this Python",
		},
	}
}

// hintFor returns what helps against what an installer printed; "" where nothing is known.
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

// notFoundByUV returns the package in "Because NAME was not found in the package registry"; uv breaks the line anywhere.
func notFoundByUV(printed string) string {
	words := strings.Fields(printed)
	if len(words) > 5 && strings.Join(words[2:5], " ") == "was not found" {
		return words[1]
	}
	return ""
}

// withHint adds what helps to the failure of an installer.
func withHint(err error, r report, with installer) error {
	var problem *platform.Problem
	if !errors.As(err, &problem) || problem.Hint != "" {
		return err
	}
	problem.Hint = hintFor(strings.Join(problem.Output, "\n"))
	if problem.Hint == "" {
		problem.Hint = "'--verbose' shows all that " + with.name + " says"
	}
	if len(r.Pins) > 0 {
		problem.Hint += "; if the lock file is out of date, lock again"
	}
	if with.name == "uv" {
		problem.Hint += "; '--installer pip' installs without uv"
	}
	return problem
}
