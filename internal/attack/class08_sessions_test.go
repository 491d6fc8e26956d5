package attack

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Security class 8: an id from before a login opens nothing after it, and no client chooses one.
func TestClass08SessionFixation(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("username_api=bot", "password_api="+pass+" 2"))
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	attacker := p.loggedIn()
	for name, injected := range map[string]string{
		"made up": strings.Repeat("B", 43), "the attacker's own": attacker.session(), "zeros": strings.Repeat("A", 43), "empty": "", "long": strings.Repeat("x", 3000),
	} {
		b := p.browser()
		b.client.Jar.SetCookies(u, []*http.Cookie{{Name: p.cookieName("session"), Value: injected}})
		b.login("/", user, pass)
		if b.session() == injected || b.session() == "" {
			t.Errorf("%s: the injected id was adopted", name)
		}
		wantStatus(t, name+": injected id", p.bare().get("/", p.as(injected)), http.StatusUnauthorized)
	}
	// A new id at each login, also where more is granted, and the old one is worth nothing.
	b := p.loggedIn()
	ids := []string{b.session()}
	for _, login := range [][3]string{{"/", user, pass}, {"/api/x", "bot", pass + " 2"}, {"/", user, pass}} {
		b.login(login[0], login[1], login[2])
		if slices.Contains(ids, b.session()) {
			t.Errorf("the id is the old one after a login to %s", login[0])
		}
		for _, old := range ids {
			wantStatus(t, "old id", p.bare().get("/", p.as(old)), http.StatusUnauthorized)
		}
		ids = append(ids, b.session())
	}
	wantApp(t, "main", b.get("/"))
	wantApp(t, "api", b.get("/api/x"))
	// Basic credentials with a injected id make a session of their own.
	injected := strings.Repeat("C", 43)
	in := p.bare().get("/", asBasic(user, pass), p.as(injected))
	if c := in.cookie("ploomber_session"); c == nil || c.Value == injected {
		t.Errorf("Basic with a injected id: %v", in.Cookies())
	}
}

// Two logins of one browser at once: each gets an answer, one session is left, and it works.
func TestClass08SessionFixationRace(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	b := p.loggedIn()
	token := tokenField(b.get("/_auth/login", asPage).body)
	form := url.Values{"token": {token}, "next": {"/"}, "username": {user}, "password": {pass}}.Encode()
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for range 16 {
		wg.Go(func() {
			r, err := b.try("POST", "/_auth/login", form, asForm)
			if err != nil || r.StatusCode != http.StatusSeeOther && r.StatusCode >= 500 {
				t.Errorf("%d, %v", status(r), err)
				return
			}
			if c := r.cookie("ploomber_session"); c != nil {
				mu.Lock()
				defer mu.Unlock()
				if ids[c.Value] {
					t.Error("two logins share an id")
				}
				ids[c.Value] = true
			}
		})
	}
	wg.Wait()
	wantApp(t, "after the race", b.get("/"))
}

// Security class 9: a session that has ended is over for everything that used it, at once.
func TestClass09SessionReplay(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	release, more := make(chan struct{}), map[string]chan struct{}{"logout": make(chan struct{}), "exit": make(chan struct{})}
	a.handle("/stream", func(w http.ResponseWriter, r *http.Request) {
		for {
			_, _ = w.Write([]byte("event\n"))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-more[r.URL.RawQuery]:
			case <-release:
				return
			case <-r.Context().Done():
				return
			}
		}
	})
	defer close(release)
	p := start(t, a.url, password())
	for name, out := range map[string]string{"logout": "/logout", "exit": "/exit"} {
		b, other := p.loggedIn(), p.loggedIn()
		cookie := b.cookie()
		var sockets []*socket
		for _, c := range []string{cookie, cookie, other.cookie()} {
			s := p.dial()
			s.say(p.upgrade("/ws", c))
			if r, err := s.answer("GET"); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("upgrade: %d, %v", status(r), err)
			}
			sockets = append(sockets, s)
		}
		stream, othersStream := p.stream("/stream?", cookie), p.stream("/stream?"+name, other.cookie())
		b.get(out) // as tab A does
		if line, err := stream.ReadString('\n'); line != "" || err == nil || err == io.EOF || isTimeout(err) {
			t.Errorf("%s: an answer of the session goes on: %q, %v", name, line, err)
		}
		more[name] <- struct{}{}
		if line, err := othersStream.ReadString('\n'); line != "event\n" {
			t.Errorf("%s: the answer to another session has ended: %q, %v", name, line, err)
		}
		for i, s := range sockets[:2] {
			_ = s.SetReadDeadline(time.Now().Add(clientLimit))
			if !s.ends() {
				t.Errorf("%s: WebSocket %d of the session is still open", name, i)
			}
		}
		sockets[2].say("x")
		if c, err := sockets[2].r.ReadByte(); c != 'x' || err != nil {
			t.Errorf("%s: the WebSocket of another session is closed: %v", name, err)
		}
		for _, target := range []string{"/", "/ws", "/_auth/x", "/stream"} {
			if r := p.bare().get(target, cookie); r.StatusCode == http.StatusOK {
				t.Errorf("%s: the old cookie still opens %s", name, target)
			}
		}
		wantUpgradeRefused(t, p, name, cookie)
		if r := p.bare().get("/status", cookie); r.body != "logged out" {
			t.Errorf("%s: status says %q", name, r.body)
		}
		if r := p.bare().get(out, cookie); r.StatusCode != http.StatusFound { // once more does no harm
			t.Errorf("second %s: %d", name, r.StatusCode)
		}
	}
}

// stream begins an answer that goes on for ever, and returns what comes after its first line.
func (p *proxy) stream(target, cookie string) *bufio.Reader {
	p.t.Helper()
	s := p.dial()
	s.say(p.head("GET", target, cookie) + "\r\n")
	r, err := http.ReadResponse(s.r, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = r.Body.Close() })
	lines := bufio.NewReader(r.Body)
	if line, err := lines.ReadString('\n'); line != "event\n" {
		p.t.Fatalf("%s: %d %q, %v", target, r.StatusCode, line, err)
	}
	return lines
}

func wantUpgradeRefused(t *testing.T, p *proxy, name string, header ...string) {
	t.Helper()
	if r := p.raw(p.upgrade("/ws", header...)); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s: an upgrade answered %d, want 401", name, r.StatusCode)
	}
}

// A logout that comes while requests are on their way: none of them is answered after a later one was refused.
func TestClass09SessionReplayRace(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	for range 5 {
		b := p.loggedIn()
		cookie := b.cookie()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s := p.dial()
				defer func() { _ = s.Close() }()
				s.say(p.upgrade("/ws", cookie))
				r, err := s.answer("GET")
				switch {
				case err != nil: // cut by the logout before its answer was out
				case r.StatusCode == http.StatusSwitchingProtocols:
					_ = s.SetReadDeadline(time.Now().Add(clientLimit))
					if !s.ends() {
						t.Error("a WebSocket has outlived the logout")
					}
				case r.StatusCode != http.StatusUnauthorized:
					t.Errorf("upgrade: %d", r.StatusCode)
				}
			})
		}
		wg.Go(func() { p.bare().get("/logout", cookie) })
		wg.Wait()
		wantStatus(t, "after the logout", p.bare().get("/", cookie), http.StatusUnauthorized)
	}
}

// A program that restarts forgets the sessions that were kept in memory; its cookies lead to a clean login.
func TestClass09SessionReplayRestart(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	env := password("AUTH_SECRET=canary-n2J8vQ4xL0sT6wZ1cB5yK9dF3hG7mR")
	one, two := start(t, a.url, env), start(t, a.url, env)
	cookie := two.as(one.loggedIn().session())
	wantStatus(t, "another process", two.bare().get("/", cookie), http.StatusUnauthorized)
	r := two.bare().get("/", cookie, asPage)
	wantStatus(t, "a page of another process", r, http.StatusFound)
}

// Security class 10: cookies are as narrow as they can be.
func TestClass10CookieAttributes(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	cert, key := certificate(t)
	plain, secure := start(t, a.url, password()), start(t, a.url, password(), "--tls-cert", cert, "--tls-key", key)
	for _, p := range []*proxy{plain, secure} {
		https := p == secure
		b := p.browser()
		for what, r := range map[string]reply{
			"login page": b.get("/_auth/login", asPage), "form": b.login("/", user, pass), "Basic": p.bare().get("/", asBasic(user, pass)), "logout": p.loggedIn().get("/logout"),
		} {
			if len(r.Cookies()) == 0 {
				t.Errorf("%s sets no cookie", what)
			}
			for _, c := range r.Cookies() {
				gone := what == "logout"
				if strings.HasPrefix(c.Name, "__Host-") != https || c.Secure != https || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" ||
					gone != (c.MaxAge < 0) || !gone && len(c.Value) < 40 {
					t.Errorf("%s: cookie %s", what, c.Raw)
				}
				if strings.Contains(c.Raw, pass) || strings.Contains(c.Raw, user) {
					t.Errorf("%s: the cookie says who it belongs to: %s", what, c.Raw)
				}
			}
		}
	}
}

// The cookie of a login in progress at a provider is as restricted, and its content reveals nothing.
func TestClass10CookieAttributesThroughProvider(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	b := p.browser()
	r := b.get("/deep/canary-address", asPage)
	state := b.authorize(idp, r.location()).Get("state")
	if len(r.Cookies()) != 1 {
		t.Fatalf("cookies %v", r.Cookies())
	}
	for _, c := range r.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 || c.MaxAge > 3600 {
			t.Errorf("cookie %s", c.Raw)
		}
		if strings.Contains(c.Raw, state) || strings.Contains(c.Raw, "canary") {
			t.Errorf("the cookie shows the login: %s", c.Raw)
		}
	}
	// With it, and with any part of it changed, nobody gets in, and the app sees none of it.
	c := r.Cookies()[0]
	for i := 0; i < len(c.Value); i += 7 {
		forged := c.Value[:i] + string(c.Value[i]^1) + c.Value[i+1:]
		got := p.bare().get("/callback?state="+state+"&code=x", asPage, "Cookie: "+c.Name+"="+forged)
		if got.StatusCode < 400 || got.cookie("ploomber_session") != nil {
			t.Fatalf("forged at %d: %d", i, got.StatusCode)
		}
	}
	if n := idp.count("/token"); n > 0 {
		t.Errorf("%d codes were redeemed", n)
	}
	in := p.loggedInThrough(idp)
	in.get("/x", "Cookie: "+c.Name+"="+c.Value+"; mine=1")
	for _, got := range a.taken() {
		if strings.Contains(got.Wire, "ploomber") || !strings.Contains(got.Wire, "mine=1") {
			t.Errorf("the app got\n%s", got.Wire)
		}
	}
}

// Cookies from elsewhere, garbage among them, lead to a clean login: no error, no loop, and none reaches the app.
func TestClass10CookieTossing(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	others := p.loggedIn().session()
	mine := p.loggedIn().session()
	own := p.cookieName("session")
	for name, injected := range map[string]string{
		"unknown": strings.Repeat("A", 43), "garbage": "%%%\"<>=,", "NUL": "\x01", "not ASCII": "é\xff", "quoted": "\"" + strings.Repeat("A", 43) + "\"", "empty": "", "JWT": "eyJhbGciOiJub25lIn0.e30.",
		"oversize": strings.Repeat("x", 8000), "one short": strings.Repeat("A", 42), "one long": strings.Repeat("A", 44), "spaces": "   ", "host prefix": "x; __Host-ploomber_session=" + strings.Repeat("A", 43),
		"many": "x" + strings.Repeat("; ploomber_session=x", 200), "login cookie": "x; ploomber_login=" + strings.Repeat("A", 60), "semicolons": ";;;;=;=;", "no name": "; =x; x",
		"unknown, many": strings.Repeat(strings.Repeat("A", 43)+"; ploomber_session=", 20) + "x", "encoded": "%41", "star": "x; ploomber_session*=UTF-8''x", "two lines": "x\r\nCookie: ploomber_session=y",
	} {
		injected = strings.NewReplacer("ploomber_session", own, "ploomber_login", p.cookieName("login")).Replace(injected)
		line := p.as(injected)
		page := p.raw(p.head("GET", "/x", asPage, line) + "\r\n")
		program := p.raw(p.head("GET", "/x", line) + "\r\n")
		login := p.raw(p.head("GET", "/_auth/login", asPage, line) + "\r\n")
		if page.StatusCode == http.StatusBadRequest && program.StatusCode == http.StatusBadRequest && name == "NUL" {
			continue
		}
		if page.StatusCode != http.StatusFound || program.StatusCode != http.StatusUnauthorized || login.StatusCode != http.StatusOK || tokenField(login.body) == "" {
			t.Errorf("%s: page %d, program %d, login page %d", name, page.StatusCode, program.StatusCode, login.StatusCode)
		}
		for _, both := range []string{own + "=" + mine + "; " + own + "=" + injected, own + "=" + injected + "; " + own + "=" + mine + "; a=b"} {
			r := p.raw(p.head("GET", "/x", "Cookie: "+both) + "\r\n")
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s beside the right one: %d", name, r.StatusCode)
			}
		}
	}
	login := p.browser().get("/_auth/login", asPage)
	name := p.cookieName("login")
	for _, injected := range []string{"zz", "a.b.c", ""} {
		cookies := "Cookie: " + strings.Repeat(name+"="+injected+"; ", 40) + name + "=" + login.cookie(name).Value
		form := url.Values{"token": {tokenField(login.body)}, "next": {"/"}, "username": {user}, "password": {pass}}.Encode()
		wantStatus(t, "login beside injected cookies", p.bare().do("POST", "/_auth/login", form, asForm, asPage, cookies), http.StatusSeeOther)
	}
	for _, both := range []string{mine + "; " + own + "=" + others, others + "; " + own + "=" + mine} {
		wantStatus(t, "two sessions", p.raw(p.head("GET", "/x", p.as(both))+"\r\n"), http.StatusUnauthorized)
	}
	for _, s := range a.taken() {
		if strings.Contains(s.Wire, "ploomber_") && !strings.Contains(s.Wire, own+"*") {
			t.Errorf("the app got a cookie of ours:\n%s", s.Wire)
		}
	}
	// Nor may the app set one.
	a.handle("/set", func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range []string{"ploomber_session=injected; Path=/", "__Host-ploomber_session=injected; Secure; Path=/", "ploomber_login=injected", " ploomber_session=injected",
			"ploomber_session =injected", "own=1", "ploomber_session", "\tploomber_session=injected"} {
			w.Header().Add("Set-Cookie", strings.NewReplacer("ploomber_session", own, "ploomber_login", p.cookieName("login")).Replace(c))
		}
	})
	r := p.bare().get("/set", p.as(mine))
	for _, c := range r.Header.Values("Set-Cookie") {
		if strings.Contains(c, "injected") {
			t.Errorf("the app has set %q", c)
		}
	}
	if r.cookie("own") == nil {
		t.Error("the app's own cookie is gone")
	}
}
