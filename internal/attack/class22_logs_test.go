package attack

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Security class 22: what anybody sends stays inside its line of the log, and most of it out of it. That no log of any
// of these tests has a secret is seen at the end of each: see proxy.end.
func TestClass22LogInjection(t *testing.T) {
	t.Parallel()
	const forged = "x\r\ntime=2026-01-01T00:00:00Z level=INFO msg=\"logged in\" user=mallory\x1b[31m\n{\"msg\":\"logged in\",\"user\":\"mallory\"}\u2028"
	header := strings.NewReplacer("\r", "", "\n", "", "\x1b", "").Replace(forged)
	a := newApp(t)
	a.handle("/dies", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, format := range []string{"json", "text"} {
		idp := newProvider(t)
		p := startWith(t, a.url, idp, []string{"username_api=bot", "password_api=" + pass}, "--log-format", format, "--log-level", "debug")
		for _, target := range []string{"/api/x", "/"} {
			b := p.browser()
			b.login("/api/x", forged, "canary"+forged)
			b.get(target, asBasic(forged, forged), asPage)
			b.get("/_auth/login?next="+url.QueryEscape(forged), asPage)
			b.get("/"+url.PathEscape(forged)+"?token=canary", asPage)
			b.get("/callback?"+url.Values{"state": {forged}, "code": {"canary" + forged}, "error": {forged}, "error_description": {forged}}.Encode(), asPage)
			p.raw(p.head("GET", target, "User-Agent: "+header, "Referer: "+header, "X-Request-Id: "+header, "X-Forwarded-For: "+header, "Host2: "+header, "Authorization: Bearer canary"+strings.ReplaceAll(header, " ", "")) + "\r\n")
			p.raw(p.head("GET", target, "X-Request-Id: a\x1b[31m") + "\r\n")
			p.raw(p.head("GET", "/\x1b[31m\"canary", "Connection: close") + "\r\n")
			p.raw("GET / HTTP/1.1\r\nHost: \x1b[31mcanary\r\nConnection: close\r\n\r\n")
			q := b.authorize(idp, b.begin("/"))
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("error_description", forged)
			b.get("/callback?"+q.Encode(), asPage)
			p.bare().do("POST", "/_auth/backchannel-logout", url.Values{"logout_token": {"canary" + forged}}.Encode(), asForm)
		}
		for _, name := range []string{forged, "Ann\nLee", "a\x00b", "\x1b[2J"} {
			idp.Lock()
			idp.Claims = map[string]any{"sub": name, "email": name, "name": name}
			idp.Unlock()
			p.browser().through(idp, "/")
			idp.reset()
		}
		idp.Lock()
		idp.Handle["/token"] = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": forged, "error_description": forged})
		}
		idp.Unlock()
		if got := p.browser().through(idp, "/"); got.StatusCode < 400 {
			t.Errorf("%d", got.StatusCode)
		}
		idp.reset()
		in := p.loggedInThrough(idp)
		in.get("/dies")
		in.get("/logout")
		p.logged(`logged out`)
		log := p.log.String()
		for line := range strings.Lines(log) {
			line = strings.TrimRight(line, "\n")
			if format == "json" {
				var entry map[string]any
				if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["msg"] == nil {
					t.Errorf("no line of ours: %q", line)
				}
			} else if !strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "time=2026-01-01") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' }) {
				t.Errorf("no line of ours: %q", line)
			}
		}
		for _, wanted := range []string{"logged in", "logged out", "login refused", "credentials refused", "logout refused"} {
			if !strings.Contains(log, wanted) {
				t.Errorf("the log does not say %q", wanted)
			}
		}
	}
}

// Security classes 17 and 22: the token endpoint is told the client's secret, the code and the verifier. Whatever way it
// says them back, they are neither on the page nor in the log, which both say what to do all the same.
func TestClass22LogEchoes(t *testing.T) {
	t.Parallel()
	echo := func(r *http.Request) string {
		_ = r.ParseForm()
		_, basic, _ := r.BasicAuth()
		return r.Header.Get("Authorization") + " " + basic + " " + r.PostForm.Encode() + " " + r.PostForm.Get("code")
	}
	answer := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": echo(r), "error_uri": "https://x.example/" + echo(r)})
		}
	}
	plainly := func(format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text := strings.ReplaceAll(format, "ECHO", url.QueryEscape(echo(r)))
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte(text))
				_ = conn.Close()
			}
		}
	}
	a := newApp(t)
	for _, methods := range [][]string{{"client_secret_basic"}, {"client_secret_post"}} {
		idp := newProvider(t)
		idp.Lock()
		idp.Document = map[string]any{"token_endpoint_auth_methods_supported": methods}
		idp.Unlock()
		p := startWith(t, a.url, idp, nil, "--log-level", "debug")
		for name, tc := range map[string]struct {
			handle http.HandlerFunc
			says   string // on the page
		}{
			"invalid_request":    {answer(400, "invalid_request"), "invalid_request: check the callback address"},
			"invalid_client":     {answer(401, "invalid_client"), "invalid_client: check the client id and the client secret"},
			"invalid_grant":      {answer(400, "invalid_grant"), "expired or was used"},
			"access_denied":      {answer(400, "access_denied"), "access_denied"},
			"server_error":       {answer(400, "server_error"), "server_error"},
			"its own":            {answer(200, "x"), "unknown_error"},
			"secret as the code": {answer(400, clientSecret), "unknown_error"},
			"redirect":           {plainly("HTTP/1.1 302 Found\r\nLocation: https://x.example/?ECHO\r\nContent-Length: 0\r\n\r\n"), "does not answer"},
			"redirect nowhere":   {plainly("HTTP/1.1 302 Found\r\nLocation: ://%zz?ECHO\r\nContent-Length: 0\r\n\r\n"), "does not answer"},
			"no HTTP":            {plainly("ECHO\r\n\r\n"), "does not answer"},
			"no status":          {plainly("HTTP/1.1 ECHO\r\n\r\n"), "does not answer"},
			"no header":          {plainly("HTTP/1.1 200 OK\r\nECHO\r\n\r\n"), "does not answer"},
			"no length":          {plainly("HTTP/1.1 200 OK\r\nContent-Length: ECHO\r\n\r\n"), "does not answer"},
			"no JSON":            {plainly("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"error\": ECHO"), "does not answer"},
		} {
			idp.Lock()
			idp.Handle["/token"] = tc.handle
			idp.Unlock()
			b, before := p.browser(), p.refusals()
			q := b.authorize(idp, b.begin("/"))
			r := b.get("/callback?"+q.Encode(), asPage)
			wantRefusedLogin(t, name, b, r, before)
			if found := leaks(r.body, p.handedOut()); len(found) > 0 || !strings.Contains(r.body, tc.says) {
				t.Errorf("%s: the page has %q, and should say %q:\n%s", name, found, tc.says, r.body)
			}
		}
		idp.reset()
		b := p.browser()
		q := b.authorize(idp, b.begin("/"))
		q.Set("error", "access_denied")
		q.Set("error_description", "not with "+q.Get("code"))
		q.Del("code")
		b.get("/callback?"+q.Encode(), asPage)
		p.logged("the provider answered access_denied: look at the provider's own log")
	}
}
