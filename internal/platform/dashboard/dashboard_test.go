package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

var epoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

const (
	ownerKey, annKey, bobKey = "key-of-the-owner", "key-of-ann", "key-of-bob"

	job1 = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	job2 = "bbbbbbbbbbbbbbbbbbbbbbbbbb"

	hostile = "</pre></title><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\x00\u202egnp.exe\"' onload=\xff"
)

// fake is what a platform knows: ann has two projects, bob none.
type fake struct {
	mu          sync.Mutex
	users       map[string]platform.User
	projects    []platform.Project
	deployments map[string][]platform.Deployment
	build, app  []string
	err         error // of everything
}

func newFake() *fake {
	failed := platform.Deployment{
		ID: job2, Project: "quiet-oak-1", Number: 2, Created: epoch,
		Release: platform.Release{Type: platform.Panel, By: "ann" + hostile, Message: hostile, Size: 1_500_000, Variables: []string{"TOKEN"}, Resources: platform.DefaultResources()},
		Status: platform.Status{State: platform.StateFailed, Changed: epoch.Add(time.Minute), Problem: platform.Cause{
			Reason: platform.ReasonImport, Message: "the app needs the module pandas" + hostile, Hint: "add pandas to requirements.txt" + hostile,
			Output: []string{"Traceback" + hostile, "ModuleNotFoundError"},
		}},
	}
	running := platform.Deployment{
		ID: job1, Project: "quiet-oak-1", Number: 1, Created: epoch, Release: platform.Release{Type: platform.Panel, By: "ann"},
		Status: platform.Status{State: platform.StateRunning, Changed: epoch},
	}
	return &fake{
		users: map[string]platform.User{
			ownerKey: {ID: "u0", Name: platform.OwnerName, Tier: platform.Owner}, annKey: {ID: "u1", Name: "ann", Tier: platform.Pro},
			bobKey: {ID: "u2", Name: "bob", Tier: platform.Owner},
		},
		projects: []platform.Project{
			{ID: "quiet-oak-1", Owner: "u1", Type: platform.Panel, Created: epoch, Labels: []string{"sales", hostile}, Current: job1},
			{ID: "empty-hill-2", Owner: "u1", Type: platform.Dash, Created: epoch},
		},
		deployments: map[string][]platform.Deployment{"quiet-oak-1": {failed, running}},
		build:       []string{"2030-01-02T03:04:05.000Z Installing pandas", hostile},
		app:         []string{"2030-01-02T03:04:06.000Z hello", hostile},
	}
}

func (f *fake) UserByKey(_ context.Context, key string) (platform.User, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, ok := f.users[key]
	if !ok {
		return u, fmt.Errorf("user: %w", platform.ErrNotFound)
	}
	return u, f.err
}

func (f *fake) Projects(_ context.Context, owner string) (list []platform.Project, err error) {
	for _, p := range f.projects {
		if owner == "" || p.Owner == owner {
			list = append(list, p)
		}
	}
	return list, f.err
}

func (f *fake) Project(_ context.Context, id string) (platform.Project, error) {
	for _, p := range f.projects {
		if p.ID == id {
			return p, f.err
		}
	}
	return platform.Project{}, fmt.Errorf("project: %w", platform.ErrNotFound)
}

func (f *fake) LatestOf(_ context.Context, _ string) (map[string]platform.Deployment, error) {
	latest := map[string]platform.Deployment{}
	for project, ds := range f.deployments {
		latest[project] = ds[0]
	}
	return latest, f.err
}

func (f *fake) Deployments(_ context.Context, project string) ([]platform.Deployment, error) {
	return f.deployments[project], f.err
}

func (f *fake) BuildLog(d platform.Deployment, last int) ([]string, error) { return f.build, f.err }

func (f *fake) AppLog(d platform.Deployment, last int) ([]string, error) { return f.app, f.err }

// counter is a source of IDs that are all different.
type counter struct{ n byte }

func (c *counter) Read(p []byte) (int, error) {
	c.n++
	for i := range p {
		p[i] = c.n
	}
	return len(p), nil
}

type site struct {
	*fake
	now time.Time
	url string
	t   *testing.T
}

func serve(t *testing.T, change func(o *Options)) *site {
	t.Helper()
	s := &site{fake: newFake(), now: epoch, t: t}
	o := Options{
		Users: s.fake, Projects: s.fake, Deployments: s.fake, Logs: s.fake,
		AppURL: func(id string) string { return "http://" + id + ".localhost:8080" },
		Now:    func() time.Time { return s.now }, Random: &counter{}, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// browser keeps cookies and does not follow redirects.
func (s *site) browser() *http.Client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *site) do(c *http.Client, r *http.Request) (*http.Response, string) {
	s.t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

func (s *site) get(c *http.Client, path string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do(c, r)
}

func (s *site) post(c *http.Client, path string, form url.Values, header http.Header) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(c, r)
}

// login returns a browser that is logged in.
func (s *site) login(key string) *http.Client {
	s.t.Helper()
	c := s.browser()
	if resp, body := s.post(c, "/login", url.Values{"key": {key}}, nil); resp.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("login: %s\n%s", resp.Status, body)
	}
	return c
}

const oak = "/applications/quiet-oak-1"

func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, tc := range map[string]struct {
		key, path string
		code      int
		has, not  []string
	}{
		"list": {key: annKey, path: "/", code: 200, has: []string{"quiet-oak-1", "empty-hill-2", "failed", "nothing deployed", "sales"}},
		"failed deployment": {key: annKey, path: oak + "/" + job2, code: 200, has: []string{
			"failed", "a module that it imports is missing", "the app needs the module pandas", "add pandas to requirements.txt", "ModuleNotFoundError",
			"http://quiet-oak-1.localhost:8080", "1.5 MB", "TOKEN", "0.5 CPU", "Installing pandas", "03:04:06.000Z hello",
		}},
		"newest deployment":         {key: annKey, path: oak, code: 200, has: []string{"since 2030-01-02 03:05:05 UTC", "(current)"}},
		"earlier deployment":        {key: annKey, path: oak + "/" + job1, code: 200, has: []string{"running", "(current)"}, not: []string{"ModuleNotFoundError"}},
		"nothing deployed":          {key: annKey, path: "/applications/empty-hill-2", code: 200, has: []string{"Nothing has been deployed"}},
		"unknown project":           {key: annKey, path: "/applications/nobody-3", code: 404},
		"unknown deployment":        {key: annKey, path: oak + "/cccccccccccccccccccccccccc", code: 404},
		"of another project":        {key: annKey, path: "/applications/empty-hill-2/" + job1, code: 404, not: []string{"hello"}},
		"list of another user":      {key: bobKey, path: "/", code: 200, has: []string{"no projects"}, not: []string{"quiet-oak-1"}},
		"project of another user":   {key: bobKey, path: oak, code: 404, not: []string{"pandas", "sales"}},
		"job of another user":       {key: bobKey, path: oak + "/" + job1, code: 404, not: []string{"hello"}},
		"list of the owner":         {key: ownerKey, path: "/", code: 200, has: []string{"quiet-oak-1"}},
		"project seen by the owner": {key: ownerKey, path: oak, code: 200, has: []string{"pandas"}},
		"no such page":              {key: annKey, path: "/nothing", code: 404},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := s.get(s.login(tc.key), tc.path)
			if resp.StatusCode != tc.code {
				t.Errorf("status %d, want %d", resp.StatusCode, tc.code)
			}
			for _, text := range tc.has {
				if !strings.Contains(body, text) {
					t.Errorf("the page lacks %q:\n%s", text, body)
				}
			}
			for _, text := range tc.not {
				if strings.Contains(body, text) {
					t.Errorf("the page has %q:\n%s", text, body)
				}
			}
		})
	}
}

// What users and apps have written is text on every page, whatever it contains.
func TestHostileText(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := s.login(annKey)
	for _, path := range []string{"/", oak, oak + "/" + job1, oak + "/" + job2, "/applications/" + url.PathEscape(hostile), "/" + url.PathEscape(hostile)} {
		for _, client := range []*http.Client{c, s.browser()} {
			resp, body := s.get(client, path)
			root, err := html.Parse(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for n := range root.Descendants() {
				if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "img" || n.Data == "style") {
					t.Errorf("%s: the page has an element %s", path, n.Data)
				}
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
						t.Errorf("%s: an element has the attribute %s", path, a.Key)
					}
				}
			}
			for _, r := range body {
				if unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u202e' {
					t.Errorf("%s: the page has the character %U", path, r)
					break
				}
			}
			if client == c && strings.HasPrefix(path, oak) && !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
				t.Errorf("%s: the text is not shown", path)
			}
			checkHeaders(t, path, resp.Header)
		}
	}
}

func checkHeaders(t *testing.T, path string, h http.Header) {
	t.Helper()
	policy := h.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("%s: policy %q", path, policy)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Content-Type": "text/html; charset=utf-8",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", path, name, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	_, page := s.get(s.browser(), "/")
	for _, m := range regexp.MustCompile(`(?:href|src)="(/[^"]+\.\w+)"`).FindAllStringSubmatch(page, -1) {
		if resp, _ := s.get(s.browser(), m[1]); resp.StatusCode != http.StatusOK || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s", m[1], resp.Status)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPost} {
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+oak, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, _ := s.do(s.login(annKey), r); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, resp.Status)
		}
	}
}

// Pages load themselves again while something is going on, and only then.
func TestRefresh(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := s.login(annKey)
	for _, state := range platform.States() {
		s.deployments["quiet-oak-1"][0].State = state
		_, body := s.get(c, oak)
		if got := strings.Contains(body, `http-equiv="refresh"`); got == state.Settled() {
			t.Errorf("%s: refresh %v", state, got)
		}
	}
}

func TestPlatformFails(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := serve(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	c := s.login(annKey)
	s.err = errors.New("/srv/platform.db: disk I/O error")
	for _, path := range []string{"/", oak} {
		if resp, body := s.get(c, path); resp.StatusCode != http.StatusInternalServerError || strings.Contains(body, "platform.db") {
			t.Errorf("%s: %s\n%s", path, resp.Status, body)
		}
	}
	if resp, body := s.post(s.browser(), "/login", url.Values{"key": {annKey}}, nil); resp.StatusCode != http.StatusInternalServerError || len(resp.Cookies()) > 0 {
		t.Errorf("login: %s\n%s", resp.Status, body)
	}
	if !strings.Contains(log.String(), "disk I/O error") || strings.Contains(log.String(), annKey) {
		t.Errorf("log %q", log.String())
	}
}
