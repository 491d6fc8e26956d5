package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestWithoutLogin(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, path := range []string{"/", oak, oak + "/" + job1, "/applications/nobody-3"} {
		resp, body := s.get(s.browser(), path)
		if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "API key") || strings.Contains(body, "pandas") {
			t.Errorf("%s: %s\n%s", path, resp.Status, body)
		}
		if want := `name="next" value="` + path + `"`; !strings.Contains(body, want) {
			t.Errorf("%s: the form lacks %s", path, want)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, tc := range map[string]struct {
		form url.Values
		to   string // "" if refused
	}{
		"list":          {url.Values{"key": {annKey}}, "/"},
		"page":          {url.Values{"key": {" " + annKey + "\n"}, "next": {oak + "/" + job1}}, oak + "/" + job1},
		"other site":    {url.Values{"key": {annKey}, "next": {"https://evil.example/"}}, "/"},
		"other host":    {url.Values{"key": {annKey}, "next": {"//evil.example/applications/"}}, "/"},
		"backslash":     {url.Values{"key": {annKey}, "next": {`/applications/\..\..\evil`}}, "/"},
		"climbing":      {url.Values{"key": {annKey}, "next": {"/applications/../logout"}}, "/"},
		"no key":        {url.Values{"key": {""}}, ""},
		"wrong key":     {url.Values{"key": {"guess"}}, ""},
		"very long key": {url.Values{"key": {strings.Repeat("k", 2000)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := s.post(s.browser(), "/login", tc.form, nil)
			cookies := resp.Cookies()
			if tc.to == "" {
				if resp.StatusCode != http.StatusUnauthorized || len(cookies) > 0 || !strings.Contains(body, "not valid") {
					t.Errorf("%s, %v\n%s", resp.Status, cookies, body)
				}
				return
			}
			if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != tc.to || len(cookies) != 1 {
				t.Fatalf("%s to %q, %v", resp.Status, resp.Header.Get("Location"), cookies)
			}
			if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || c.MaxAge != 12*3600 || strings.Contains(c.Value, annKey) {
				t.Errorf("cookie %v", c)
			}
		})
	}
	secure := serve(t, func(o *Options) { o.Secure = true })
	resp, _ := secure.post(secure.browser(), "/login", url.Values{"key": {annKey}}, nil)
	if c := resp.Cookies(); len(c) != 1 || !c[0].Secure || !strings.HasPrefix(c[0].Name, "__Host-") {
		t.Errorf("cookie with TLS: %v", c)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *site, c *http.Client){
		"logout":       func(s *site, c *http.Client) { s.post(c, "/logout", nil, nil) },
		"12 hours":     func(s *site, _ *http.Client) { s.now = s.now.Add(12 * time.Hour) },
		"key replaced": func(s *site, _ *http.Client) { delete(s.users, annKey) },
		"another login": func(s *site, c *http.Client) {
			copied := s.browser()
			u, err := url.Parse(s.url)
			if err != nil {
				s.t.Fatal(err)
			}
			copied.Jar.SetCookies(u, c.Jar.Cookies(u))
			s.post(copied, "/login", url.Values{"key": {annKey}}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil)
			c := s.login(annKey)
			s.now = s.now.Add(11 * time.Hour)
			if resp, _ := s.get(c, oak); resp.StatusCode != http.StatusOK {
				t.Fatalf("before: %s", resp.Status)
			}
			s.now = epoch
			end(s, c)
			if resp, body := s.get(c, oak); resp.StatusCode != http.StatusUnauthorized || strings.Contains(body, "pandas") {
				t.Errorf("after: %s", resp.Status)
			}
		})
	}
}

func TestGuessesAreSlowed(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := s.browser()
	for i := range maxGuesses {
		if resp, _ := s.post(c, "/login", url.Values{"key": {fmt.Sprint("guess ", i)}}, nil); resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("guess %d: %s", i, resp.Status)
		}
	}
	resp, _ := s.post(c, "/login", url.Values{"key": {annKey}}, nil)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "60" || len(resp.Cookies()) > 0 {
		t.Errorf("after many guesses: %s, %v", resp.Status, resp.Header)
	}
	s.now = s.now.Add(guessTime)
	s.login(annKey)
}

// A page of another site, also of an app on another port of this machine, cannot log a user in or out.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := s.login(annKey)
	for _, path := range []string{"/login", "/logout"} {
		for name, header := range map[string]http.Header{
			"cross-site":   {"Sec-Fetch-Site": {"cross-site"}},
			"same-site":    {"Sec-Fetch-Site": {"same-site"}},
			"old browser":  {"Origin": {"http://quiet-oak-1.localhost:8080"}},
			"another port": {"Origin": {"http://127.0.0.1:1"}},
		} {
			if resp, _ := s.post(c, path, url.Values{"key": {bobKey}}, header); resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) > 0 {
				t.Errorf("%s, %s: %s", path, name, resp.Status)
			}
		}
	}
	if resp, _ := s.get(c, oak); resp.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %s", resp.Status)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) { o.Hosts = []string{"cloud.example.com"} })
	for host, ok := range map[string]bool{
		"localhost": true, "LOCALHOST:3000": true, "localhost.": true, "127.0.0.1:3000": true, "127.9.9.9": true, "[::1]:3000": true, "[::1]": true,
		"cloud.example.com": true, "Cloud.Example.com:443": true,
		"evil.example": false, "localhost.evil.example": false, "quiet-oak-1.localhost:8080": false, "10.0.0.1": false, "cloud.example.com.evil.example": false,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		want := http.StatusUnauthorized
		if !ok {
			want = http.StatusBadRequest
		}
		if resp, _ := s.do(s.browser(), r); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", host, resp.Status, want)
		}
	}
}
