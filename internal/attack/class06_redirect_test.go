package attack

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/redirecttest"
)

// staysHere fails unless a browser that gets this answer stays on the proxy, on a page that is the app's.
func staysHere(t *testing.T, p *proxy, target string, r reply) {
	t.Helper()
	base := "http://" + p.host
	if host := redirecttest.Host(base, r.location()); host != p.host {
		t.Errorf("%q leads to %q, by %q", target, host, r.location())
	}
	for _, own := range []string{"/_auth", "/logout", "/exit", "/callback"} {
		if strings.HasPrefix(r.location(), own) {
			t.Errorf("%q leads to %q", target, r.location())
		}
	}
	for _, c := range r.Cookies() {
		if !strings.Contains(c.Name, "ploomber") {
			t.Errorf("%q sets the cookie %s", target, c.Name)
		}
	}
	if r.Header.Get("Refresh") != "" || len(r.Header.Values("Location")) > 1 {
		t.Errorf("%q: %v", target, r.Header)
	}
}

// Security class 6: after a login the browser is on this origin, whatever address it was given before.
func TestClass06OpenRedirect(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	targets := redirecttest.Hostile()
	if len(targets) < 600 {
		t.Fatalf("only %d targets", len(targets))
	}
	b := p.browser()
	token := tokenField(b.get("/_auth/login", asPage).body)
	for _, target := range targets {
		form := url.Values{"token": {token}, "next": {target}, "username": {user}, "password": {pass}}
		in := b.do("POST", "/_auth/login", form.Encode(), asForm)
		if in.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q: %d", target, in.StatusCode)
		}
		staysHere(t, p, target, in)
	}
	for _, target := range []string{"/", "/a/b/", "/a?b=c&d=//e", "/a?next=https://x.example/", "/caf%C3%A9", "/a%20b"} {
		if in := b.login(target, user, pass); in.location() != target {
			t.Errorf("%q leads to %q", target, in.location())
		}
	}
}

// The other ways to say where to go: the address that was asked for, the page's parameter, headers, several at once.
func TestClass06OpenRedirectElsewhere(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	for _, target := range redirecttest.Hostile() {
		if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \t\r\n#") || len(target) > 4000 {
			continue // no request target
		}
		r := p.raw(p.head("GET", target, asPage, "Connection: close") + "\r\n")
		switch {
		case r.StatusCode == http.StatusFound:
			u, err := url.Parse(r.location())
			if err != nil || u.Host != "" || u.Path != "/_auth/login" && u.Path != "/status" {
				t.Errorf("GET %q leads to %q", target, r.location())
				continue
			}
			if next := u.Query().Get("next"); next != "" && redirecttest.Host(p.url, next) != p.host {
				t.Errorf("GET %q remembers %q", target, next)
			}
		case r.StatusCode != http.StatusBadRequest && !strings.Contains(target, "auth/"):
			t.Errorf("GET %q: %d", target, r.StatusCode)
		}
	}
	a.taken()
	b := p.browser()
	token := tokenField(b.get("/_auth/login?next=/mine&next=//evil.example", asPage).body)
	for name, body := range map[string]string{
		"two in the form":      "next=/mine&next=//evil.example",
		"in the query as well": "next=",
		"other names":          "rd=//evil.example&returnTo=//evil.example&redirect=//evil.example&url=//evil.example&return_to=//evil.example",
		"array":                "next[]=//evil.example&next[0]=//evil.example",
		"semicolon":            "x=1;next=//evil.example",
	} {
		form := body + "&" + url.Values{"token": {token}, "username": {user}, "password": {pass}}.Encode()
		in := b.do("POST", "/_auth/login?next=//evil.example&rd=//evil.example", form, asForm, "Referer: "+p.url+"//evil.example", "X-Original-Url: //evil.example", "X-Forwarded-Host: evil.example")
		if in.StatusCode == http.StatusSeeOther {
			staysHere(t, p, name, in)
		} else if in.StatusCode != http.StatusBadRequest && in.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, in.StatusCode)
		}
	}
	out := b.get("/logout?next=//evil.example&returnTo=//evil.example&post_logout_redirect_uri=//evil.example", "Host: evil.example")
	if out.location() != "/status" {
		t.Errorf("logout leads to %q", out.location())
	}
}

// Security class 7: nobody is logged in by a page, a link or a form that is not theirs.
func TestClass07LoginCSRF(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	own := func(b *browser) string { return tokenField(b.get("/_auth/login", asPage).body) }
	post := func(b *browser, token string, header ...string) reply {
		form := url.Values{"token": {token}, "next": {"/"}, "username": {user}, "password": {pass}}
		return b.do("POST", "/_auth/login", form.Encode(), append([]string{asForm}, header...)...)
	}
	attackers := p.browser()
	foreign := own(attackers)
	for name, try := range map[string]func(*browser) reply{
		"no token, no cookie":         func(b *browser) reply { return post(b, "") },
		"a foreign token":             func(b *browser) reply { return post(b, foreign) },
		"a foreign token, own cookie": func(b *browser) reply { own(b); return post(b, foreign) },
		"own token of no cookie":      func(b *browser) reply { token := own(b); b.client.Jar = p.browser().client.Jar; return post(b, token) },
		"the cookie as token":         func(b *browser) reply { own(b); return post(b, loginCookie(b)) },
		"the token of a cookie":       func(b *browser) reply { token := own(b); return post(b, token[:len(token)-3]+"AAA") },
		"foreign origin":              func(b *browser) reply { return post(b, own(b), "Origin: https://evil.example") },
		"origin null":                 func(b *browser) reply { return post(b, own(b), "Origin: null") },
		"origin of another port":      func(b *browser) reply { return post(b, own(b), "Origin: http://127.0.0.1:1") },
		"origin with another scheme":  func(b *browser) reply { return post(b, own(b), "Origin: ftp://"+p.host) },
		"empty origin":                func(b *browser) reply { return post(b, own(b), "Origin: ") },
		"cross-site":                  func(b *browser) reply { return post(b, own(b), "Sec-Fetch-Site: cross-site") },
		"sibling domain":              func(b *browser) reply { return post(b, own(b), "Sec-Fetch-Site: same-site") },
		"JSON": func(b *browser) reply {
			return b.do("POST", "/_auth/login", `{"username":"ann"}`, "Content-Type: application/json")
		},
		"text, which needs no consent": func(b *browser) reply {
			return b.do("POST", "/_auth/login", "token="+own(b), "Content-Type: text/plain")
		},
		"multipart": func(b *browser) reply {
			return b.do("POST", "/_auth/login", "--x\r\nContent-Disposition: form-data; name=token\r\n\r\n"+own(b)+"\r\n--x--", "Content-Type: multipart/form-data; boundary=x")
		},
		"in the address": func(b *browser) reply {
			return b.get("/_auth/login?" + url.Values{"token": {own(b)}, "username": {user}, "password": {pass}}.Encode())
		},
		"in the address of a form": func(b *browser) reply {
			return b.do("POST", "/_auth/login?"+url.Values{"token": {own(b)}, "username": {user}, "password": {pass}}.Encode(), "", asForm)
		},
		"huge": func(b *browser) reply {
			return b.do("POST", "/_auth/login", "token="+own(b)+"&username=ann&password="+url.QueryEscape(pass)+"&x="+strings.Repeat("x", 1<<20), asForm)
		},
	} {
		b := p.browser()
		if r := try(b); r.StatusCode == http.StatusSeeOther || b.session() != "" {
			t.Errorf("%s: logged in (%d)", name, r.StatusCode)
		}
	}
	// Ten tabs, the last first.
	b := p.browser()
	var tokens []string
	for range 10 {
		tokens = append([]string{own(b)}, tokens...)
	}
	for i, token := range tokens {
		if r := post(b, token); r.StatusCode != http.StatusSeeOther {
			t.Errorf("tab %d: %d", i, r.StatusCode)
		}
	}
	wantApp(t, "after ten logins", b.get("/"))
}

func loginCookie(b *browser) string {
	u, err := url.Parse(b.p.url)
	if err != nil {
		return ""
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == b.p.cookieName("login") {
			return c.Value
		}
	}
	return ""
}

// Logging out by a picture on another page only annoys; logging in or reading must not work that way.
func TestClass07LoginCSRFOverBasic(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PASSWORD_MODE=form"))
	b := p.browser()
	r := b.get("/", asBasic(user, pass))
	wantStatus(t, "Basic where only the form counts", r, http.StatusUnauthorized)
	if b.session() != "" || r.Header.Get("Www-Authenticate") != "" {
		t.Errorf("session %q, challenge %q", b.session(), r.Header.Get("Www-Authenticate"))
	}
	in := p.loggedIn()
	wantApp(t, "the app's own Basic", in.get("/", asBasic(user, pass)))
	if got := a.taken(); len(got) != 1 || got[0].Header.Get("Authorization") == "" {
		t.Errorf("with AUTH_PASSWORD_MODE=form the header is the app's: %+v", got)
	}
}
