package bundle_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

// TestAllowSecretsHasAnEffect: a name that changes nothing is told, one that a rule or the content keeps here is not.
func TestAllowSecretsHasAnEffect(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of a log\n", 20_000)
	for name, test := range map[string]struct {
		file, content string
		rules         bundle.Rules
		ok            bool
	}{
		"an ordinary file":              {file: "app.py", content: "print(1)"},
		"in a folder":                   {file: "data/a.csv", content: "a,b"},
		"a sample":                      {file: ".env.example", content: "A="},
		"a certificate":                 {file: "ca.pem", content: "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"},
		"a secret by its name":          {file: "prod.env", content: "A=1", ok: true},
		"a key by its content":          {file: "key.txt", content: testKey, ok: true},
		"a key at the end":              {file: "app.log", content: long + testKey, ok: true},
		"what the project leaves out":   {file: "a.csv", content: "a", rules: bundle.Rules{Ignore: []string{"a.csv"}}, ok: true},
		"what every project leaves out": {file: "app.pyc", content: "x", ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{test.file: test.content})
			for _, search := range []bool{false, true} {
				rules := test.rules
				rules.AllowSecrets, rules.Search = []string{test.file}, search
				l, err := bundle.Plan(t.Context(), dir, rules)
				switch {
				case !test.ok:
					if err == nil || !strings.Contains(err.Error(), test.file) {
						t.Errorf("search %t: %v", search, err)
					}
				case err != nil:
					t.Errorf("search %t: %v", search, err)
				case !strings.Contains(listed(l, true), test.file):
					t.Errorf("search %t: ships %s", search, listed(l, true))
				}
			}
		})
	}
}

func TestAllowSecretsOfLinks(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"prod.env": "A=1"})
	if err := os.Symlink("prod.env", filepath.Join(dir, "settings.cfg")); err != nil {
		t.Skip("no links here:", err)
	}
	l, err := bundle.Plan(t.Context(), dir, bundle.Rules{AllowSecrets: []string{"settings.cfg"}})
	if err != nil || listed(l, true) != "settings.cfg" {
		t.Errorf("%v, ships %s", err, listed(l, true))
	}
}

// testKey was made with 'openssl genpkey -algorithm ed25519' and is used nowhere.
const testKey = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n"
