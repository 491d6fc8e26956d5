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

// claimed is who a visitor says to be in headers.
const claimed = "mallory@example.com"

// proof is one run of the checks.
type proof struct {
	*withLogin
	served
	page []byte // of the app, as its user sees it
}

// passed counts and shows a check.
func (p *proof) passed(format string, args ...any) {
	p.Checked++
	p.ok(format, args...)
}

// checkLogin proves the login: it goes the way of a person to the provider, into the app and out again, and tries
// to get in otherwise at every step.
func (w *withLogin) checkLogin(ctx context.Context, s served) error {
	p := &proof{withLogin: w, served: s}
	first, other := s.Users[0], s.Users[len(s.Users)-1]
	user, err := p.logIn(ctx, first)
	if err != nil {
		return err
	}
	if err := p.strangers(ctx, user); err != nil {
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
		out.Printf("%s: %d checks passed at %s\n", out.Green("The login holds"), p.Checked, p.URL)
	})
}

// loginPage visits the app and returns the provider's page to which that leads.
func (p *proof) loginPage(ctx context.Context, v visitor) (answer, error) {
	form, trail, err := v.visit(ctx, http.MethodGet, "/", nil, browser())
	switch {
	case err != nil:
		return form, failure.Failedf("the login page cannot be had: %w", err)
	case !strings.HasPrefix(form.at, p.Issuer+"/") || form.status != http.StatusOK:
		return form, failure.Failedf("a visit leads to %s with status %d, and not to the provider's page", withoutQuery(form.at), form.status)
	}
	for _, address := range trail {
		u, err := url.Parse(address)
		if err != nil || !strings.HasPrefix(address, p.Issuer+"/") || u.Query().Get("response_type") == "" {
			continue
		}
		q := u.Query()
		if q.Get("state") == "" || q.Get("nonce") == "" || q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256" {
			return form, failure.Failedf("the provider is asked without state, nonce or PKCE")
		}
		return form, nil
	}
	return form, failure.Failedf("the provider is asked in a way that is not known")
}

// logIn goes the way of a person: the app leads to the provider's page, somebody is chosen, and the app appears.
func (p *proof) logIn(ctx context.Context, email string) (visitor, error) {
	v, err := newVisitor(p.URL)
	if err != nil {
		return v, err
	}
	form, err := p.loginPage(ctx, v)
	if err != nil {
		return v, err
	}
	p.passed("a visit leads to the provider's page")
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
		return v, failure.Failedf("the log-in as %s does not end: %w", email, err)
	case !strings.HasPrefix(got.at, p.URL+"/") || got.status != http.StatusOK:
		return v, failure.Failedf("the log-in as %s leads to %s with status %d", email, withoutQuery(got.at), got.status)
	}
	p.page = got.body
	p.passed("logged in as %s, and the app appears", email)
	return v, nil
}

// strangers checks that requests without a session get nothing of the app.
func (p *proof) strangers(ctx context.Context, user visitor) error {
	stranger, err := newVisitor(p.URL)
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
		who          visitor
		method, path string
		header       http.Header
	}{
		{"a visit of the page", stranger, http.MethodGet, "/", browser()},
		{"a visit of a page below", stranger, http.MethodGet, "/any/page?x=1", browser()},
		{"a program's request", stranger, http.MethodGet, "/", program()},
		{"a file of the page", stranger, http.MethodGet, fileOf(p.page, p.URL), program()},
		{"a form", stranger, http.MethodPost, "/", program()},
		{"the health check of the app", stranger, http.MethodGet, "/_stcore/health", program()},
		{"a WebSocket", stranger, http.MethodGet, streamPath, upgrade(p.URL)},
		{"a claimed identity", stranger, http.MethodGet, "/", http.Header{"X-Auth-Name": {me}, "X_auth_name": {me}, "X-Auth-Sub": {"1"}}},
		{"a claimed identity on a WebSocket", stranger, http.MethodGet, streamPath, with(upgrade(p.URL), "X-Auth-Name", me)},
		{"a made-up session", forged, http.MethodGet, "/", browser()},
		{"a made-up session on a WebSocket", forged, http.MethodGet, streamPath, upgrade(p.URL)},
		{"a made-up access token", stranger, http.MethodGet, "/", http.Header{"Authorization": {"Bearer eyJhbGciOiJub25lIn0.e30."}}},
	} {
		got, err := t.who.do(ctx, t.method, t.path, nil, t.header)
		if err != nil {
			return failure.Failedf("%s without a log-in: %w", t.name, err)
		}
		if err := refused(got, p.page, p.Issuer); err != nil {
			return failure.Failedf("%s without a log-in: %w", t.name, err)
		}
		p.passed("refused without a log-in: %s", t.name)
	}
	if err := p.strayCallback(ctx, stranger); err != nil {
		return err
	}
	got, err := user.do(ctx, http.MethodGet, streamPath, nil, foreign)
	if err != nil || got.status == http.StatusSwitchingProtocols || got.status/100 == 2 {
		return failure.Failedf("another site may open a WebSocket with the user's session (status %d): %w", got.status, err)
	}
	p.passed("refused with a log-in: a WebSocket of another site")
	return nil
}

// strayCallback sends a callback that belongs to no log-in: it must not become one.
func (p *proof) strayCallback(ctx context.Context, stranger visitor) error {
	got, err := stranger.do(ctx, http.MethodGet, "/callback?code=made-up&state=made-up", nil, browser())
	if err == nil && (got.status/100 == 2 || holdsPart(got.body, p.page)) {
		err = fmt.Errorf("status %d came back", got.status)
	}
	if err == nil {
		if got, err = stranger.do(ctx, http.MethodGet, "/", nil, program()); err == nil {
			err = refused(got, p.page, p.Issuer)
		}
	}
	if err != nil {
		return failure.Failedf("a callback that nobody began: %w", err)
	}
	p.passed("refused without a log-in: a callback that nobody began")
	return nil
}

// greeting proves that the app is told who logged in, and not who a visitor claims to be.
func (p *proof) greeting(ctx context.Context, v visitor, email string) error {
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
		p.passed("the app greets %s over its WebSocket, whatever a client claims", email)
		return nil
	case "dash":
		path = "/_dash-layout" // where Dash has what the page shows
	case "flask", "voila":
	default:
		p.IO.Err.Note("  --  not checked: how %s greets %s, which goes by a protocol of its own", p.framework, email)
		return nil
	}
	got, _, err := v.visit(ctx, http.MethodGet, path, nil, claims)
	switch {
	case err != nil:
		return failure.Failedf("the app cannot be asked: %w", err)
	case strings.Contains(string(got.body), claimed) || !strings.Contains(string(got.body), email):
		return failure.Failedf("the app does not greet %s (status %d)", email, got.status)
	}
	p.passed("the app greets %s, whatever a client claims", email)
	return nil
}

// logOut proves that a log-out ends everything: here, at the provider, and on connections that are open.
func (p *proof) logOut(ctx context.Context, user visitor, email string) error {
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
		return failure.Failedf("the log-out does not end: %w", err)
	case !slices.ContainsFunc(trail, func(a string) bool { return strings.HasPrefix(a, p.Issuer+"/") }):
		return failure.Failedf("the log-out does not reach the provider")
	case !strings.HasPrefix(got.at, p.URL+"/") || !strings.Contains(string(got.body), "logged out"):
		return failure.Failedf("the log-out leads to %s with status %d", withoutQuery(got.at), got.status)
	}
	p.passed("logged out, at the provider too")
	if err := hanging(); err != nil {
		return failure.Failedf("the log-out leaves the app's WebSocket open: %w", err)
	}
	if p.framework == "streamlit" {
		p.passed("the open WebSocket has ended with it")
	}
	for _, v := range []visitor{user, kept} {
		got, err := v.do(ctx, http.MethodGet, "/", nil, program())
		if err == nil {
			err = refused(got, p.page, p.Issuer)
		}
		if err != nil {
			return failure.Failedf("the session is still valid after the log-out: %w", err)
		}
	}
	if p.framework == "streamlit" {
		if conn, err := kept.stream(ctx, nil); !errors.Is(err, errRefused) {
			if conn != nil {
				_ = conn.CloseNow()
			}
			return failure.Failedf("a WebSocket opens after the log-out: %w", err)
		}
	}
	p.passed("the session is gone, and its cookies open nothing")
	if _, err := p.loginPage(ctx, user); err != nil {
		return failure.Failedf("after the log-out: %w", err)
	}
	p.passed("the provider asks again")
	return nil
}

// withCookies makes a visitor with the cookies that another one has at the app, changed.
func withCookies(base string, other visitor, change func(value string) string) (visitor, error) {
	v, err := newVisitor(base)
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
