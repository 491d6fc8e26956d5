package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A proxy is a running program in front of an app, and the ways into it.
type proxy struct {
	*process
	doors []door
}

// A door is one way in: a listener and the credential that it asks for.
type door struct {
	name    string
	address string // host:port
	header  string // that proves who asks, as "Name: value"; empty where nobody is asked
	root    int    // process whose tree does the work
}

// starter starts one proxy in front of the app at an address.
type starter func(ctx context.Context, upstream string) (*proxy, error)

// account is who logs in at every contestant.
type account struct{ name, password string }

func (a account) basic() string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(a.name+":"+a.password))
}

// check makes sure that the door lets nobody in without the credential, and someone with it. Figures of a proxy
// that guards nothing, or answers with its login page, would be worthless.
func (d door) check(ctx context.Context, path string, size int) error {
	status, n, err := d.get(ctx, path, d.header)
	if err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	if status != http.StatusOK || n != size {
		return fmt.Errorf("%s answers %d with %d bytes to %s, want 200 with %d", d.name, status, n, path, size)
	}
	if d.header == "" {
		return nil
	}
	if status, _, err = d.get(ctx, path, ""); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	if !refused(status) {
		return fmt.Errorf("%s answers %d without the credential", d.name, status)
	}
	return nil
}

// refused knows the answers that ask for a login.
func refused(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusFound, http.StatusSeeOther:
		return true
	}
	return false
}

func (d door) get(ctx context.Context, path, header string) (status, size int, err error) {
	answer, err := ask(ctx, &http.Client{CheckRedirect: stay}, "http://"+d.address+path, header)
	if err != nil {
		return 0, 0, err
	}
	n, err := io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, int(n), errors.Join(err, answer.Body.Close())
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ask sends a GET request with one more header, "Name: value" or nothing.
func ask(ctx context.Context, client *http.Client, url, header string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if name, value, ok := strings.Cut(header, ": "); ok {
		r.Header.Set(name, value)
	}
	r.Close = true // the connections under load are to be the only ones
	client.Timeout = 10 * time.Second
	return client.Do(r)
}

// cookies writes cookies as a header line.
func cookies(list []*http.Cookie) string {
	var pairs []string
	for _, c := range list {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return "Cookie: " + strings.Join(pairs, "; ")
}
