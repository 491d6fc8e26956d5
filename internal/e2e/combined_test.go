package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// People log in at a provider, programs below /api with a password.
func TestPasswordAndProvider(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, vars{"username_api": "robot", "password_api": "the robot's - no real one"})
	v := newClient(t)
	robot := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("robot:the robot's - no real one"))}}
	status, _, body := v.ask(http.MethodPost, w.proxy.url+"/api/v1", robot)
	if e := echoOf(t, status, body); e.Header.Get("X-Auth-Name") != "robot" || e.Header.Get("Authorization") != "" {
		t.Errorf("the app reads %v", e.Header)
	}
	if status, _, _ := newClient(t).ask(http.MethodGet, w.proxy.url+"/data", robot); status != http.StatusUnauthorized {
		t.Errorf("the password of /api elsewhere: %d, want 401", status)
	}
	ann := newClient(t)
	ann.logIn(w.provider, w.proxy.url+"/", "user|ann")
	if status, h, _ := ann.ask(http.MethodGet, w.proxy.url+"/api/v1", nil); status != http.StatusUnauthorized ||
		!strings.HasPrefix(h.Get("Www-Authenticate"), "Basic ") {
		t.Errorf("the provider's login for /api: %d, %q", status, h.Get("Www-Authenticate"))
	}
	if e, in := ann.isIn(w.proxy.url); !in || e.Header.Get("X-Auth-Name") != "ann@example.com" {
		t.Errorf("Ann after that: in %v, %q", in, e.Header.Get("X-Auth-Name"))
	}
}

// Sessions end by themselves: unused after a while, and at last in any case, with the pages that are open.
func TestSessionTimes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limit string
		used  bool
	}{
		"idle":     {"AUTH_SESSION_IDLE", false},
		"lifetime": {"AUTH_SESSION_LIFETIME", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit = 10 * time.Second // enough to log in on most machines
			w := newEnvironment(t, nil, vars{tc.limit: limit.String()})
			var in bool
			var open *socket
			v := w.enter(t, limit, func(v *client, _ *oidcprovider.Page) {
				if _, in = v.isIn(w.proxy.url); tc.used {
					open, _ = v.dial(t, w.proxy.url)
				}
			})
			if !in || tc.used && open == nil {
				t.Fatal("out at once")
			}
			if tc.used {
				defer open.ends(t)
			}
			outlive(limit)
			if _, in := v.isIn(w.proxy.url); in {
				t.Error("in after the session's time")
			}
			page := v.open(w.proxy.url + "/back?x=1") // the provider still knows who this is
			if e := echoOf(t, page.Status, page.Body); e.Path != "/back?x=1" {
				t.Errorf("came to %s", e.Path)
			}
		})
	}
}
