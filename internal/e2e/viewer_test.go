package e2e

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// viewer is someone with a browser.
type viewer struct {
	t        *testing.T
	provider *oidcprovider.Provider
	page     *browser.Page
}

// do does something that takes no longer than a page may.
func (v *viewer) do(something func(ctx context.Context) error) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), pageLimit)
	defer cancel()
	if err := something(ctx); err != nil {
		v.t.Fatal(err)
	}
}

func (v *viewer) openTab(chromium *browser.Browser, address string) {
	v.t.Helper()
	v.do(func(ctx context.Context) (err error) { v.page, err = chromium.Open(ctx, address); return err })
}

func (v *viewer) goTo(address string) {
	v.t.Helper()
	v.do(func(ctx context.Context) error { return v.page.GoTo(ctx, address) })
}

func (v *viewer) until(expression string) {
	v.t.Helper()
	v.do(func(ctx context.Context) error { return v.page.WaitFor(ctx, expression) })
}

// follow clicks a link or a button.
func (v *viewer) follow(words string) {
	v.t.Helper()
	v.do(func(ctx context.Context) error { return v.page.Click(ctx, words) })
}

func (v *viewer) types(text string) {
	v.t.Helper()
	v.do(func(ctx context.Context) error { return v.page.Type(ctx, text) })
}

func (v *viewer) press(key string) {
	v.t.Helper()
	v.do(func(ctx context.Context) error { return v.page.Press(ctx, key) })
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

// leaves logs out by the app's own link, after whatever has happened, and finds that the provider asks for a login again.
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
