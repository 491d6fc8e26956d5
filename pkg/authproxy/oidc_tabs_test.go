package authproxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// nginxLine is what nginx takes for a line of the head, and so for all cookies, unless told otherwise.
const nginxLine = 8 << 10

// A browser that has been started again loads all its tabs at once, each without knowing of the others' logins. The
// cookies of all of them pass through nginx, with room for the app's own, and every tab comes back to its own address.
func TestClass10RestoredTabs(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(int) string{
		"short":     func(i int) string { return fmt.Sprintf("/%d", i) },
		"dashboard": func(i int) string { return fmt.Sprintf("/dashboard/%d?tab=overview", i) },
		"a name":    func(i int) string { return fmt.Sprintf("/projects/group%%2F%d/what%%3F.txt", i) },
		"1 KB":      func(i int) string { return fmt.Sprintf("/tab/%d?%s", i, strings.Repeat("q", 1000)) },
		"1.9 KB":    func(i int) string { return fmt.Sprintf("/tab/%d?%s", i, strings.Repeat("a%20=b&", 270)) },
		"3 KB":      func(i int) string { return fmt.Sprintf("/tab/%d?%s", i, strings.Repeat("a%20=b&", 440)) },
		"5.9 KB":    func(i int) string { return fmt.Sprintf("/tab/%d?%s", i, strings.Repeat("q", 5900)) },
	} {
		for _, providers := range []func() config.Config{oidcOnly, oidcTwo} {
			c := providers()
			t.Run(fmt.Sprintf("%s, %d", name, len(c.Providers)), func(t *testing.T) {
				t.Parallel()
				const tabs = 40
				c.BaseURL = must(url.Parse("https://app.example.com"))
				env := newOIDC(t, c, nil, func(_ *oidcEnvironment, o *authproxy.Options) { o.CookieSuffix = "8501" })
				b := &browser{env.environment, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
				var cookies, callbacks []string
				for i := range tabs {
					path := address(i)
					if len(c.Providers) > 1 {
						path = "/_auth/login/first?next=" + url.QueryEscape(path)
					}
					begun := b.get(path, asPage)
					if len(begun.Cookies()) != 1 {
						t.Fatalf("tab %d: %d, cookies %v", i, begun.StatusCode, begun.Cookies())
					}
					cookies = append(cookies, begun.Cookies()[0].Name+"="+begun.Cookies()[0].Value)
					callbacks = append(callbacks, "/callback?"+env.fake.Authorize(t, begun.location()).Encode())
				}
				line := "Cookie: " + strings.Join(cookies, "; ")
				if len(line) > nginxLine-1<<10 {
					t.Errorf("%d bytes of cookies", len(line))
				}
				for i, callback := range callbacks {
					got := b.get(callback, asPage, line)
					if got.StatusCode != http.StatusFound || got.location() != address(i) {
						t.Fatalf("tab %d: %d to %q\n%s", i, got.StatusCode, got.location(), got.body)
					}
				}
				if got := b.get(callbacks[0], asPage); got.StatusCode != http.StatusBadRequest { // security class 7: another browser
					t.Errorf("a callback without its cookie: %d", got.StatusCode)
				}
			})
		}
	}
}

// A browser that is restored a second time, before anybody has logged in, sends no more cookies than the first time.
func TestClass10RestoredTwice(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	jar := map[string]string{}
	line := func() string {
		var pairs []string
		for name, value := range jar {
			pairs = append(pairs, name+"="+value)
		}
		return "Cookie: " + strings.Join(pairs, "; ")
	}
	b := env.browser()
	b.client.Jar = nil
	const tabs = 40
	callbacks := map[int]string{}
	for range 3 {
		before := line() // all tabs send what the browser had when it was restored
		for i := range tabs {
			begun := b.get(fmt.Sprintf("/tab/%d?x=%s", i, strings.Repeat("q", 100)), asPage, before)
			callbacks[i] = "/callback?" + env.fake.Authorize(t, begun.location()).Encode()
			for _, c := range begun.Cookies() {
				if jar[c.Name] = c.Value; c.MaxAge < 0 {
					delete(jar, c.Name)
				}
			}
		}
		if len(jar) > tabs+1 || len(line()) > nginxLine-1<<10 {
			t.Errorf("%d cookies of %d bytes", len(jar), len(line()))
		}
	}
	for i, callback := range callbacks {
		if got := b.get(callback, asPage, line()); !strings.HasPrefix(got.location(), fmt.Sprintf("/tab/%d?", i)) {
			t.Errorf("tab %d: %d to %q", i, got.StatusCode, got.location())
		}
	}
}

// Logins that are begun and never finished cost a bounded amount of memory, and nobody else's address (security class 21).
func TestClass21LoginFlood(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	early, late := env.browser(), env.browser()
	long := func(name string) string { return "/" + name + "?" + strings.Repeat("q", 1900) }
	before := early.beginLogin(long("early"))
	flood := env.browser()
	flood.client.Jar = nil
	for range 4 << 10 { // as many as are kept: see TestReturnsAreBounded
		flood.beginLogin(long("flood"))
	}
	after := late.beginLogin(long("late"))
	if got := early.finishLogin(env.fake, before); got.location() != long("early") {
		t.Errorf("whose login was begun before: to %q", got.location())
	}
	if got := late.finishLogin(env.fake, after); got.location() != long("late") {
		t.Errorf("whose login was begun afterwards: to %q", got.location())
	}
	huge := env.browser()
	begun := huge.get("/huge?"+strings.Repeat("q", 5000), asPage)
	if got := huge.finishLogin(env.fake, begun.location()); got.location() != "/" || len(begun.Cookies()[0].String()) > 4<<10 {
		t.Errorf("what fits into no cookie: to %q, cookie of %d bytes", got.location(), len(begun.Cookies()[0].String()))
	}
}
