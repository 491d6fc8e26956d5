package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// Logins that nobody ends leave cookies, which must not pile up until a server refuses the request.
func TestAbandonedLogins(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, vars{"AUTH_PUBLIC_PATHS": "/open"})
	v := newClient(t)
	var last string
	for i := range 60 {
		last = fmt.Sprintf("/tab/%d?x=%s", i, strings.Repeat("y", 1000))
		v.walk(w.proxy.url+last, w.provider.Issuer()+"/auth")
	}
	size := 0
	for _, c := range v.cookies(w.proxy.url) {
		size += len(c.Name) + len(c.Value) + 3
	}
	if size > 24<<10 {
		t.Errorf("the browser sends %d bytes of cookies", size)
	}
	status, _, body := v.ask(http.MethodGet, w.proxy.url+"/open", nil)
	if e := echoOf(t, status, body); strings.Contains(e.Header.Get("Cookie"), "ploomber") {
		t.Error("the app sees cookies of ours")
	}
	page := v.logIn(w.provider, w.proxy.url+last, "user|ann")
	if e := echoOf(t, page.Status, page.Body); e.Path != last {
		t.Errorf("came to %s", e.Path)
	}
}

// An address that is too long to come back to is no reason to fail.
func TestLongAddress(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	for _, size := range []int{1 << 10, 3 << 10, 7 << 10} {
		path := "/deep?x=" + strings.Repeat("y", size)
		page := newClient(t).logIn(w.provider, w.proxy.url+path, "user|ann")
		if e := echoOf(t, page.Status, page.Body); e.Path != path && e.Path != "/" {
			t.Errorf("%d bytes: came to %.40s", size, e.Path)
		}
	}
}

// Two tabs choose different providers and both log in: the later counts, and nothing is left of the earlier.
func TestTwoTabsTwoProviders(t *testing.T) {
	t.Parallel()
	w := newPair(t)
	v := newClient(t)
	a := v.open(w.proxy.url + "/_auth/login/first?next=/a")
	b := v.open(w.proxy.url + "/_auth/login/second?next=/b")
	for _, one := range []struct {
		at         *oidcprovider.Provider
		form       *oidcprovider.Page
		user, path string
	}{{w.first, a, "user|ann", "/a"}, {w.second, b, "user|bob", "/b"}} {
		page, err := one.at.Answer(t.Context(), v.client, one.form, one.user)
		if err != nil {
			t.Fatal(err)
		}
		e := echoOf(t, page.Status, page.Body)
		if e.Path != one.path || e.Header.Get("X-Auth-Sub") != one.user {
			t.Errorf("%s came to %s as %s", one.user, e.Path, e.Header.Get("X-Auth-Sub"))
		}
	}
	if _, err := w.second.LogOut(t.Context(), v.client, w.proxy.url+"/logout"); err != nil {
		t.Error(err)
	}
	if _, in := v.isIn(w.proxy.url); in {
		t.Error("in after the logout")
	}
}

// What is below our prefix and nobody knows is our own "no".
func TestOwnPrefix(t *testing.T) {
	t.Parallel()
	w := newPair(t)
	v := newClient(t)
	for path, want := range map[string]int{
		"/_auth": 404, "/_auth/": 404, "/_auth/nothing": 404, "/_auth/login/third": 404, "/_auth/login/": 404,
		"/_auth/backchannel-logout": 404, "/_auth/backchannel-logout/first": 405, "/_auth/login": 200, "/_auth/style.css": 200,
		"/callback": 400, "/callback?error=access_denied&state=x": 400,
	} {
		if page := v.open(w.proxy.url + path); page.Status != want {
			t.Errorf("%s: %d, want %d", path, page.Status, want)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/"} {
		if status, _, _ := v.ask(http.MethodGet, w.proxy.url+path, nil); status != http.StatusUnauthorized {
			t.Errorf("%s on the public listener: %d, want 401 as for any page of the app", path, status)
		}
	}
	answer, err := http.Get(w.proxy.private + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("metrics on the private listener: %s", answer.Status)
	}
}
