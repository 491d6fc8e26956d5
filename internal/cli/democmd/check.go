package democmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// maxPage bounds what is read of one answer, in bytes.
const maxPage = 4 << 20

// answer is what came back for one request.
type answer struct {
	status int
	place  string // of a redirect
	body   []byte
}

// visitor asks the app for pages, as a browser or as a program.
type visitor struct {
	client *http.Client
	base   string
}

func newVisitor(base string) (visitor, error) {
	jar, err := cookiejar.New(nil)
	return visitor{base: base, client: &http.Client{
		Jar:           jar,
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{}, // no proxy: the app is on this machine
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, err
}

func (v visitor) do(ctx context.Context, method, path string, body url.Values, header http.Header) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(body.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header = header.Clone()
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.base)
	}
	reply, err := v.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = reply.Body.Close() }() // read as far as it is needed
	if reply.StatusCode == http.StatusSwitchingProtocols {
		return answer{status: reply.StatusCode}, nil // what follows never ends
	}
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxPage))
	return answer{reply.StatusCode, reply.Header.Get("Location"), text}, err
}

// How a browser's page visit and a program's request look, and an upgrade to a WebSocket.

func browser() http.Header {
	return http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}
}

func program() http.Header { return http.Header{"Accept": {"*/*"}} }

func upgrade(base string) http.Header {
	return http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Origin": {base},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
}

func basic(username, password string) http.Header {
	r := http.Request{Header: program()}
	r.SetBasicAuth(username, password)
	return r.Header
}

// check proves the login: without the password nothing of the app is reachable, with it the app answers.
func (o *Options) check(ctx context.Context, who account) error {
	stranger, err := newVisitor(who.URL)
	if err != nil {
		return err
	}
	user, err := newVisitor(who.URL)
	if err != nil {
		return err
	}
	page, err := user.do(ctx, http.MethodGet, "/", nil, basic(who.Username, who.Password))
	if err != nil {
		return failure.Failedf("the app cannot be asked with the password: %w", err)
	}
	switch {
	case toLogin(page):
		return failure.Failedf("with the password the app asks for a log-in all the same")
	case page.status != http.StatusOK && page.status/100 != 3:
		return failure.Failedf("with the password the app answers status %d", page.status)
	}
	file := fileOf(page.body, who.URL)
	for _, t := range []struct {
		name, method, path string
		header             http.Header
	}{
		{"a visit of the page", http.MethodGet, "/", browser()},
		{"a visit of a page below", http.MethodGet, "/any/page?x=1", browser()},
		{"a program's request", http.MethodGet, "/", program()},
		{"a file of the page", http.MethodGet, file, program()},
		{"a form", http.MethodPost, "/", program()},
		{"the health check of the app", http.MethodGet, "/_stcore/health", program()},
		{"a WebSocket", http.MethodGet, "/_stcore/stream", upgrade(who.URL)},
		{"a wrong password", http.MethodGet, "/", basic(who.Username, "not-"+who.Password)},
		{"a wrong user", http.MethodGet, "/", basic("not-"+who.Username, who.Password)},
		{"a claimed identity", http.MethodGet, "/", http.Header{"X-Auth-Name": {who.Username}, "X_auth_name": {who.Username}}},
	} {
		got, err := stranger.do(ctx, t.method, t.path, nil, t.header)
		if err != nil {
			return failure.Failedf("%s without the password: %w", t.name, err)
		}
		if err := refused(got, page.body); err != nil {
			return failure.Failedf("%s without the password: %w", t.name, err)
		}
		o.IO.Err.Note("  ok  refused without the password: %s", t.name)
		who.Checked++
	}
	if err := o.logIn(ctx, stranger, who); err != nil {
		return err
	}
	again, err := stranger.do(ctx, http.MethodGet, "/", nil, browser())
	switch {
	case err != nil:
		return failure.Failedf("the app cannot be asked after the log-in: %w", err)
	case again.status != page.status || again.status == http.StatusOK && !bytes.Equal(again.body, page.body):
		return failure.Failedf("after the log-in the app answers otherwise (status %d)", again.status)
	}
	o.IO.Err.Note("  ok  the app answers after the log-in")
	who.Checked += 2
	who.Password = ""
	return o.IO.Result(who, func(out *term.Stream) {
		out.Printf("%s: %d checks passed at %s\n", out.Green("The login holds"), who.Checked, who.URL)
	})
}

// refused checks that an answer is the login's and holds nothing of the app's page.
func refused(got answer, page []byte) error {
	switch {
	case got.status != http.StatusUnauthorized && !toLogin(got):
		return fmt.Errorf("status %d came back (%q)", got.status, got.place)
	case holdsPart(got.body, page):
		return fmt.Errorf("the app's page came back")
	}
	return nil
}

func toLogin(got answer) bool {
	return got.status/100 == 3 && strings.HasPrefix(got.place, "/_auth/")
}

// holdsPart tells whether text holds a short page, or 511 bytes in a row of a longer one: as much as two pages
// never share by chance.
func holdsPart(text, page []byte) bool {
	const piece = 256
	if len(page) < piece {
		return len(page) > 0 && bytes.Contains(text, page)
	}
	for i := 0; i+piece <= len(page); i += piece {
		if bytes.Contains(text, page[i:i+piece]) {
			return true
		}
	}
	return false
}

// fileOf returns the path of the first script, style or picture that a page loads from its own server, and a
// likely one where it loads none.
func fileOf(page []byte, base string) string {
	const likely = "/static/app.js"
	here, err := url.Parse(base + "/")
	if err != nil {
		return likely
	}
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllSubmatch(page, -1) {
		if u, err := here.Parse(string(found[1])); err == nil && u.Host == here.Host && u.Path != "/" {
			return u.RequestURI()
		}
	}
	return likely
}

// logIn goes the way of a person: the page leads to the form, and the form is sent.
func (o *Options) logIn(ctx context.Context, v visitor, who account) error {
	form, err := v.do(ctx, http.MethodGet, "/", nil, browser())
	for i := 0; err == nil && form.status/100 == 3 && i < 3; i++ {
		form, err = v.do(ctx, http.MethodGet, form.place, nil, browser())
	}
	if err != nil {
		return failure.Failedf("the login page cannot be had: %w", err)
	}
	action := regexp.MustCompile(`<form[^>]* action="([^"]*)"`).FindSubmatch(form.body)
	if action == nil {
		return failure.Failedf("the login page has no form (status %d)", form.status)
	}
	values := url.Values{"username": {who.Username}, "password": {who.Password}}
	for _, hidden := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllSubmatch(form.body, -1) {
		values.Set(string(hidden[1]), string(hidden[2]))
	}
	done, err := v.do(ctx, http.MethodPost, string(action[1]), values, browser())
	if err != nil {
		return failure.Failedf("the log-in cannot be sent: %w", err)
	}
	if done.status != http.StatusSeeOther && done.status != http.StatusFound {
		return failure.Failedf("the log-in is answered with status %d", done.status)
	}
	o.IO.Err.Note("  ok  logged in as %s", who.Username)
	return nil
}
