package democmd

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"regexp"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// check verifies the login: without the password nothing of the app is reachable, with it the app responds.
func (o *Options) check(ctx context.Context, who account) error {
	anonymous, err := newClient(who.URL)
	if err != nil {
		return err
	}
	user, err := newClient(who.URL)
	if err != nil {
		return err
	}
	page, err := user.do(ctx, http.MethodGet, "/", nil, basic(who.Username, who.Password))
	if err != nil {
		return failure.Failedf("cannot request the app with the password: %w", err)
	}
	switch {
	case toLogin(page, ""):
		return failure.Failedf("the app asks for a login in spite of the correct password")
	case page.status != http.StatusOK && page.status/100 != 3:
		return failure.Failedf("with the password the app returns status %d", page.status)
	}
	file := fileOf(page.body, who.URL)
	for _, t := range []struct {
		name, method, path string
		header             http.Header
	}{
		{"a page request", http.MethodGet, "/", browser()},
		{"a request for a subpage", http.MethodGet, "/any/page?x=1", browser()},
		{"a program's request", http.MethodGet, "/", program()},
		{"a file used by the page", http.MethodGet, file, program()},
		{"a form", http.MethodPost, "/", program()},
		{"the app's health check", http.MethodGet, "/_stcore/health", program()},
		{"a WebSocket", http.MethodGet, "/_stcore/stream", upgrade(who.URL)},
		{"a wrong password", http.MethodGet, "/", basic(who.Username, "not-"+who.Password)},
		{"a wrong user", http.MethodGet, "/", basic("not-"+who.Username, who.Password)},
		{"a claimed identity", http.MethodGet, "/", http.Header{"X-Auth-Name": {who.Username}, "X_auth_name": {who.Username}}},
	} {
		got, err := anonymous.do(ctx, t.method, t.path, nil, t.header)
		if err != nil {
			return failure.Failedf("%s without the password: %w", t.name, err)
		}
		if err := refused(got, page.body, ""); err != nil {
			return failure.Failedf("%s without the password: %w", t.name, err)
		}
		o.IO.Err.Note("  ok  refused without the password: %s", t.name)
		who.Checked++
	}
	if err := o.logIn(ctx, anonymous, who); err != nil {
		return err
	}
	again, err := anonymous.do(ctx, http.MethodGet, "/", nil, browser())
	switch {
	case err != nil:
		return failure.Failedf("cannot request the app after the login: %w", err)
	case again.status != page.status || again.status == http.StatusOK && !bytes.Equal(again.body, page.body):
		return failure.Failedf("after the login the app returns a different page (status %d)", again.status)
	}
	o.IO.Err.Note("  ok  the app responds after the login")
	who.Checked += 2
	who.Password = ""
	return o.IO.Result(who, func(out *term.Stream) {
		out.Printf("%s: %d checks passed at %s\n", out.Green("Login verified"), who.Checked, who.URL)
	})
}

// logIn logs in like a user: it follows the redirect to the login form and submits it.
func (o *Options) logIn(ctx context.Context, v client, who account) error {
	form, err := v.do(ctx, http.MethodGet, "/", nil, browser())
	for i := 0; err == nil && form.status/100 == 3 && i < 3; i++ {
		form, err = v.do(ctx, http.MethodGet, form.place, nil, browser())
	}
	if err != nil {
		return failure.Failedf("cannot load the login page: %w", err)
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
		return failure.Failedf("cannot submit the login form: %w", err)
	}
	if done.status != http.StatusSeeOther && done.status != http.StatusFound {
		return failure.Failedf("the login form returned status %d", done.status)
	}
	o.IO.Err.Note("  ok  logged in as %s", who.Username)
	return nil
}
