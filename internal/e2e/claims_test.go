package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// What a provider says of someone reaches the app as it is, or nobody is logged in.
func TestNames(t *testing.T) {
	t.Parallel()
	var groups []string
	for i := range 600 {
		groups = append(groups, fmt.Sprintf("department-%03d-of-a-big-organisation", i))
	}
	users := map[string]struct {
		user    oidcprovider.User
		status  int
		name    string
		idToken bool
	}{
		"plain":        {oidcprovider.User{Subject: "1", Email: "ann@example.com", Verified: true}, 200, "ann@example.com", true},
		"odd":          {oidcprovider.User{Subject: "2", Email: "o'hara_*b*{x}&a+b%25=!@example.com"}, 200, "o'hara_*b*{x}&a+b%25=!@example.com", true},
		"quote":        {oidcprovider.User{Subject: "10", Email: `a"b@example.com`, Verified: true}, 403, "", false},
		"not ASCII":    {oidcprovider.User{Subject: "3", Email: "zoë@example.com", Verified: true}, 200, "zoë@example.com", true},
		"no e-mail":    {oidcprovider.User{Subject: "4"}, 200, "", true},
		"subject":      {oidcprovider.User{Subject: "auth0|5/ö?&=%", Email: "e@example.com"}, 200, "e@example.com", true},
		"large":        {oidcprovider.User{Subject: "6", Email: "six@example.com", Claims: map[string]any{"groups": groups}}, 200, "six@example.com", false},
		"two at signs": {oidcprovider.User{Subject: "7", Email: "evil@evil.org@example.com", Verified: true}, 403, "", false},
		"line break":   {oidcprovider.User{Subject: "8", Email: "a@example.com\r\nX-Auth-Sub: root", Verified: true}, 403, "", false},
		"bell":         {oidcprovider.User{Subject: "9", Email: "a\a@example.com", Verified: true}, 403, "", false},
	}
	w := newEnvironment(t, func(s *oidcprovider.Settings) {
		s.Users = nil
		for _, tc := range users {
			s.Users = append(s.Users, tc.user)
		}
	}, nil)
	for name, tc := range users {
		v := newClient(t)
		page := v.logIn(w.provider, w.proxy.url+"/", tc.user.Subject)
		if page.Status != tc.status {
			t.Errorf("%s: %d, want %d: %s", name, page.Status, tc.status, page.Body)
		}
		if tc.status != http.StatusOK {
			if _, in := v.isIn(w.proxy.url); in {
				t.Errorf("%s: in", name)
			}
			continue
		}
		h := echoOf(t, page.Status, page.Body).Header
		if got := h.Get("X-Auth-Name"); got != tc.name {
			t.Errorf("%s: the app reads %q", name, got)
		}
		if got := h.Get("X-Auth-Sub"); got != tc.user.Subject {
			t.Errorf("%s: the app reads subject %q", name, got)
		}
		if got := h.Get("X-Id-Token"); (got != "") != tc.idToken {
			t.Errorf("%s: an ID token of %d bytes", name, len(got))
		}
		out, err := w.provider.LogOut(t.Context(), v.client, w.proxy.url+"/logout")
		if err != nil || !strings.Contains(out.Body, "You are logged out") {
			t.Errorf("%s: logout %+v, %v", name, out, err)
		}
	}
}
