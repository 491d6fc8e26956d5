package platformcmd

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

func TestPublicURLs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags  Flags
		domain string // of the apps
		apps   string // URL
		wrong  bool
	}{
		"none":               {Flags{AppsDomain: defaultDomain}, "localhost", "", false},
		"sets the domain":    {Flags{AppsDomain: defaultDomain, PublicApps: "https://apps.example.com/"}, "apps.example.com", "https://apps.example.com", false},
		"with a port":        {Flags{AppsDomain: "a.test", PublicApps: "http://a.test:81"}, "a.test", "http://a.test:81", false},
		"another domain":     {Flags{AppsDomain: "b.test", PublicApps: "https://a.test"}, "", "", true},
		"no scheme":          {Flags{AppsDomain: defaultDomain, PublicApps: "apps.example.com"}, "", "", true},
		"a path":             {Flags{AppsDomain: defaultDomain, PublicDashboard: "https://a.test/dashboard"}, "", "", true},
		"a query":            {Flags{AppsDomain: defaultDomain, PublicAPI: "https://a.test?x"}, "", "", true},
		"a user":             {Flags{AppsDomain: defaultDomain, PublicAPI: "https://ann@a.test"}, "", "", true},
		"not the web":        {Flags{AppsDomain: defaultDomain, PublicAPI: "ftp://a.test"}, "", "", true},
		"a port and no host": {Flags{AppsDomain: defaultDomain, PublicAPI: "https://:1"}, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Flags: tc.flags}
			got, err := o.public()
			if tc.wrong {
				if failure.Code(err) != failure.Usage {
					t.Errorf("error %v, want one of usage", err)
				}
				return
			}
			apps := ""
			if got.Apps != nil {
				apps = got.Apps.String()
			}
			if err != nil || o.AppsDomain != tc.domain || apps != tc.apps {
				t.Errorf("domain %q, apps %q, %v; want %q, %q", o.AppsDomain, apps, err, tc.domain, tc.apps)
			}
		})
	}
}
