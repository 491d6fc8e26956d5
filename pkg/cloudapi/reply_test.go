package cloudapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestReplies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		call func(context.Context, *Client) (any, error)
		want any
	}{
		"tier": {`{"_model":{"type":"teams","email":"a@example.com"}}`, func(ctx context.Context, c *Client) (any, error) { return c.Tier(ctx) }, "teams"},
		"projects": {`{"projects":[{"id":"a","name":null},{"id":"b","name":"Board"}]}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Projects(ctx) }, []ProjectSummary{{ID: "a"}, {ID: "b", Name: "Board"}}},
		"no projects": {`{"projects":[]}`, func(ctx context.Context, c *Client) (any, error) { return c.Projects(ctx) }, []ProjectSummary{}},
		"project with nulls": {`{"id":"p","name":null,"type":"dash","labels":null,"secrets":null,"jobs":[]}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Project(ctx, "p") }, &Project{ID: "p", Type: "dash", Jobs: []ProjectJob{}}},
		"project with little": {`{"type":"dash"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Project(ctx, "p") }, &Project{Type: "dash"}},
		"project with text for numbers": {`{"id":"p","type":"dash","labels":["eu"],"secrets":["A","B"],"jobs":[
			{"id":"j","cpu":"0.5","ram":"1.0","gpu":"0","auth_enabled":true},{"id":"old","cpu":4,"ram":12,"gpu":null,"auth_enabled":null,"auth_analytics_enabled":true},{"id":"x"}]}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Project(ctx, "p") },
			&Project{ID: "p", Type: "dash", Labels: []string{"eu"}, Secrets: []string{"A", "B"}, Jobs: []ProjectJob{
				{ID: "j", CPU: 0.5, RAM: 1, AuthEnabled: true}, {ID: "old", CPU: 4, RAM: 12, AuthAnalyticsEnabled: true}, {ID: "x"},
			}}},
		"created": {`{"labels":["a"], "id":"lab-1","type":"streamlit"}`, func(ctx context.Context, c *Client) (any, error) { return c.CreateProject(ctx, "x") },
			&Created{ID: "lab-1", Type: "streamlit", Object: []byte(`{"labels":["a"], "id":"lab-1","type":"streamlit"}`)}},
		"job": {`{"id":"j","status":"running","resources":{"webservice":"https://app.example.app"}}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Job(ctx, "j") },
			&Job{ID: "j", Status: "running", Resources: JobResources{Webservice: "https://app.example.app"}}},
		"job without resources": {`{"status":"pending","resources":null}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Job(ctx, "j") }, &Job{Status: "pending"}},
		"logs":         {`{"logs":{"build-docker":"b\n","app":"a"}}`, func(ctx context.Context, c *Client) (any, error) { return c.Logs(ctx, "j", time.Time{}) }, Logs{"b\n", "a"}},
		"missing logs": {`{"logs":{"app":null}}`, func(ctx context.Context, c *Client) (any, error) { return c.Logs(ctx, "j", time.Time{}) }, Logs{}},
		"null logs":    {`{"logs":null}`, func(ctx context.Context, c *Client) (any, error) { return c.Logs(ctx, "j", time.Time{}) }, Logs{}},
		"any JSON":     {` "deleted" `, func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteProject(ctx, "p") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tc.body) }))
			got, err := tc.call(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var sentinels = map[string]error{
	"unauthorized": ErrUnauthorized, "not found": ErrNotFound, "server": ErrServer,
	"bad reply": ErrBadReply, "too large": ErrTooLarge, "network": ErrNetwork,
}

// is lists the sentinels that err matches.
func is(err error) string {
	var names []string
	for _, name := range []string{"unauthorized", "not found", "server", "bad reply", "too large", "network"} {
		if errors.Is(err, sentinels[name]) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// plain tells what every message must be: short, one line, printable, without the key.
func plain(err error) error {
	s := err.Error()
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%q is not printable", r)
		}
	}
	switch {
	case s == "", len([]rune(s)) > 700:
		return fmt.Errorf("%d characters", len(s))
	case strings.Contains(s, testKey):
		return errors.New("the key shows")
	}
	return nil
}

func TestErrorReplies(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>"
	for name, tc := range map[string]struct {
		status   int
		ctype    string
		body     string
		is, says string
		detail   string
	}{
		"refused key":     {401, "", `{"detail":"Invalid API key"}`, "unauthorized", "refused the API key: Invalid API key (HTTP 401, GET /jobs/j)", "Invalid API key"},
		"forbidden":       {403, "", `{"detail":"Limit of projects"}`, "unauthorized", "does not allow this: Limit of projects", "Limit of projects"},
		"forbidden text":  {403, "text/plain", `no json`, "unauthorized", "no json", "no json"},
		"forbidden page":  {403, "text/html", `blocked`, "bad reply", "web page instead of JSON (HTTP 403", ""},
		"unknown":         {404, "", `{"detail":"Not found"}`, "not found", "Not found", "Not found"},
		"unknown page":    {404, "text/html; charset=utf-8", `gone`, "bad reply", "web page", ""},
		"list of details": {422, "", `{"detail": [ {"loc": ["body"], "msg": "bad"} ]}`, "", `[{"loc":["body"],"msg":"bad"}]`, `[{"loc":["body"],"msg":"bad"}]`},
		"number":          {400, "", `{"detail":5}`, "", "5", "5"},
		"null detail":     {400, "", `{"detail":null}`, "", "refused the request (HTTP 400", ""},
		"no detail":       {400, "", `{"error":"no detail"}`, "", "no detail", `{"error":"no detail"}`},
		"resource":        {400, "", `{"detail":"Invalid Resource: not allowed"}`, "", "Invalid Resource", "Invalid Resource: not allowed"},
		"conflict":        {409, "", `{"detail":"busy"}`, "", "busy", "busy"},
		"too large":       {413, "text/plain", "too large", "", "too large (HTTP 413", "too large"},
		"empty":           {418, "", "", "", "refused the request (HTTP 418", ""},
		"failure":         {500, "", `{"detail":"secret of operators"}`, "server", "failed; try again later (HTTP 500", ""},
		"failure page":    {500, "text/html", page, "server", "failed; try again later (HTTP 500", ""},
		"gateway":         {502, "text/plain", "bad gateway", "server", "not available: bad gateway (HTTP 502", "bad gateway"},
		"gateway page":    {502, "text/html", page, "server, bad reply", "the platform answered with a web page instead of JSON (HTTP 502", ""},
		"untyped page":    {502, "application/json", "  " + page, "server, bad reply", "web page", ""},
		"unavailable":     {503, "", `{"detail":"maintenance"}`, "server", "maintenance", "maintenance"},
		"busy":            {429, "", `{"detail":"slow down"}`, "", "fewer requests: slow down", "slow down"},
		"redirect":        {304, "", "", "bad reply", "redirect", ""},
		"page for JSON":   {200, "text/html", page, "bad reply", "web page instead of JSON (HTTP 200", ""},
		"page untyped":    {200, "", "\ufeff" + page, "bad reply", "web page", ""},
		"nothing":         {200, "", " \n", "bad reply", "nothing", ""},
		"no content":      {204, "", "", "bad reply", "nothing", ""},
		"cut off":         {200, "", `{"id":"j","sta`, "bad reply", "not JSON", ""},
		"two values":      {200, "", `{} {}`, "bad reply", "not JSON", ""},
		"null":            {200, "", `null`, "bad reply", "not a JSON object", ""},
		"list":            {200, "", `[]`, "bad reply", "not a JSON object", ""},
		"wrong type":      {200, "", `{"status":["x"]}`, "bad reply", "its field status is a array", ""},
		"deep":            {200, "", strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), "bad reply", "", ""},
		"huge":            {200, "", `{"a":"` + strings.Repeat("x", maxReply) + `"}`, "too large", "larger than 10 MB", ""},
		"huge error":      {400, "", `{"detail":"` + strings.Repeat("x", 20<<20) + `"}`, "", "refused", "*"},
		"escapes":         {400, "", `{"detail":"\u001b]0;pwned\u0007\u001b[31m red \u202e \r\n\u0000 \u2028x\u009b1m"}`, "", "red x", "red x"},
		"invalid UTF-8":   {400, "text/plain", "a\xffb\x1b[2J", "", "ab", "ab"},
		"echo of the key": {401, "", `{"detail":"no such key: ` + testKey + `"}`, "unauthorized", "no such key: ***", "no such key: ***"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tc.ctype != "" {
					w.Header().Set("Content-Type", tc.ctype)
				} else {
					w.Header().Set("Content-Type", "application/json")
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			c, _ := newClient(t, base)
			_, err := c.Job(t.Context(), "j")
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			if got := is(err); got != tc.is || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v; want %s: %s", got, err, tc.is, tc.says)
			}
			if e.Status != tc.status || e.Method != "GET" || e.Path != "/jobs/j" || tc.detail != "*" && e.Detail != tc.detail {
				t.Errorf("%+v", e)
			}
			if err := plain(err); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoContentIsEnoughWhereNothingIsRead(t *testing.T) {
	t.Parallel()
	for status, ok := range map[int]bool{204: true, 200: false} {
		c, _ := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if err := c.DeleteProject(t.Context(), "p"); (err == nil) != ok {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestMissingFields(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"_model":{"type":""}}`) }))
	if _, err := c.Tier(t.Context()); !errors.Is(err, ErrBadReply) {
		t.Errorf("tier: %v", err)
	}
	if p, err := c.CreateProject(t.Context(), "dash"); !errors.Is(err, ErrBadReply) {
		t.Errorf("create: %v, %v", p, err)
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		`"0.5"`: true, `2`: true, `null`: true, `""`: true, `"x"`: false, `-1`: false, `"NaN"`: false, `"Inf"`: false, `1e300`: false, `true`: false, `[1]`: false,
	} {
		var j ProjectJob
		if err := j.UnmarshalJSON([]byte(`{"cpu":` + text + `}`)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// answer writes raw bytes after the head of a request has come in, then ends the connection.
func answer(s string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, s)
	}
}

func TestBrokenReplies(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, tc := range map[string]struct {
		reply string
		is    string
		tries int32
	}{
		"no reply":          {"", "network", 4},
		"half a head":       {"HTTP/1.1 200 OK\r\nContent-Ty", "bad reply", 1},
		"truncated":         {head + "Content-Length: 100\r\n\r\n{\"id\":", "bad reply", 4},
		"truncated chunk":   {head + "Transfer-Encoding: chunked\r\n\r\n50\r\n{\"id\":", "bad reply", 4},
		"garbage chunk":     {head + "Transfer-Encoding: chunked\r\n\r\nzz\x1b[31m\r\n{}\r\n0\r\n\r\n", "bad reply", 1},
		"not HTTP":          {"SSH-2.0-OpenSSH \x1b[31m\r\n\r\n", "bad reply", 1},
		"bad status":        {"HTTP/1.1 abc \x1b[31m" + testKey + "\r\n\r\n", "bad reply", 1},
		"conflicting sizes": {head + "Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}", "bad reply", 1},
		"huge head":         {head + "X: " + strings.Repeat("x", 12<<20) + "\r\n\r\n", "bad reply", 1},
		"bad gzip":          {head + "Content-Encoding: gzip\r\nContent-Length: 30\r\n\r\n" + strings.Repeat("x", 30), "bad reply", 1},
		"bad redirect":      {"HTTP/1.1 302 Found\r\nLocation: http://%zz\x1b\r\nContent-Length: 0\r\n\r\n", "bad reply", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, connections := rawServer(t, answer(tc.reply))
			c, _ := newClient(t, base)
			_, err := c.Project(t.Context(), "p")
			if err == nil || is(err) != tc.is || connections.Load() != tc.tries {
				t.Errorf("%d tries, %s: %v", connections.Load(), is(err), err)
			} else if strings.Contains(err.Error(), "net/http") || strings.Contains(err.Error(), "http: ") {
				t.Errorf("names a package of Go: %v", err)
			} else if err := plain(err); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	all := calls()
	all["deploy"] = func(ctx context.Context, c *Client) error { _, err := c.Deploy(ctx, request(10)); return err }
	for name, do := range all { // nothing was sent, so every request is repeated
		c, p := newClient(t, "http://"+addr)
		if err := do(t.Context(), c); is(err) != "network" || len(p.waits) != 3 || plain(err) != nil {
			t.Errorf("%s: waits %v, %v", name, p.waits, err)
		}
	}
	c, p := newClient(t, "https://cloud.example.com", func(o *Options) {
		o.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "cloud.example.com", IsNotFound: true}}
		})
	})
	if _, err := c.Tier(t.Context()); is(err) != "network" || len(p.waits) != 0 || !strings.Contains(err.Error(), "cloud.example.com was not found") {
		t.Errorf("waits %v, %v", p.waits, err)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	c, p := newClient(t, s.URL)
	if _, err := c.Tier(t.Context()); is(err) != "network" || len(p.waits) != 0 || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("waits %v, %v", p.waits, err)
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply string
		is    string
		tries int32
		got   string
	}{
		"whole":       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", 1, "hello"},
		"exact limit": {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", "", 1, "0123456789"},
		"too large":   {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789x", "too large", 1, "*"},
		"empty":       {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "bad reply", 1, ""},
		"truncated":   {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "bad reply", 1, "hello"},
		"no byte":     {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "bad reply", 4, ""},
		"web page":    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", "bad reply", 1, ""},
		"unknown":     {"HTTP/1.1 404 Not Found\r\nContent-Length: 16\r\n\r\n{\"detail\":\"no!\"}", "not found", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, connections := rawServer(t, answer(tc.reply))
			c, _ := newClient(t, base, func(o *Options) { o.MaxDownload = 10 })
			var got bytes.Buffer
			err := c.Download(t.Context(), "p", &got)
			if is(err) != tc.is || (err == nil) != (tc.is == "") || connections.Load() != tc.tries || tc.got != "*" && got.String() != tc.got {
				t.Errorf("%d tries, %q, %s: %v", connections.Load(), &got, is(err), err)
			}
		})
	}
	t.Run("full disk", func(t *testing.T) {
		t.Parallel()
		full := errors.New("no space left")
		c, _ := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "zip") }))
		if err := c.Download(t.Context(), "p", failingWriter{full}); !errors.Is(err, full) || is(err) != "" {
			t.Errorf("%s: %v", is(err), err)
		}
	})
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

func FuzzReply(f *testing.F) {
	for _, s := range []string{`{"detail":"x"}`, `{"id":"p","jobs":[{"cpu":"0.5"}]}`, "<html>", "", "\x1b[31m", testKey, `{"detail":{"a":[1]}}`, `null`} {
		f.Add(200, "application/json", []byte(s))
		f.Add(400, "text/plain", []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, ctype string, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		got := reply{status: status, header: http.Header{"Content-Type": {ctype}, "Location": {string(body)}}, body: body}
		c := New(Options{BaseURL: "http://localhost", Key: testKey})
		q := call{method: "GET", path: "/x"}
		accepted := got
		accepted.status = 200 + status%100
		for _, out := range []any{&Project{}, &Created{}, &Deployment{}, &struct{ Logs Logs }{}, nil} {
			err := c.decode(q, accepted, out)
			if err == nil {
				continue
			}
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, ErrBadReply) {
				t.Fatalf("%#v", err)
			}
			if p := plain(err); p != nil {
				t.Fatalf("%v: %q", p, err)
			}
		}
		err := c.refused(q, got)
		if p := plain(err); p != nil {
			t.Fatalf("%v: %q", p, err)
		}
		var e *Error
		if errors.As(err, &e) && strings.Contains(e.Detail, testKey) {
			t.Fatalf("the key shows in %q", e.Detail)
		}
	})
}

func FuzzSegment(f *testing.F) {
	f.Add("a/b")
	f.Add("../x?y#z%2f")
	f.Fuzz(func(t *testing.T, id string) {
		s, err := segment("id", id)
		if err != nil {
			return
		}
		u, err := url.Parse("http://host/jobs/" + s + "/files?x=1")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(u.EscapedPath(), "/") != 3 || u.Path != "/jobs/"+id+"/files" || u.RawQuery != "x=1" {
			t.Fatalf("%q becomes %s", id, u)
		}
	})
}
