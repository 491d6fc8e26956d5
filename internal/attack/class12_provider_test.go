package attack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/redirecttest"
)

// Security class 6 at a provider: the return address is always on this origin, whatever a request says.
func TestClass06OpenRedirectThroughProvider(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	b := p.browser()
	targets := redirecttest.Hostile()
	for i := 0; i < len(targets); i += 2 { // a login each: half of them will do
		r := b.through(idp, "/_auth/login?next="+url.QueryEscape(targets[i]))
		if r.StatusCode != http.StatusFound {
			t.Fatalf("%q: %d\n%s", targets[i], r.StatusCode, r.body)
		}
		staysHere(t, p, targets[i], r)
	}
	b = p.browser()
	if r := b.through(idp, "/deep/link?a=b&c=//d"); r.location() != "/deep/link?a=b&c=//d" {
		t.Errorf("a deep link leads to %q", r.location())
	}
	for _, more := range []string{"returnTo=//evil.example", "next=//evil.example", "redirect_uri=//evil.example", "state=x"} {
		b := p.browser()
		query := b.authorize(idp, b.begin("/mine")).Encode()
		if r := b.get("/callback?"+query+"&"+more, asPage); r.StatusCode == http.StatusFound {
			staysHere(t, p, more, r)
		}
	}
}

// Security class 7 at a provider: an answer counts in the browser that asked, once, and only as it was meant.
func TestClass07LoginCSRFThroughProvider(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	answer := func(b *browser) url.Values { return b.authorize(idp, b.begin("/")) }
	with := func(q url.Values, name string, values ...string) url.Values { q[name] = values; return q }
	for name, query := range map[string]func(b *browser) url.Values{
		"nothing":         func(*browser) url.Values { return url.Values{} },
		"no state":        func(b *browser) url.Values { q := answer(b); q.Del("state"); return q },
		"empty state":     func(b *browser) url.Values { return with(answer(b), "state", "") },
		"made up state":   func(b *browser) url.Values { return with(answer(b), "state", strings.Repeat("A", 43)) },
		"state cut":       func(b *browser) url.Values { q := answer(b); return with(q, "state", q.Get("state")[:42]) },
		"state longer":    func(b *browser) url.Values { q := answer(b); return with(q, "state", q.Get("state")+"A") },
		"state twice":     func(b *browser) url.Values { q := answer(b); return with(q, "state", q.Get("state"), "x") },
		"state with NUL":  func(b *browser) url.Values { q := answer(b); return with(q, "state", q.Get("state")+"\x00") },
		"another's whole": func(*browser) url.Values { return answer(p.browser()) },
		"another's state": func(b *browser) url.Values { q := answer(b); return with(q, "state", answer(p.browser()).Get("state")) },
		"another's code":  func(b *browser) url.Values { q := answer(b); return with(q, "code", answer(p.browser()).Get("code")) },
		"no code":         func(b *browser) url.Values { q := answer(b); q.Del("code"); return q },
		"made up code":    func(b *browser) url.Values { return with(answer(b), "code", "code-MADEUP") },
		"code twice":      func(b *browser) url.Values { q := answer(b); return with(q, "code", q.Get("code"), "code-X") },
		"code with lines": func(b *browser) url.Values { return with(answer(b), "code", "a\r\nb") },
		"huge code":       func(b *browser) url.Values { return with(answer(b), "code", strings.Repeat("x", 12<<10)) },
		"code and error":  func(b *browser) url.Values { return with(answer(b), "error", "access_denied") },
		"error":           func(b *browser) url.Values { q := answer(b); q.Del("code"); return with(q, "error", "access_denied") },
		"error with markup": func(b *browser) url.Values {
			q := answer(b)
			q.Del("code")
			return with(with(q, "error", "<script>alert(1)</script>"), "error_description", "<img src=x onerror=alert(1)>\r\nX: y\x1b[31m")
		},
		"iss of another":        func(b *browser) url.Values { return with(answer(b), "iss", "https://evil.example") },
		"iss twice":             func(b *browser) url.Values { return with(answer(b), "iss", idp.url, "https://evil.example") },
		"token in the fragment": func(*browser) url.Values { return url.Values{"id_token": {"x"}, "access_token": {"y"}} },
	} {
		b, before := p.browser(), p.refusals()
		r := b.get("/callback?"+query(b).Encode(), asPage)
		wantRefusedLogin(t, name, b, r, before)
		if strings.Contains(r.body, "<script>alert") || strings.Contains(r.body, "<img") || strings.Contains(r.body, "\x1b") {
			t.Errorf("%s: the page has\n%s", name, r.body)
		}
	}
	// Used twice: the second client that presents it gets nothing, whichever cookies it has.
	b := p.browser()
	u, _ := url.Parse(p.url)
	q := answer(b)
	cookies := b.client.Jar.Cookies(u)
	if r := b.get("/callback?"+q.Encode(), asPage); r.StatusCode != http.StatusFound {
		t.Fatalf("login: %d", r.StatusCode)
	}
	thief := p.browser()
	thief.client.Jar.SetCookies(u, cookies)
	if r := thief.get("/callback?"+q.Encode(), asPage); r.StatusCode < 400 || thief.session() != "" {
		t.Errorf("an answer was used twice: %d", r.StatusCode)
	}
	// A form cannot post it, and a program that is not a page visit gets no login by being sent there.
	b = p.browser()
	q = answer(b)
	if r := b.do("POST", "/callback", q.Encode(), asForm); r.StatusCode < 400 || b.session() != "" {
		t.Errorf("POST: %d", r.StatusCode)
	}
}

// Ten tabs that log in at once all succeed, in any order, and end as one session.
func TestClass07LoginCSRFTenTabs(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	b := p.browser()
	var answers []url.Values
	for i := range 10 {
		answers = append([]url.Values{b.authorize(idp, b.begin(fmt.Sprintf("/tab/%d", i)))}, answers...)
	}
	var wg sync.WaitGroup
	for _, q := range answers {
		wg.Go(func() {
			r, err := b.try("GET", "/callback?"+q.Encode(), "", asPage)
			if err != nil || r.StatusCode != http.StatusFound || !strings.HasPrefix(r.location(), "/tab/") {
				t.Errorf("%d to %q, %v", status(r), r.location(), err)
			}
		})
	}
	wg.Wait()
	wantApp(t, "afterwards", b.get("/"))
}

// One answer of the provider that arrives many times at once is redeemed once.
func TestClass07LoginCSRFRace(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	for range 5 {
		b := p.browser()
		q, before := b.authorize(idp, b.begin("/")), idp.count("/token")
		u, _ := url.Parse(p.url)
		cookies := b.client.Jar.Cookies(u)
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids := map[string]bool{}
		for range 8 {
			wg.Go(func() {
				other := p.browser()
				other.client.Jar.SetCookies(u, cookies)
				r, err := other.try("GET", "/callback?"+q.Encode(), "", asPage)
				if err != nil {
					t.Error(err)
					return
				}
				if c := r.cookie("ploomber_session"); c != nil {
					mu.Lock()
					defer mu.Unlock()
					ids[c.Value] = true
				}
			})
		}
		wg.Wait()
		if n := idp.count("/token") - before; n != 1 || len(ids) != 1 {
			t.Errorf("one answer: %d exchanges, %d sessions", n, len(ids))
		}
	}
	_ = a
}

// Security class 9 at a provider: what ends there ends here, and what it did not say ends nothing.
func TestClass09SessionReplayBackChannel(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	idp.Claims = map[string]any{"sid": "s-1"}
	p := startWith(t, a.url, idp, nil)
	b := p.loggedInThrough(idp)
	s := p.dial()
	s.say(p.upgrade("/ws", b.cookie()))
	if r, err := s.answer("GET"); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %d, %v", status(r), err)
	}
	post := func(token string, header ...string) reply {
		return p.bare().do("POST", "/_auth/backchannel-logout", url.Values{"logout_token": {token}}.Encode(), append(header, asForm)...)
	}
	now := time.Now().Unix()
	for name, token := range map[string]string{
		"nothing": "", "garbage": "a.b.c", "no events": idp.LogoutToken(map[string]any{"sid": "s-1", "events": nil}), "other events": idp.LogoutToken(map[string]any{"sid": "s-1", "events": map[string]any{"x": 1}}),
		"a nonce": idp.LogoutToken(map[string]any{"sid": "s-1", "nonce": "x"}), "no sid, no sub": idp.LogoutToken(nil), "another issuer": idp.LogoutToken(map[string]any{"sid": "s-1", "iss": "https://evil.example"}),
		"another audience": idp.LogoutToken(map[string]any{"sid": "s-1", "aud": "client-2"}), "old": idp.LogoutToken(map[string]any{"sid": "s-1", "iat": now - 7200, "exp": now - 3600}),
		"no iat": idp.LogoutToken(map[string]any{"sid": "s-1", "iat": nil}), "an ID token": oidctest.SignJWT(oidctest.RSAKey(), "RS256", "k1", nil, map[string]any{"iss": idp.url, "aud": oidctest.ClientID, "sub": "auth0|7", "iat": now, "exp": now + 60}),
		"another key": oidctest.SignJWT(oidctest.OtherRSA(), "RS256", "k1", map[string]any{"typ": "logout+jwt"}, map[string]any{"iss": idp.url, "aud": oidctest.ClientID, "sid": "s-1", "iat": now, "exp": now + 60, "jti": "1",
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}),
		"none": encode(map[string]any{"alg": "none", "typ": "logout+jwt"}) + "." + encode(map[string]any{"iss": idp.url, "aud": oidctest.ClientID, "sid": "s-1", "iat": now, "jti": "2"}) + ".",
	} {
		if r := post(token); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		wantApp(t, name+": the session", b.get("/"))
	}
	good := idp.LogoutToken(map[string]any{"sid": "s-1"})
	for name, r := range map[string]reply{
		"in the query":   p.bare().do("POST", "/_auth/backchannel-logout?logout_token="+good, "", asForm),
		"by GET":         p.bare().get("/_auth/backchannel-logout?logout_token=" + good),
		"as JSON":        p.bare().do("POST", "/_auth/backchannel-logout", `{"logout_token":"`+good+`"}`, "Content-Type: application/json"),
		"twice":          p.bare().do("POST", "/_auth/backchannel-logout", "logout_token="+good+"&logout_token="+good, asForm),
		"of nobody":      p.bare().do("POST", "/_auth/backchannel-logout/nobody", "logout_token="+good, asForm),
		"a megabyte":     p.bare().do("POST", "/_auth/backchannel-logout", "logout_token="+strings.Repeat("x", 1<<20), asForm),
		"another's name": p.bare().do("POST", "/_auth/backchannel-logout/google", "logout_token="+good, asForm),
	} {
		if r.StatusCode < 400 {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	wantApp(t, "still", b.get("/"))
	if r := post(good); r.StatusCode != http.StatusOK {
		t.Fatalf("a good logout token: %d %s", r.StatusCode, r.body)
	}
	_ = s.SetReadDeadline(time.Now().Add(clientLimit))
	if !s.ends() {
		t.Error("the WebSocket has outlived the session")
	}
	wantStatus(t, "afterwards", b.get("/"), http.StatusUnauthorized)
	c := p.loggedInThrough(idp)
	if r := post(good); r.StatusCode == http.StatusOK { // a token that someone has recorded
		wantApp(t, "a new session after a replayed logout", c.get("/"))
	}
}

// Security class 12: two providers are two, whatever either of them or a browser says.
func TestClass12MixUp(t *testing.T) {
	t.Parallel()
	app, a, b := newApp(t), newProvider(t), newProvider(t)
	env := append(append(a.environ("ALPHA"), b.environ("BETA")...), "AUTH_PROVIDERS=alpha,beta")
	p := startAt(t, app.url, env)
	p.finds(a)
	p.finds(b)
	chooser := p.browser().get("/_auth/login", asPage)
	if chooser.StatusCode != http.StatusOK || !strings.Contains(chooser.body, "/_auth/login/alpha") || !strings.Contains(chooser.body, "/_auth/login/beta") {
		t.Fatalf("chooser: %d\n%s", chooser.StatusCode, chooser.body)
	}
	for name, answer := range map[string]func(v *browser) url.Values{
		"a code of beta for alpha": func(v *browser) url.Values {
			q := v.authorize(a, v.begin("/_auth/login/alpha"))
			q["code"] = v.authorize(b, v.begin("/_auth/login/beta"))["code"]
			return q
		},
		"the state of alpha at beta": func(v *browser) url.Values {
			q := v.authorize(b, v.begin("/_auth/login/beta"))
			q["state"] = v.authorize(a, v.begin("/_auth/login/alpha"))["state"]
			return q
		},
		"beta's name on alpha's answer": func(v *browser) url.Values {
			q := v.authorize(a, v.begin("/_auth/login/alpha"))
			q.Set("iss", b.url)
			return q
		},
	} {
		v, before := p.browser(), p.refusals()
		wantRefusedLogin(t, name, v, v.get("/callback?"+answer(v).Encode(), asPage), before)
	}
	// A provider that vouches for the other's people.
	a.Lock()
	a.Claims = map[string]any{"iss": b.url}
	a.Unlock()
	v, before := p.browser(), p.refusals()
	r := v.get("/callback?"+v.authorize(a, v.begin("/_auth/login/alpha")).Encode(), asPage)
	wantRefusedLogin(t, "alpha speaks for beta", v, r, before)
	a.reset()
	// The same subject at both is two people: a back-channel logout of one leaves the other.
	at := func(idp *provider, name string) *browser {
		v := p.browser()
		if r := v.get("/callback?"+v.authorize(idp, v.begin("/_auth/login/"+name)).Encode(), asPage); r.StatusCode != http.StatusFound {
			t.Fatalf("%s: %d", name, r.StatusCode)
		}
		return v
	}
	atA, atB := at(a, "alpha"), at(b, "beta")
	post := func(name, token string) int {
		return p.bare().do("POST", "/_auth/backchannel-logout/"+name, url.Values{"logout_token": {token}}.Encode(), asForm).StatusCode
	}
	if code := post("beta", a.LogoutToken(map[string]any{"sub": "auth0|7"})); code != http.StatusBadRequest {
		t.Errorf("a logout token of alpha at beta: %d", code)
	}
	wantApp(t, "alpha", atA.get("/"))
	wantApp(t, "beta", atB.get("/"))
	if code := post("alpha", a.LogoutToken(map[string]any{"sub": "auth0|7"})); code != http.StatusOK {
		t.Errorf("a logout token of alpha: %d", code)
	}
	wantStatus(t, "alpha", atA.get("/"), http.StatusUnauthorized)
	wantApp(t, "beta, after alpha's logout", atB.get("/"))
}

// What a provider's discovery document may not say (classes 12 and 18), and other ways not to answer. The proxy serves
// all the same, tells users and its log, and lets nobody in.
func TestClass18SSRF(t *testing.T) {
	t.Parallel()
	elsewhere := 0
	var mu sync.Mutex
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		elsewhere++
		mu.Unlock()
		oidctest.WriteJSON(w, 200, map[string]any{"keys": []any{}})
	}))
	t.Cleanup(trap.Close)
	document := func(changes map[string]any) func(*provider) { return func(p *provider) { p.Document = changes } }
	handle := func(path string, h http.HandlerFunc) func(*provider) { return func(p *provider) { p.Handle[path] = h } }
	const well = "/.well-known/openid-configuration"
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
	}
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><h1>Welcome</h1></html>"))
	}
	huge := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"`))
		for range 300 {
			if _, err := w.Write([]byte(strings.Repeat("x", 10<<10))); err != nil {
				return
			}
		}
	}
	slow := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	}
	trickle := func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 100 && r.Context().Err() == nil; i++ {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(200 * time.Millisecond)
		}
	}
	for name, tc := range map[string]struct {
		change func(*provider)
		late   bool // the login begins, and fails at the callback
	}{
		"a foreign issuer":             {document(map[string]any{"issuer": "https://evil.example"}), false},
		"no issuer":                    {document(map[string]any{"issuer": nil}), false},
		"an issuer with lines":         {document(map[string]any{"issuer": "http://127.0.0.1\r\nx"}), false},
		"keys in a file":               {document(map[string]any{"jwks_uri": "file:///etc/passwd"}), false},
		"keys by another protocol":     {document(map[string]any{"jwks_uri": "gopher://127.0.0.1/"}), false},
		"keys with a password":         {document(map[string]any{"jwks_uri": "http://a:b@127.0.0.1/keys"}), false},
		"tokens unencrypted elsewhere": {document(map[string]any{"token_endpoint": "http://169.254.169.254/latest/meta-data"}), false},
		"tokens at no URL":             {document(map[string]any{"token_endpoint": "token"}), false},
		"login by script":              {document(map[string]any{"authorization_endpoint": "javascript:alert(1)"}), false},
		"login with lines":             {document(map[string]any{"authorization_endpoint": "http://127.0.0.1/\r\nSet-Cookie: a=b"}), false},
		"logout by script":             {document(map[string]any{"end_session_endpoint": "javascript:alert(1)"}), false},
		"no PKCE":                      {document(map[string]any{"code_challenge_methods_supported": []string{"plain"}}), false},
		"endpoints as lists":           {document(map[string]any{"token_endpoint": []string{"x"}}), false},
		"discovery redirected":         {handle(well, redirect(trap.URL+well)), false},
		"discovery in a circle":        {handle(well, redirect(well)), false},
		"discovery is HTML":            {handle(well, html), false},
		"discovery is huge":            {handle(well, huge), false},
		"discovery is slow":            {handle(well, slow), false},
		"discovery trickles":           {handle(well, trickle), false},
		"discovery is an error":        {handle(well, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }), false},
		"discovery is null":            {handle(well, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("null")) }), false},
		"keys redirected":              {handle("/keys", redirect(trap.URL+"/keys")), true},
		"keys are HTML":                {handle("/keys", html), true},
		"keys are huge":                {handle("/keys", huge), true},
		"keys are slow":                {handle("/keys", slow), true},
		"no keys":                      {func(p *provider) { p.Public = nil }, true},
		"tokens redirected":            {handle("/token", redirect(trap.URL+"/token")), true},
		"tokens redirected here":       {handle("/token", redirect("/token2")), true},
		"tokens are HTML":              {handle("/token", html), true},
		"tokens are huge":              {handle("/token", huge), true},
		"tokens are slow":              {handle("/token", slow), true},
		"tokens trickle":               {handle("/token", trickle), true},
		"tokens are refused":           {handle("/token", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), true},
		"tokens with a wrong secret":   {func(p *provider) { p.Secret = "another" }, true},
		"user information elsewhere": {func(p *provider) {
			p.Claims, p.Userinfo = map[string]any{"email": nil}, map[string]any{"sub": "another user", "email": "root@example.com"}
		}, true},
		"user information redirected": {func(p *provider) {
			p.Claims, p.Handle["/userinfo"] = map[string]any{"email": nil}, redirect(trap.URL+"/userinfo")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, idp := newApp(t), newProvider(t)
			idp.Lock()
			tc.change(idp)
			idp.Unlock()
			p := startAt(t, a.url, idp.environ(""))
			if tc.late {
				p.finds(idp)
			}
			b, before := p.browser(), p.refusals()
			r := b.get("/deep", asPage)
			if (r.StatusCode == http.StatusFound) != tc.late {
				t.Fatalf("the login begins: %d to %q\n%s", r.StatusCode, r.location(), r.body)
			}
			if tc.late {
				r = b.get("/callback?"+b.authorize(idp, r.location()).Encode(), asPage)
			}
			wantRefusedLogin(t, name, b, r, before)
			if strings.Contains(r.body, "javascript:") || strings.Contains(r.body, "169.254") || strings.Contains(r.body, "passwd") {
				t.Errorf("the page says too much:\n%s", r.body)
			}
			if got := a.taken(); len(got) > 0 {
				t.Errorf("the app got %+v", got)
			}
		})
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if elsewhere > 0 {
			t.Errorf("%d redirects to another host were followed", elsewhere)
		}
	})
}
