package oidcprovider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// ErrNoForm says that another page came than the login page.
var ErrNoForm = errors.New("this is not the login page of the provider")

// Page is a response whose body has been read.
type Page struct {
	URL    *url.URL // after redirects
	Status int
	Header http.Header
	Body   string
}

// Open asks as a browser does that opens a page, and follows redirects if the client does.
func Open(ctx context.Context, client *http.Client, address string) (*Page, error) {
	return send(ctx, client, http.MethodGet, address, nil)
}

// LogIn opens the address, expects to end on the provider's login page, logs in there and returns the page to which
// that leads. The error wraps ErrNoForm where there is no login page, as for a user who is logged in already.
func (p *Provider) LogIn(ctx context.Context, client *http.Client, address, user string) (*Page, error) {
	form, err := Open(ctx, client, address)
	if err != nil {
		return nil, err
	}
	return p.Answer(ctx, client, form, user)
}

// Answer fills in a login page that is open already.
func (p *Provider) Answer(ctx context.Context, client *http.Client, form *Page, user string) (*Page, error) {
	if !strings.HasPrefix(form.URL.String(), p.Issuer()+"/interaction/") {
		return nil, fmt.Errorf("%w: %d at %s\n%s", ErrNoForm, form.Status, form.URL.Redacted(), form.Body)
	}
	for _, u := range p.settings.Users {
		if u.Subject == user {
			fields := url.Values{"user": {user}, "password": {u.Password}, "answer": {"login"}}
			return send(ctx, client, http.MethodPost, form.URL.String(), fields)
		}
	}
	return nil, fmt.Errorf("the provider does not know %s", user)
}

// Cancel answers a login page or a consent page that is open with no.
func Cancel(ctx context.Context, client *http.Client, form *Page) (*Page, error) {
	return send(ctx, client, http.MethodPost, form.URL.String(), url.Values{"answer": {"cancel"}})
}

// Allow answers a consent page that is open with yes.
func Allow(ctx context.Context, client *http.Client, form *Page) (*Page, error) {
	return send(ctx, client, http.MethodPost, form.URL.String(), url.Values{"answer": {"allow"}})
}

// LogOut opens the address, which has to lead to the provider's logout, and goes on from there as a browser does.
func (p *Provider) LogOut(ctx context.Context, client *http.Client, address string) (*Page, error) {
	page, err := Open(ctx, client, address)
	if err != nil {
		return nil, err
	}
	form := regexp.MustCompile(`name="xsrf" value="([^"]+)"`).FindStringSubmatch(page.Body)
	if !strings.HasPrefix(page.URL.String(), p.Issuer()+"/session/end") || form == nil {
		return nil, fmt.Errorf("no logout page of the provider: %d at %s\n%s", page.Status, page.URL.Redacted(), page.Body)
	}
	return send(ctx, client, http.MethodPost, p.Issuer()+"/session/end/confirm", url.Values{"xsrf": {form[1]}, "logout": {"yes"}})
}

func send(ctx context.Context, client *http.Client, method, address string, fields url.Values) (*Page, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	return &Page{URL: answer.Request.URL, Status: answer.StatusCode, Header: answer.Header, Body: string(body)}, nil
}
