package authproxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// After a log-out people see a page that leads on; programs get two words.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.AppName, c.HelpText = `Sales <b> & "more"`, "Ask Zoë.\nRoom 5 <script>"
	env := newEnvironment(t, c, nil)
	b := env.browser()
	for _, in := range []bool{false, true, false} {
		if in {
			b.login("/", user, pass)
		}
		title, link, words := "You are logged out", `href="/"`, "logged out"
		if in {
			title, link, words = "You are logged in", `href="/logout"`, "logged in"
		}
		page := b.get("/status", asPage)
		for _, want := range []string{"<h1>" + title + "</h1>", link, "Sales &lt;b&gt; &amp; &#34;more&#34;", "Ask Zoë.\nRoom 5 &lt;script&gt;", "<title>" + title + " – Sales"} {
			if page.StatusCode != http.StatusOK || !strings.Contains(page.body, want) {
				t.Errorf("%d, %s is missing in\n%s", page.StatusCode, want, page.body)
			}
		}
		if page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control %q", page.Header.Get("Cache-Control"))
		}
		for _, header := range [][]string{nil, {"Accept: */*"}, {"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", asPage}} {
			if got := b.get("/status", header...); got.body != words || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("%v: %q", header, got.body)
			}
		}
		if in {
			b.get("/logout")
		}
	}
	for name, got := range map[string]reply{"login": b.get("/_auth/login", asPage), "no page": b.get("/_auth/x", asPage)} {
		if !strings.Contains(got.body, "Sales &lt;b&gt;") || !strings.Contains(got.body, "Room 5") {
			t.Errorf("%s:\n%s", name, got.body)
		}
	}
}

// Who is locked out learns for how long, and the page goes on to the login by itself.
func TestLockedPage(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	page := b.get("/_auth/login?next=%2Fdeep%3Fx%3D1", asPage)
	token := tokenField.FindStringSubmatch(page.body)[1]
	try := func(header ...string) reply {
		form := url.Values{"token": {token}, "next": {"/deep?x=1"}, "username": {user}, "password": {"no"}}
		return b.do("POST", "/_auth/login", form.Encode(), append(header, asForm, "Origin: "+env.url)...)
	}
	var got reply
	for range 10 {
		if got = try(asPage); got.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	seconds, err := strconv.Atoi(got.Header.Get("Retry-After"))
	if got.StatusCode != http.StatusTooManyRequests || err != nil || seconds < 1 {
		t.Fatalf("%d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
	}
	for _, want := range []string{
		fmt.Sprintf("You can try again in %d seconds.", seconds),
		fmt.Sprintf(`<meta http-equiv="refresh" content="%d; url=/_auth/login?next=%%2Fdeep%%3Fx%%3D1">`, seconds),
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is missing in\n%s", want, got.body)
		}
	}
	if program := try(); program.StatusCode != http.StatusTooManyRequests || !strings.HasPrefix(program.body, "Too many wrong passwords. You can try again in ") {
		t.Errorf("%d %q", program.StatusCode, program.body)
	}
	if basic := b.get("/", asBasic(user, "no")); basic.StatusCode != http.StatusTooManyRequests || !strings.Contains(basic.body, "You can try again in ") {
		t.Errorf("%d %q", basic.StatusCode, basic.body)
	}
}

// A log-out makes the browser forget what it has kept of the app, as far as the configuration says.
func TestClearSiteData(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"": `"cache"`, "none": "", "cache": `"cache"`, "cache,storage,cookies": `"cache", "storage", "cookies"`} {
		c := mainApp()
		c.ClearSiteData = setting
		env := newEnvironment(t, c, nil)
		b := env.browser()
		b.login("/", user, pass)
		for _, path := range []string{"/", "/status", "/_auth/login"} {
			if got := b.get(path, asPage); got.Header.Get("Clear-Site-Data") != "" {
				t.Errorf("%q: %s clears", setting, path)
			}
		}
		for _, path := range []string{"/logout", "/exit"} {
			if got := b.get(path, asPage).Header.Values("Clear-Site-Data"); strings.Join(got, "|") != want {
				t.Errorf("%q: %s clears %q, want %q", setting, path, got, want)
			}
		}
	}
}

// A page about whose caching the app says nothing is kept by nobody: the way back would show it after a log-out. Parts of
// pages, which may be large, are kept by the browser alone.
func TestClass23PagesAreNotKept(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		rw.Header().Set("Content-Type", q.Get("type"))
		if said := q.Get("said"); said != "" {
			rw.Header().Set("Cache-Control", said)
		}
	}))
	b := env.browser()
	b.login("/", user, pass)
	for query, want := range map[string]string{
		"type=text/html": "no-store", "type=Text/HTML%3Bcharset=utf-8": "no-store", "type=application/xhtml%2Bxml": "no-store", "type=text/html&said=no-cache": "no-cache",
		"type=text/html&said=public,max-age=60": "public,max-age=60", "type=text/css": "private", "type=application/json": "private", "type=image/png&said=max-age=9": "max-age=9",
	} {
		if got := b.get("/?" + query).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// Most frameworks take a header's bytes for Latin-1: a name that is not ASCII goes out percent-encoded as well, and no
// client can speak for it.
func TestNamesThatAreNotASCII(t *testing.T) {
	t.Parallel()
	c := mainApp()
	for name, want := range map[string]string{"josé": "jos%C3%A9", "ünï@exämple.com": "%C3%BCn%C3%AF%40ex%C3%A4mple.com", "山田 太郎": "%E5%B1%B1%E7%94%B0%20%E5%A4%AA%E9%83%8E", "100% é/ü": "100%25%20%C3%A9%2F%C3%BC", "ann": "", "100%25": ""} {
		c.Passwords = map[config.Feature]config.Login{config.MainApp: {Username: name, Password: pass}}
		env := newEnvironment(t, c, nil)
		wantApp(t, env.browser().get("/", asBasic(name, pass), "X-Auth-Name-Encoded: root", "X_Auth_Name_Encoded: root"))
		seen := env.received()[0].Header
		if seen.Get("X-Auth-Name") != name || seen.Get("X-Auth-Name-Encoded") != want || len(seen["X_auth_name_encoded"]) > 0 {
			t.Errorf("%q: the app saw %v", name, seen)
		}
		if decoded, err := url.PathUnescape(seen.Get("X-Auth-Name-Encoded")); want != "" && (err != nil || decoded != name) {
			t.Errorf("%q: decoded %q, %v", name, decoded, err)
		}
	}
}
