package e2e

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// viewer is somebody with a browser.
type viewer struct {
	t        *testing.T
	provider *oidcprovider.Provider
	page     *browser.Page
	tools    *devtools
}

func (v *viewer) openTab(chromium *browser.Browser, dir, base string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), pageLimit)
	defer cancel()
	page, err := chromium.Open(ctx, base+"/status")
	if err != nil {
		v.t.Fatal(err)
	}
	v.page, v.tools = page, watch(v.t, dir, base+"/status")
}

func (v *viewer) goTo(address string) {
	v.t.Helper()
	v.tools.forget()
	v.tools.call("Page.navigate", map[string]any{"url": address}, nil)
}

func (v *viewer) until(expression string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), pageLimit)
	defer cancel()
	if err := v.page.WaitFor(ctx, expression); err != nil {
		v.t.Fatal(err)
	}
}

// follow clicks a link or a button.
func (v *viewer) follow(words string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), pageLimit)
	defer cancel()
	if err := v.page.Click(ctx, words); err != nil {
		v.t.Fatal(err)
	}
}

func (v *viewer) sees(words ...string) {
	v.t.Helper()
	for _, w := range words {
		v.until(fmt.Sprintf("text().includes(%q)", w))
	}
}

// at expects the page's path and query.
func (v *viewer) at(page string) {
	v.t.Helper()
	v.until(fmt.Sprintf("location.pathname + location.search === %q", page))
}

func (v *viewer) logIn(user string) {
	v.t.Helper()
	v.until("location.origin === " + strconv.Quote(v.provider.Issuer()) + ` && all("input[name=password]").length === 1`)
	password := ""
	for _, u := range []oidcprovider.User{ann(), bob(), eve()} {
		if u.Subject == user {
			password = u.Password
		}
	}
	v.until(fmt.Sprintf(`(all("input[name=user]")[0].value = %q, all("input[name=password]")[0].value = %q, true)`, user, password))
	v.until(`(all("button[value=login]")[0].click(), true)`)
}

// leaves logs out by the app's own link, after whatever has happened, and finds that the provider asks again.
func (v *viewer) leaves(base string, newTab bool) {
	v.t.Helper()
	v.goTo(base + "/")
	v.sees("ann@example.com") // the provider still knows who this is
	ended := v.provider.Count("POST /session/end/confirm")
	v.follow("Log out")
	eventually(v.t, "the provider has logged out too", func() bool { return v.provider.Count("POST /session/end/confirm") > ended })
	if newTab {
		v.goTo(base + "/status")
	}
	v.until(`location.pathname === "/status"`)
	v.sees("logged out")
	v.goTo(base + "/")
	v.until("location.origin === " + strconv.Quote(v.provider.Issuer()) + ` && all("input[name=password]").length === 1`)
}
