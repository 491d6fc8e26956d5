package attack

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// wantSafePage fails unless a page of our own holds no script, no frame and nothing that a client could have put there.
func wantSafePage(t *testing.T, name string, r reply) {
	t.Helper()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		wantPlainMarkup(t, name, r.body)
	}
	h := r.Header
	policy := h.Get("Content-Security-Policy")
	for _, wanted := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, wanted) {
			t.Errorf("%s: the policy %q lacks %s", name, policy, wanted)
		}
	}
	if strings.Contains(policy, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") == "" ||
		!slices.Contains([]string{"text/html; charset=utf-8", "text/plain; charset=utf-8"}, h.Get("Content-Type")) {
		t.Errorf("%s: %v", name, h)
	}
	for _, secret := range []string{"canary", accessToken, "eyJ"} {
		if strings.Contains(r.body, secret) {
			t.Errorf("%s: the page has %q", name, secret)
		}
	}
}

// wantPlainMarkup fails unless a page consists of the few elements that our pages have, as a browser's parser sees it.
func wantPlainMarkup(t *testing.T, name, page string) {
	t.Helper()
	elements := []string{"html", "head", "meta", "link", "title", "body", "main", "h1", "p", "form", "input", "label", "button", "a", "strong", "ul", "li", "nav"}
	attributes := []string{"lang", "charset", "name", "content", "rel", "href", "method", "action", "type", "value", "for", "id", "autocomplete", "autocapitalize", "spellcheck", "maxlength", "required",
		"autofocus", "aria-label", "aria-describedby", "role", "class", "http-equiv"}
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.CommentToken:
			t.Errorf("%s: a comment in\n%s", name, page)
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			token := z.Token()
			if !slices.Contains(elements, token.Data) {
				t.Errorf("%s: <%s> in\n%s", name, token.Data, page)
			}
			for _, a := range token.Attr {
				local := strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//")
				if !slices.Contains(attributes, a.Key) || (a.Key == "href" || a.Key == "action") && !local || a.Key == "http-equiv" && a.Val != "refresh" {
					t.Errorf("%s: %s=%q in\n%s", name, a.Key, a.Val, page)
				}
			}
		}
	}
}

// Security class 17: what anybody sends is text on our pages, those about the provider included.
func TestClass17OwnPages(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	attacks := []string{`"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `</title><svg onload=alert(1)>`, `javascript:alert(1)`, `{{.}}`, `" autofocus onfocus="alert(1)`, "</p>\r\n<script>", `<!--`, `\u003cscript\u003e`,
		"\x1b[31m", "+ADw-script+AD4-", `"><base href=//evil.example>`, `<a href="javascript:alert(1)">x</a>`}
	withPassword := start(t, a.url, password("AUTH_TRUSTED_PROXIES=127.0.0.1"))
	for _, attack := range attacks {
		e := url.QueryEscape(attack)
		b := withPassword.browser()
		pages := map[string]reply{
			"login page":     b.get("/_auth/login?next=/"+e+"&username="+e+"&error="+e+"&problem="+e, asPage),
			"no page":        b.get("/_auth/x?"+e, asPage),
			"expired":        b.do("POST", "/_auth/login", url.Values{"username": {attack}, "next": {"/" + attack}, "token": {attack}}.Encode(), asForm, asPage),
			"not ours":       b.do("POST", "/_auth/login", e, "Content-Type: text/plain", asPage, "Referer: "+strings.Map(func(r rune) rune { return max(r, ' ') }, attack)),
			"ambiguous":      withPassword.raw(withPassword.head("GET", "//"+e, asPage) + "\r\n"),
			"foreign origin": withPassword.raw(withPassword.upgrade("/", "Origin: https://evil.example", "User-Agent: "+strings.Map(func(r rune) rune { return max(r, ' ') }, attack))),
		}
		for name, r := range pages {
			wantSafePage(t, name, r)
		}
	}
	wrong := withPassword.browser().login("/", attacks[0], attacks[1])
	wantSafePage(t, "wrong password", wrong)
	p := startWith(t, a.url, idp, []string{"AUTH_ALLOWED_EMAILS=nobody@example.com"})
	for _, attack := range attacks {
		b := p.browser()
		q := b.authorize(idp, b.begin("/"))
		q.Del("code")
		q.Set("error", attack)
		q.Set("error_description", attack)
		q.Set("error_uri", "javascript:alert(1)")
		wantSafePage(t, "refused by the provider", b.get("/callback?"+q.Encode(), asPage))
		wantSafePage(t, "no such login", b.get("/callback?state="+url.QueryEscape(attack)+"&code=x", asPage))
		idp.Lock()
		idp.Claims = map[string]any{"email": nil, "sub": strings.Map(func(r rune) rune { return max(r, ' ') }, attack), "name": "x"}
		idp.Unlock()
		wantSafePage(t, "denied", p.browser().through(idp, "/"))
		idp.reset()
	}
	two := startAt(t, a.url, append(append(idp.environ("ALPHA"), newProvider(t).environ("BETA")...), "AUTH_PROVIDERS=alpha,beta"))
	for _, attack := range attacks {
		e := url.QueryEscape(attack)
		wantSafePage(t, "chooser", two.bare().get("/_auth/login?next=/"+e+"&provider="+e, asPage))
		wantSafePage(t, "chooser of an address", two.bare().get("/_auth/login?next="+url.QueryEscape("/x?a="+e), asPage))
		wantSafePage(t, "no such provider", two.bare().get("/_auth/login/"+url.PathEscape(strings.Map(func(r rune) rune { return max(r, ' ') }, attack)), asPage))
	}
	style := p.bare().get("/_auth/style.css")
	if !strings.HasPrefix(style.Header.Get("Content-Type"), "text/css") || style.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("style: %v", style.Header)
	}
}

// Security class 23: what someone who has logged in sees is kept by nobody else, unless the app says so.
func TestClass23Caching(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	a.handle("/says", func(w http.ResponseWriter, r *http.Request) {
		for _, line := range r.URL.Query()["header"] {
			name, value, _ := strings.Cut(line, ":")
			w.Header().Add(name, value)
		}
	})
	byPassword, byProvider := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/")), startWith(t, a.url, idp, nil)
	b, c := byPassword.loggedIn(), byProvider.loggedInThrough(idp)
	for what, r := range map[string]reply{
		"form": byPassword.browser().login("/", user, pass), "Basic": byPassword.bare().get("/", asBasic(user, pass)), "login page": byPassword.bare().get("/_auth/login", asPage),
		"to the form": byPassword.bare().get("/", asPage), "401": byPassword.bare().get("/"), "logout": byPassword.loggedIn().get("/logout"), "status": b.get("/status"), "no status": byPassword.bare().get("/status"),
		"to the provider": byProvider.bare().get("/", asPage), "callback": byProvider.browser().through(idp, "/"), "no callback": byProvider.bare().get("/callback", asPage), "401 of a provider": byProvider.bare().get("/"),
		"logout at a provider": byProvider.loggedInThrough(idp).get("/logout"), "no page": byProvider.bare().get("/_auth/x"), "Basic, whatever the app says": byPassword.bare().get("/says?header=Cache-Control:public", asBasic(user, pass)),
		"refused target": byPassword.bare().get("/a//b"), "404 of style": byPassword.bare().get("/_auth/style"),
	} {
		if got := r.Header.Values("Cache-Control"); !slices.Equal(got, []string{"no-store"}) {
			t.Errorf("%s (%d): %q", what, r.StatusCode, got)
		}
	}
	for target, want := range map[string]string{"/x": "private", "/says?header=Cache-Control:public,max-age=60": "public,max-age=60", "/says?header=Cache-Control:no-cache": "no-cache", "/says?header=Expires:0": "private", "/says?header=Vary:Accept": "private"} {
		for _, in := range []*browser{b, c} {
			if got := in.get(target).Header.Get("Cache-Control"); got != want {
				t.Errorf("%s: %q, want %q", target, got, want)
			}
		}
	}
	if got := byPassword.bare().get("/open/x").Header.Get("Cache-Control"); got != "" {
		t.Errorf("a public page: %q", got)
	}
}
