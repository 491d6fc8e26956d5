package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// From an anonymous visit to the logout, and what the app learns on the way.
func TestLogin(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	v := newClient(t)
	for name, header := range map[string]http.Header{
		"a script":      {"Accept": {"application/json"}},
		"no preference": {"Accept": {"*/*"}},
		"part of a page": {"Accept": {"text/html"}, "Sec-Fetch-Mode": {"no-cors"},
			"Sec-Fetch-Dest": {"image"}},
	} {
		if status, _, _ := v.ask(http.MethodGet, w.proxy.url+"/data", header); status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d, want 401", name, status)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if status, _, _ := v.ask(method, w.proxy.url+"/data", nil); status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d, want 401", method, status)
		}
	}
	if _, status := v.dial(t, w.proxy.url); status != http.StatusUnauthorized {
		t.Errorf("a WebSocket without a session: %d, want 401", status)
	}
	if got := v.status(w.proxy.url); got != "logged out" {
		t.Errorf("status %q before", got)
	}

	page := v.logIn(w.provider, w.proxy.url+"/deep/link?q=a%20b&q=%2F", "user|ann")
	e := echoOf(t, page.Status, page.Body)
	if e.Path != "/deep/link?q=a%20b&q=%2F" {
		t.Errorf("the login leads to %s", e.Path)
	}
	for name, want := range map[string]string{"X-Auth-Name": "ann@example.com", "X-Auth-Sub": "user|ann"} {
		if got := e.Header.Values(name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if strings.Count(e.Header.Get("X-Id-Token"), ".") != 2 || e.Header.Get("X-Access-Token") == "" {
		t.Error("the app got no tokens")
	}
	if cookie := e.Header.Get("Cookie"); strings.Contains(cookie, "ploomber") {
		t.Errorf("the app got our cookie: %s", cookie)
	}
	if got := v.status(w.proxy.url); got != "logged in" {
		t.Errorf("status %q after", got)
	}
	socket := v.connect(t, w.proxy.url)
	socket.says(t, "still here")

	seen := []string{e.Header.Get("X-Id-Token"), e.Header.Get("X-Access-Token")}
	for _, cookie := range v.cookies(w.proxy.url) {
		seen = append(seen, cookie.Value)
	}
	out, err := w.provider.LogOut(t.Context(), v.client, w.proxy.url+"/logout")
	if err != nil {
		t.Fatal(err)
	}
	if out.URL.String() != w.proxy.url+"/status" || !strings.Contains(out.Body, "You are logged out") {
		t.Errorf("the logout leads to %s, which says %q", out.URL, out.Body)
	}
	socket.ends(t)
	if _, in := v.isIn(w.proxy.url); in {
		t.Error("the session lives after the logout")
	}
	if again := v.open(w.proxy.url); !strings.Contains(again.URL.Path, "/interaction/") {
		t.Errorf("after the logout the provider asks for nothing: %s", again.URL)
	}
	w.proxy.stop() // so that all it has to say is there
	w.proxy.keepsSecrets(seen...)
}

// Someone who has logged in once does not type a password again for another app of the same provider.
func TestSecondApp(t *testing.T) {
	t.Parallel()
	first, second := freeport.For(t), freeport.For(t)
	provider := oidcprovider.Start(t, settings(first, second))
	app := startEcho(t)
	var bases []string
	for _, port := range []int{first, second} {
		p := startProxy(t, proxyOptions{port: port, upstream: app, vars: oidcVars(provider.Issuer(), port, nil)})
		bases = append(bases, p.url)
	}
	v := newClient(t)
	v.logIn(provider, bases[0]+"/", "user|ann")
	page := v.open(bases[1] + "/second?x=1")
	if e := echoOf(t, page.Status, page.Body); e.Path != "/second?x=1" || e.Header.Get("X-Auth-Name") != "ann@example.com" {
		t.Errorf("the second app got %+v", e)
	}
	page = v.open(bases[0] + "/first?x=1")
	if e := echoOf(t, page.Status, page.Body); e.Path != "/first?x=1" {
		t.Errorf("back at the first app: %+v", e)
	}
}

// Ten tabs that were open when the session ended all come back, in whatever order people log in.
func TestParallelLogins(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	v := newClient(t)
	const tabs = 10
	var forms [tabs]*oidcprovider.Page
	var opening sync.WaitGroup
	for i := range tabs {
		opening.Go(func() {
			page, err := oidcprovider.Open(t.Context(), v.client, fmt.Sprintf("%s/tab/%d", w.proxy.url, i))
			if err != nil {
				t.Error(err)
			}
			forms[i] = page
		})
	}
	opening.Wait()
	for _, i := range rand.Perm(tabs) {
		if forms[i] == nil {
			continue
		}
		page, err := w.provider.Answer(t.Context(), v.client, forms[i], "user|ann")
		if err != nil {
			t.Errorf("tab %d: %v", i, err)
			continue
		}
		if e := echoOf(t, page.Status, page.Body); e.Path != fmt.Sprintf("/tab/%d", i) {
			t.Errorf("tab %d came to %s", i, e.Path)
		}
	}
}

// People write the issuer as they like.
func TestIssuerSpelling(t *testing.T) {
	t.Parallel()
	port := freeport.For(t)
	provider := oidcprovider.Start(t, settings(port))
	app := startEcho(t)
	for name, issuer := range map[string]string{
		"as announced": provider.Issuer(),
		"with a slash": provider.Issuer() + "/",
		"with spaces":  " " + provider.Issuer() + " ",
	} {
		t.Run(name, func(t *testing.T) {
			p := startProxy(t, proxyOptions{port: port, upstream: app, vars: oidcVars(issuer, port, nil)})
			page := newClient(t).logIn(provider, p.url+"/", "user|bob")
			if e := echoOf(t, page.Status, page.Body); e.Header.Get("X-Auth-Name") != "bob@elsewhere.org" {
				t.Errorf("logged in as %q", e.Header.Get("X-Auth-Name"))
			}
			p.stop()
		})
	}
}
