package access_test

import (
	"fmt"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/access"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// A guarded prefix comes before a public one that is as long, whatever else is configured.
func TestGuardedPrefixComesFirst(t *testing.T) {
	t.Parallel()
	c := config.Config{APIPath: "/api", AnalyticsPath: "/ana",
		Passwords: map[config.Feature]config.Login{config.API: {Username: "u", Password: "p"}, config.Analytics: {Username: "u", Password: "p"}}}
	for i := range 40 { // more than are sorted by insertion, which is always stable
		c.PublicPaths = append(c.PublicPaths, fmt.Sprintf("/x%0*d/", i*7%5, i), "/api/", "/ana/")
	}
	ru := access.NewRules(c, []session.Secret{{}})
	for path, want := range map[string]string{"/api": "api", "/api/x": "api", "/ana/x": "analytics", "/x5/y": "public", "/x5": "main_app"} {
		if got := ru.Scope(path).Name; got != want {
			t.Errorf("%s is in %s, want %s", path, got, want)
		}
	}
}
