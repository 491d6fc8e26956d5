package e2e

import (
	"context"
	"fmt"
	"html"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// plain opens an address in a browser that runs no scripts.
func plain(t *testing.T, address string) *viewer {
	t.Helper()
	v := &viewer{t: t}
	v.openTab(startBrowser(t, false), address)
	return v
}

// isOwn expects one of our own pages: readable, in our style, labelled, without a complaint in the console.
func (v *viewer) isOwn(heading string) {
	v.t.Helper()
	v.until(fmt.Sprintf(`document.querySelector("main h1")?.innerText === %q`, heading))
	for _, is := range []string{
		`document.documentElement.lang === "en"`,
		`document.title.length > 3`,
		`document.scripts.length === 0`,
		`document.styleSheets.length === 1 && document.styleSheets[0].cssRules.length > 3`,
		`[...document.querySelectorAll("main p, main li")].some(p => p.innerText.trim().length > 20)`,
	} {
		v.until(is) // at once, but for a page that loads itself again
	}
	// The console has every page that was not answered with 200, and what the provider's pages lack.
	but := []string{"/page?x=", "/callback?", "/_auth/login"}
	if v.provider != nil {
		but = append(but, v.provider.Issuer())
	}
	problems := slices.DeleteFunc(v.page.Problems(), func(problem string) bool {
		return slices.ContainsFunc(but, func(words string) bool { return strings.Contains(problem, words) })
	})
	if len(problems) > 0 {
		v.t.Errorf("%s: the console says %q", heading, problems)
	}
	for _, c := range v.controls() {
		if c.Name == "" {
			v.t.Errorf("%s: a %s without a name", heading, c.Role)
		}
	}
}

// controls are what a screen reader offers to use.
func (v *viewer) controls() (found []browser.Element) {
	v.t.Helper()
	v.do(func(ctx context.Context) (err error) { found, err = v.page.Elements(ctx); return err })
	return slices.DeleteFunc(found, func(e browser.Element) bool {
		return !slices.Contains([]string{"textbox", "button", "link", "checkbox", "combobox", "radio"}, e.Role)
	})
}

// strict expects the headers of our own pages.
func strict(t *testing.T, page *oidcprovider.Page, status int) {
	t.Helper()
	if page.Status != status {
		t.Errorf("%s: %d, want %d", page.URL, page.Status, status)
	}
	policy := page.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: the policy %q lacks %s", page.URL, policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") {
		t.Errorf("%s: the policy %q lets scripts run", page.URL, policy)
	}
	if got := page.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
		t.Errorf("%s: Cache-Control %q", page.URL, got)
	}
}

// answerAt runs an app on a port that the proxy knows already. Its page names an icon: a browser that has to look for
// one does so when it likes, and the console has the failure even where the app has gone in the meantime.
func answerAt(t *testing.T, port int) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	page := func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><p>This is %s`, html.EscapeString(r.RequestURI))
	}
	server := &http.Server{Handler: http.HandlerFunc(page), ReadHeaderTimeout: patience}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	stop = func() { _ = server.Close(); <-done }
	t.Cleanup(stop)
	return stop
}

// An app that is not there yet, that comes, and that goes away.
func TestBrowserPagesOfTheApp(t *testing.T) {
	t.Parallel()
	port := freeport.For(t)
	p := startProxy(t, proxyOptions{upstream: fmt.Sprintf("http://127.0.0.1:%d", port), args: []string{"--public"}})
	strict(t, newClient(t).open(p.url+"/page?x=1"), http.StatusServiceUnavailable)
	v := plain(t, p.url+"/page?x=1")
	v.isOwn("The app is starting")
	stop := answerAt(t, port)
	v.sees("This is /page?x=1") // by itself
	stop()
	eventually(t, "the proxy sees that the app is gone", func() bool {
		return newClient(t).open(p.url+"/").Status == http.StatusBadGateway
	})
	strict(t, newClient(t).open(p.url+"/page?x=1"), http.StatusBadGateway)
	v.goTo(p.url + "/page?x=2")
	v.isOwn("The app is down")
}

// The login page of a password, by keyboard alone.
func TestBrowserPagesOfThePassword(t *testing.T) {
	t.Parallel()
	p := startProxy(t, proxyOptions{upstream: startEcho(t), vars: vars{"username_main_app": "ann", "password_main_app": "ann's secret"}})
	strict(t, newClient(t).open(p.url+"/page?x=1"), http.StatusOK)
	v := plain(t, p.url+"/page?x=1")
	v.isOwn("Log in")
	v.until(`document.activeElement?.name === "username"`)
	v.types("ann")
	v.press(kb.Tab)
	v.types("wrong")
	v.press(kb.Enter)
	v.until(`document.querySelector("[role=alert]")?.innerText.length > 10`)
	v.isOwn("Log in")
	v.until(`document.activeElement?.name === "password"`)
	v.types("ann's secret")
	v.press(kb.Tab)
	v.until(`document.activeElement?.tagName === "BUTTON"`)
	v.press(kb.Enter)
	v.sees(`"Path":"/page?x=1"`)
}

// What a provider has to do with: it is down, it says no, it knows someone who may not come in.
func TestBrowserPagesOfTheProvider(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, vars{"AUTH_ALLOWED_EMAILS": "ann@example.com"})
	v := plain(t, w.proxy.url+"/page?x=1")
	v.provider = w.provider
	v.logIn("user|bob")
	v.isOwn("You have no access to this app")
	v.sees("bob@elsewhere.org")
	v.follow("Log out") // to use another account
	v.until("location.origin === " + strconv.Quote(w.provider.Issuer()))
	v.follow("Log out") // the provider asks, as the browser runs no scripts
	v.sees("logged out")
	v.goTo(w.proxy.url + "/page?x=1")
	v.logIn("user|ann")
	v.sees(`"Path":"/page?x=1"`)
	v.goTo(w.proxy.url + "/logout")
	v.follow("Log out")

	cancelled := newClient(t)
	no, err := oidcprovider.Cancel(t.Context(), cancelled.client, cancelled.open(w.proxy.url+"/"))
	if err != nil {
		t.Fatal(err)
	}
	strict(t, no, http.StatusForbidden)
	strict(t, newClient(t).open(w.proxy.url+"/callback?code=none&state=none"), http.StatusBadRequest)

	w.provider.Stop()
	w.proxy.stop()
	w.proxy.start()
	strict(t, newClient(t).open(w.proxy.url+"/page"), http.StatusServiceUnavailable)
	v = plain(t, w.proxy.url+"/page?x=1") // afresh: the line of text at /status had the browser ask for an icon
	v.isOwn("The login provider does not answer")
}

// The page on which users choose among several providers, by keyboard alone.
func TestBrowserChooser(t *testing.T) {
	t.Parallel()
	w := newPair(t)
	p, first, second := w.proxy, w.first, w.second
	strict(t, newClient(t).open(p.url+"/page?x=1"), http.StatusOK)
	v := plain(t, p.url+"/page?x=1")
	v.isOwn("Log in")
	var names []string
	for _, c := range v.controls() {
		names = append(names, c.Name)
	}
	if all := strings.ToLower(strings.Join(names, "\n")); len(names) != 2 || !strings.Contains(all, "first") || !strings.Contains(all, "second") {
		t.Errorf("to choose from: %q", names)
	}
	v.press(kb.Tab)
	v.press(kb.Tab)
	v.press(kb.Enter)
	v.provider = second
	v.logIn("user|bob")
	v.sees(`"Path":"/page?x=1"`, "bob@elsewhere.org")
	if first.Count("login") != 0 || second.Count("login") != 1 {
		t.Errorf("logins: %d at the first, %d at the second", first.Count("login"), second.Count("login"))
	}
	// The provider of one login takes part in no other.
	second.Stop()
	other := newClient(t)
	chooser := other.open(p.url + "/page?x=1")
	other.logIn(first, p.url+linkTo(t, chooser, "first"), "user|ann")
	if e, in := other.isIn(p.url); !in || e.Header.Get("X-Auth-Name") != "ann@example.com" {
		t.Errorf("by the first while the second is down: %v %+v", in, e)
	}
}

// linkTo finds the link of the chooser to a provider.
func linkTo(t *testing.T, chooser *oidcprovider.Page, name string) string {
	t.Helper()
	for _, part := range strings.Split(chooser.Body, `href="`)[1:] {
		address, rest, _ := strings.Cut(part, `"`)
		label, _, _ := strings.Cut(rest, "</a>")
		if strings.Contains(strings.ToLower(label), name) {
			return strings.ReplaceAll(address, "&amp;", "&")
		}
	}
	t.Fatalf("no link to %s in %s", name, chooser.Body)
	return ""
}
