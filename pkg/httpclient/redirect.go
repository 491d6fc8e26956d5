package httpclient

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 10

// ErrRedirect is wrapped by the errors of redirects that are not followed because that is not safe.
var ErrRedirect = errors.New("redirect not followed")

type redirectError string

func (e redirectError) Error() string { return string(e) }
func (e redirectError) Unwrap() error { return ErrRedirect }

// CheckRedirect returns a function for http.Client.CheckRedirect. It follows up to ten redirects of a method that stays the
// same; only a GET leaves the first origin, and nothing goes from https to http. The private headers are sent to the first
// origin alone, not even back to it after a detour.
func CheckRedirect(private ...string) func(r *http.Request, via []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		first := via[0]
		away := !SameOrigin(first.URL, r.URL)
		for _, earlier := range via[1:] {
			away = away || !SameOrigin(first.URL, earlier.URL)
		}
		switch {
		case len(via) >= maxRedirects:
			return errors.New("too many redirects")
		case r.Method != first.Method:
			return redirectError("a redirect that changes the method is not followed")
		case away && first.Method != http.MethodGet:
			return redirectError("a redirect to another host is not followed")
		case via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https":
			return redirectError("a redirect from https to http is not followed")
		}
		r.Header.Del("Referer") // the whole URL before, query included
		if away {
			for _, name := range private {
				r.Header.Del(name)
			}
		}
		return nil
	}
}

// SameOrigin tells whether scheme, host and port are the same as they are written.
func SameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }
