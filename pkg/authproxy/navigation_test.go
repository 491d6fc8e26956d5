package authproxy_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// browserAgent is how browsers call themselves.
const browserAgent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// A Basic challenge makes a browser ask for the password in a dialog of its own, and send it by itself from then on: no
// log-out helps. It is for programs, and for pages that are opened, not for what a page loads.
func TestWhoGetsTheBasicChallenge(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header []string
		auto   bool // also when browsers get the login page
	}{
		"curl":                     {[]string{"User-Agent: curl/8.5.0", "Accept: */*"}, true},
		"git":                      {[]string{"User-Agent: git/2.43.0", "Accept: */*", "Pragma: no-cache"}, true},
		"pip":                      {[]string{"User-Agent: pip/25.1", "Accept: application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"}, true},
		"python-requests":          {[]string{"User-Agent: python-requests/2.32.0", "Accept: */*"}, true},
		"no header at all":         {nil, true},
		"Office":                   {[]string{"User-Agent: Mozilla/4.0 (compatible; ms-office; MSOffice 16)", "Accept: */*"}, true},
		"Excel behind a link":      {[]string{"User-Agent: Mozilla/4.0 (compatible; ms-office; MSOffice 16)", "Referer: http://x/"}, true},
		"program posing":           {[]string{browserAgent, "Accept: */*"}, true},
		"program with an origin":   {[]string{"Origin: http://x", "Accept: application/json"}, true},
		"wrong password in a page": {[]string{asPage, asBasic(user, "no")}, true},
		"fetch":                    {[]string{browserAgent, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: */*"}, false},
		"fetch, same-origin":       {[]string{"Sec-Fetch-Mode: same-origin", "Sec-Fetch-Dest: empty"}, false},
		"fetch, wrong password":    {[]string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", asBasic(user, "no")}, false},
		"image":                    {[]string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Accept: image/*"}, false},
		"script":                   {[]string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}, false},
		"style, mode left out":     {[]string{"Sec-Fetch-Dest: style"}, false},
		"events":                   {[]string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: text/event-stream"}, false},
		"WebSocket":                {[]string{"Sec-Fetch-Mode: websocket", "Sec-Fetch-Dest: empty"}, false},
		"frame":                    {[]string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", asPage}, false},
		"object":                   {[]string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object", asPage}, false},
		"XMLHttpRequest":           {[]string{"X-Requested-With: XMLHttpRequest", "Accept: */*"}, false},
		"fetch on plain http":      {[]string{browserAgent, "Referer: http://app.example/", "Accept: */*"}, false},
		"post on plain http":       {[]string{browserAgent, "Origin: http://app.example", "Accept: application/json"}, false},
		"image on plain http":      {[]string{browserAgent, "Referer: http://app.example/", "Accept: image/avif,image/webp,*/*;q=0.8"}, false},
		"fetched ahead":            {[]string{"Sec-Purpose: prefetch", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", asPage}, false},
	} {
		for _, mode := range []config.Mode{config.ModeAuto, config.ModeBasic, config.ModeForm} {
			t.Run(name+", "+string(mode), func(t *testing.T) {
				t.Parallel()
				c := mainApp()
				c.PasswordMode = mode
				got := newEnvironment(t, c, nil).browser().get("/api/data", tc.header...)
				if mode == config.ModeForm && got.StatusCode == http.StatusFound {
					return
				}
				want := mode == config.ModeBasic || mode == config.ModeAuto && tc.auto
				if asked := got.Header.Get("Www-Authenticate") != ""; got.StatusCode != http.StatusUnauthorized || asked != want {
					t.Errorf("%d, challenge: %v; want 401, %v", got.StatusCode, asked, want)
				}
			})
		}
	}
}

// aheads are the headers with which browsers fetch something ahead.
func aheads() map[string][]string {
	return map[string][]string{
		"prefetch":             {"Sec-Purpose: prefetch"},
		"link rel=prefetch":    {"Sec-Purpose: prefetch", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"},
		"prerender":            {"Sec-Purpose: prefetch;prerender", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
		"through a proxy":      {"Sec-Purpose: prefetch;anonymous-client-ip", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
		"preview":              {"Sec-Purpose: prefetch;prerender;preview"},
		"Hotwire Turbo":        {"X-Sec-Purpose: prefetch", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"},
		"Next.js, app router":  {"Next-Router-Prefetch: 1", "RSC: 1", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"},
		"Next.js, pages":       {"x-middleware-prefetch: 1", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"},
		"htmx":                 {"HX-Preloaded: true", "HX-Request: true", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"},
		"older Chromium":       {"Purpose: prefetch"},
		"older Safari":         {"X-Purpose: preview"},
		"older Safari, Opera":  {"X-Purpose: Preview", "Purpose: preview"},
		"older Firefox":        {"X-Moz: prefetch"},
		"old and new together": {"Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Sec-Speculation-Tags: null"},
	}
}

// What a browser fetches ahead has no effect: nobody has clicked yet. The click that follows has.
func TestFetchedAheadLogsNobodyOut(t *testing.T) {
	t.Parallel()
	for name, ahead := range aheads() {
		for _, path := range []string{"/logout", "/exit", "/logout?from=/", "/%6cogout"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				env := newOIDC(t, oidcOnly(), nil)
				b := env.browser()
				env.logIn(b)
				ws := env.open(b)
				got := b.get(path, append(slices.Clone(ahead), asPage)...)
				if got.StatusCode < 400 || got.location() != "" || len(got.Cookies()) > 0 || got.Header.Get("Cache-Control") != "no-store" ||
					got.Header.Get("Clear-Site-Data") != "" {
					t.Errorf("%d %v", got.StatusCode, got.Header)
				}
				wantEcho(t, ws)
				wantApp(t, b.get("/"))
				if strings.Contains(env.logs.String(), "logged out") {
					t.Errorf("log:\n%s", env.logs)
				}
				if click := b.get(path, asPage); click.StatusCode != http.StatusFound || !strings.HasPrefix(click.location(), issuerURL+"/end") {
					t.Errorf("the click: %d to %q", click.StatusCode, click.location())
				}
				wantCode(t, b.get("/"), http.StatusUnauthorized)
			})
		}
	}
}

// Nor does it begin or finish a login.
func TestFetchedAheadLogsNobodyIn(t *testing.T) {
	t.Parallel()
	for name, ahead := range aheads() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newOIDC(t, oidcOnly(), nil)
			b := env.browser()
			for _, path := range []string{"/", "/deep?x=1", "/_auth/login", "/_auth/login/", "/_auth/login?next=/x"} {
				got := b.get(path, append(slices.Clone(ahead), asPage)...)
				if got.StatusCode < 400 || got.location() != "" || len(got.Cookies()) > 0 || got.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %d to %q, cookies %v", path, got.StatusCode, got.location(), got.Cookies())
				}
			}
			back := "/callback?" + env.fake.Authorize(t, b.beginLogin("/deep?x=1")).Encode()
			if got := b.get(back, append(slices.Clone(ahead), asPage)...); got.StatusCode < 400 || len(got.Cookies()) > 0 || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("callback: %d, cookies %v", got.StatusCode, got.Cookies())
			}
			if got := b.get(back, asPage); got.StatusCode != http.StatusFound || got.location() != "/deep?x=1" {
				t.Errorf("the callback itself: %d to %q\n%s", got.StatusCode, got.location(), got.body)
			}
			wantApp(t, b.get("/", ahead...)) // the app's own pages are its own affair
		})
	}
}

// A service worker that answers navigations by fetch(event.request) leads to a provider's login like any page visit.
func TestServiceWorkerLeadsToTheProvider(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	b := env.browser()
	got := b.get("/deep", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin", asPage)
	if got.StatusCode != http.StatusFound || !strings.Contains(got.location(), "/authorize?") {
		t.Fatalf("%d to %q", got.StatusCode, got.location())
	}
	if back := b.finishLogin(env.fake, got.location()); back.location() != "/deep" {
		t.Errorf("back: %d to %q", back.StatusCode, back.location())
	}
	wantCode(t, env.browser().get("/", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", asPage), http.StatusUnauthorized)
}
