package democmd

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// claimed is the identity that a client claims in request headers.
const claimed = "mallory@example.com"

// proof is one run of the checks.
type proof struct {
	*withLogin
	served
	page []byte // of the app, as its user sees it
}

// passed counts and reports a passed check.
func (p *proof) passed(format string, args ...any) {
	p.Checked++
	p.ok(format, args...)
}

// checkLogin verifies the login: it logs in like a user at the provider, uses the app and logs out again, and
// tries to bypass the login at every step.
func (w *withLogin) checkLogin(ctx context.Context, s served) error {
	p := &proof{withLogin: w, served: s}
	first, other := s.Users[0], s.Users[len(s.Users)-1]
	user, err := p.logIn(ctx, first)
	if err != nil {
		return err
	}
	if err := p.withoutSession(ctx, user); err != nil {
		return err
	}
	if err := p.greeting(ctx, user, first); err != nil {
		return err
	}
	if err := p.logOut(ctx, user, first); err != nil {
		return err
	}
	second, err := p.logIn(ctx, other)
	if err != nil {
		return err
	}
	if err := p.greeting(ctx, second, other); err != nil {
		return err
	}
	return w.IO.Result(p.served, func(out *term.Stream) {
		out.Printf("%s: %d checks passed at %s\n", out.Green("Login verified"), p.Checked, p.URL)
	})
}

// loginPage requests the app and returns the provider's page that it redirects to.
func (p *proof) loginPage(ctx context.Context, v client) (answer, error) {
	form, trail, err := v.visit(ctx, http.MethodGet, "/", nil, browser())
	switch {
	case err != nil:
		return form, failure.Failedf("cannot load the login page: %w", err)
	case !strings.HasPrefix(form.at, p.Issuer+"/") || form.status != http.StatusOK:
		return form, failure.Failedf("a page request leads to %s with status %d, not to the provider's page", withoutQuery(form.at), form.status)
	}
	for _, address := range trail {
		u, err := url.Parse(address)
		if err != nil || !strings.HasPrefix(address, p.Issuer+"/") || u.Query().Get("response_type") == "" {
			continue
		}
		q := u.Query()
		if q.Get("state") == "" || q.Get("nonce") == "" || q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256" {
			return form, failure.Failedf("the authorization request has no state, nonce or PKCE challenge")
		}
		return form, nil
	}
	return form, failure.Failedf("the authorization request is not the expected one")
}

// logIn logs in like a user: it follows the redirect to the provider's page, chooses a user, and gets to the app.
func (p *proof) logIn(ctx context.Context, email string) (client, error) {
	v, err := newClient(p.URL)
	if err != nil {
		return v, err
	}
	form, err := p.loginPage(ctx, v)
	if err != nil {
		return v, err
	}
	p.passed("a page request leads to the provider's page")
	action := regexp.MustCompile(`<form[^>]* action="([^"]*)"`).FindSubmatch(form.body)
	if action == nil {
		return v, failure.Failedf("the provider's page has no form")
	}
	values := url.Values{"email": {email}}
	for _, hidden := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllSubmatch(form.body, -1) {
		values.Set(string(hidden[1]), html.UnescapeString(string(hidden[2])))
	}
	got, _, err := v.visit(ctx, http.MethodPost, p.Issuer+string(action[1]), values, browser())
	switch {
	case err != nil:
		return v, failure.Failedf("the login as %s fails: %w", email, err)
	case !strings.HasPrefix(got.at, p.URL+"/") || got.status != http.StatusOK:
		return v, failure.Failedf("the login as %s leads to %s with status %d", email, withoutQuery(got.at), got.status)
	}
	p.page = got.body
	p.passed("logged in as %s and reached the app", email)
	return v, nil
}

// withoutSession checks that requests without a session get nothing of the app.
func (p *proof) withoutSession(ctx context.Context, user client) error {
	anonymous, err := newClient(p.URL)
	if err != nil {
		return err
	}
	forged, err := withCookies(p.URL, user, func(string) string { return strings.Repeat("A", 43) })
	if err != nil {
		return err
	}
	me := p.Users[0]
	foreign := upgrade(p.URL)
	foreign.Set("Origin", "https://evil.example.com")
	for _, t := range []struct {
		name         string
		who          client
		method, path string
		header       http.Header
	}{
		{"a page request", anonymous, http.MethodGet, "/", browser()},
		{"a request for a subpage", anonymous, http.MethodGet, "/any/page?x=1", browser()},
		{"a program's request", anonymous, http.MethodGet, "/", program()},
		{"a file used by the page", anonymous, http.MethodGet, fileOf(p.page, p.URL), program()},
		{"a form", anonymous, http.MethodPost, "/", program()},
		{"the app's health check", anonymous, http.MethodGet, "/_stcore/health", program()},
		{"a WebSocket", anonymous, http.MethodGet, streamPath, upgrade(p.URL)},
		{"a claimed identity", anonymous, http.MethodGet, "/", http.Header{"X-Auth-Name": {me}, "X_auth_name": {me}, "X-Auth-Sub": {"1"}}},
		{"a claimed identity on a WebSocket", anonymous, http.MethodGet, streamPath, with(upgrade(p.URL), "X-Auth-Name", me)},
		{"a made-up session", forged, http.MethodGet, "/", browser()},
		{"a forged session on a WebSocket", forged, http.MethodGet, streamPath, upgrade(p.URL)},
		{"a forged access token", anonymous, http.MethodGet, "/", http.Header{"Authorization": {"Bearer eyJhbGciOiJub25lIn0.e30."}}},
	} {
		got, err := t.who.do(ctx, t.method, t.path, nil, t.header)
		if err != nil {
			return failure.Failedf("%s without a login: %w", t.name, err)
		}
		if err := refused(got, p.page, p.Issuer); err != nil {
			return failure.Failedf("%s without a login: %w", t.name, err)
		}
		p.passed("refused without a login: %s", t.name)
	}
	if err := p.strayCallback(ctx, anonymous); err != nil {
		return err
	}
	got, err := user.do(ctx, http.MethodGet, streamPath, nil, foreign)
	if err != nil || got.status == http.StatusSwitchingProtocols || got.status/100 == 2 {
		return failure.Failedf("another site can open a WebSocket with the user's session (status %d): %w", got.status, err)
	}
	p.passed("refused with a login: a WebSocket from another site")
	return nil
}

// strayCallback sends a callback that belongs to no login attempt; it must not log anyone in.
func (p *proof) strayCallback(ctx context.Context, anonymous client) error {
	got, err := anonymous.do(ctx, http.MethodGet, "/callback?code=made-up&state=made-up", nil, browser())
	if err == nil && (got.status/100 == 2 || holdsPart(got.body, p.page)) {
		err = fmt.Errorf("status %d came back", got.status)
	}
	if err == nil {
		if got, err = anonymous.do(ctx, http.MethodGet, "/", nil, program()); err == nil {
			err = refused(got, p.page, p.Issuer)
		}
	}
	if err != nil {
		return failure.Failedf("a forged callback: %w", err)
	}
	p.passed("refused without a login: a forged callback")
	return nil
}

// greeting checks that the app sees the user who logged in, not the identity that a client claims.
func (p *proof) greeting(ctx context.Context, v client, email string) error {
	claims := http.Header{"X-Auth-Name": {claimed}, "X_auth_name": {claimed}, "X-Auth_name": {claimed}}
	path := "/"
	switch p.framework {
	case "streamlit":
		conn, err := v.stream(ctx, claims)
		if err != nil {
			return failure.Failedf("the WebSocket of the app cannot be opened: %w", err)
		}
		defer func() { _ = conn.CloseNow() }()
		if err := wait(ctx, conn, email, claimed); err != nil {
			return failure.Failedf("the app does not greet %s: %w", email, err)
		}
		p.passed("the app greets %s over its WebSocket, whatever the client claims", email)
		return nil
	case "dash":
		path = "/_dash-layout" // where Dash renders the page's content
	case "flask", "voila":
	default:
		p.IO.Err.Note("  --  not checked: how %s greets %s, because it uses a protocol of its own", p.framework, email)
		return nil
	}
	got, _, err := v.visit(ctx, http.MethodGet, path, nil, claims)
	switch {
	case err != nil:
		return failure.Failedf("cannot request the app: %w", err)
	case strings.Contains(string(got.body), claimed) || !strings.Contains(string(got.body), email):
		return failure.Failedf("the app does not greet %s (status %d)", email, got.status)
	}
	p.passed("the app greets %s, whatever the client claims", email)
	return nil
}

// logOut checks that a logout ends the session here, at the provider, and on open connections.
func (p *proof) logOut(ctx context.Context, user client, email string) error {
	kept, err := withCookies(p.URL, user, func(value string) string { return value })
	if err != nil {
		return err
	}
	hanging := func() error { return nil }
	if p.framework == "streamlit" {
		conn, err := user.stream(ctx, nil)
		if err != nil {
			return failure.Failedf("the WebSocket of the app cannot be opened: %w", err)
		}
		defer func() { _ = conn.CloseNow() }()
		if err := wait(ctx, conn, email, claimed); err != nil {
			return failure.Failedf("the app does not greet %s: %w", email, err)
		}
		hanging = func() error { return ended(ctx, conn) }
	}
	got, trail, err := user.visit(ctx, http.MethodGet, "/exit", nil, browser())
	switch {
	case err != nil:
		return failure.Failedf("the logout fails: %w", err)
	case !slices.ContainsFunc(trail, func(a string) bool { return strings.HasPrefix(a, p.Issuer+"/") }):
		return failure.Failedf("the logout does not reach the provider")
	case !strings.HasPrefix(got.at, p.URL+"/") || !strings.Contains(string(got.body), "logged out"):
		return failure.Failedf("the logout leads to %s with status %d", withoutQuery(got.at), got.status)
	}
	p.passed("logged out, also at the provider")
	if err := hanging(); err != nil {
		return failure.Failedf("the app's WebSocket stays open after the logout: %w", err)
	}
	if p.framework == "streamlit" {
		p.passed("the open WebSocket was closed")
	}
	for _, v := range []client{user, kept} {
		got, err := v.do(ctx, http.MethodGet, "/", nil, program())
		if err == nil {
			err = refused(got, p.page, p.Issuer)
		}
		if err != nil {
			return failure.Failedf("the session is still valid after the logout: %w", err)
		}
	}
	if p.framework == "streamlit" {
		if conn, err := kept.stream(ctx, nil); !errors.Is(err, errRefused) {
			if conn != nil {
				_ = conn.CloseNow()
			}
			return failure.Failedf("a WebSocket can be opened after the logout: %w", err)
		}
	}
	p.passed("the session has ended, and its cookies are rejected")
	if _, err := p.loginPage(ctx, user); err != nil {
		return failure.Failedf("after the logout: %w", err)
	}
	p.passed("the provider asks for a login again")
	return nil
}

// withCookies returns a client with a modified copy of another client's cookies for the app.
func withCookies(base string, other client, change func(value string) string) (client, error) {
	v, err := newClient(base)
	if err != nil {
		return v, err
	}
	at, err := url.Parse(base)
	if err != nil {
		return v, err
	}
	var cookies []*http.Cookie
	for _, c := range other.client.Jar.Cookies(at) {
		cookies = append(cookies, &http.Cookie{Name: c.Name, Value: change(c.Value), Path: "/"})
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return v, err
	}
	jar.SetCookies(at, cookies)
	v.client.Jar = jar
	return v, nil
}

func with(h http.Header, name, value string) http.Header {
	h.Set(name, value)
	return h
}
