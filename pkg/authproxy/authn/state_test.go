package authn_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/forwarded"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

func TestProtectResponse(t *testing.T) {
	t.Parallel()
	a, err := newAuthenticator()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	for name, tc := range map[string]struct {
		user   bool
		status int
		header http.Header
		want   string // Cache-Control
	}{
		"nobody's":         {false, 200, http.Header{"Content-Type": {"text/html"}}, ""},
		"page":             {true, 200, http.Header{"Content-Type": {"text/HTML; charset=utf-8"}}, "no-store"},
		"XHTML":            {true, 200, http.Header{"Content-Type": {"application/xhtml+xml"}}, "no-store"},
		"data":             {true, 200, http.Header{"Content-Type": {"application/json"}}, "private"},
		"no type":          {true, 200, http.Header{}, "private"},
		"the app's word":   {true, 200, http.Header{"Content-Type": {"text/html"}, "Cache-Control": {"max-age=60"}}, "max-age=60"},
		"not modified":     {true, 304, http.Header{}, ""},
		"an error page":    {true, 500, http.Header{"Content-Type": {"text/html"}}, "no-store"},
		"two types":        {true, 200, http.Header{"Content-Type": {"text/html", "image/png"}}, "private"},
		"not quite a page": {true, 200, http.Header{"Content-Type": {"text/htm"}}, "private"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := authn.State{Policy: a.Policy()}
			if tc.user {
				st.User = &identity.Identity{Name: "ann"}
			}
			st.ProtectResponse(tc.status, tc.header)
			if got := tc.header.Get("Cache-Control"); got != tc.want {
				t.Errorf("Cache-Control %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	base := &url.URL{Scheme: "https", Host: "app.example.com"}
	for name, tc := range map[string]struct {
		base         *url.URL
		host, origin string
		want         bool
	}{
		"no page":              {nil, "app.example.com", "", true},
		"same host":            {nil, "app.example.com", "https://app.example.com", true},
		"default port":         {nil, "app.example.com", "http://app.example.com:80", true},
		"other case":           {nil, "App.Example.com", "https://app.example.com", true},
		"other port":           {nil, "app.example.com", "https://app.example.com:8443", false},
		"other host":           {nil, "app.example.com", "https://evil.example.com", false},
		"IPv6":                 {nil, "[::1]:8080", "http://[::1]:8080", true},
		"IPv6 without a port":  {nil, "[::1]", "http://[::1]:80", true},
		"a sandboxed page":     {nil, "app.example.com", "null", false},
		"another scheme":       {nil, "app.example.com", "file://app.example.com", false},
		"base URL":             {base, "10.0.0.7:8080", "https://app.example.com", true},
		"base URL, host only":  {base, "app.example.com", "http://app.example.com", false},
		"base URL, other host": {base, "evil.example.com", "https://evil.example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			st := authn.State{Policy: &authn.Policy{Config: config.Config{BaseURL: tc.base}}, Client: forwarded.Client{Host: tc.host}}
			if got := st.SameOrigin(r); got != tc.want {
				t.Errorf("SameOrigin(%q at %q) = %v, want %v", tc.origin, tc.host, got, tc.want)
			}
		})
	}
}
