package cloudapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const testKey = "canary-of-the-key"

// pauses records the waits between tries instead of waiting.
type pauses struct {
	sync.Mutex
	waits []time.Duration
}

func (p *pauses) sleep(ctx context.Context, d time.Duration) error {
	p.Lock()
	defer p.Unlock()
	p.waits = append(p.waits, d)
	return ctx.Err()
}

// newClient returns a client of base that never waits between tries and has the longest jitter.
func newClient(t *testing.T, base string, change ...func(*Options)) (*Client, *pauses) {
	t.Helper()
	p := &pauses{}
	o := Options{BaseURL: base, Key: testKey, Sleep: p.sleep, Jitter: func() float64 { return 0.999999999 }}
	for _, f := range change {
		f(&o)
	}
	c := New(o)
	t.Cleanup(c.Close)
	return c, p
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// calls are all calls without an archive, by name.
func calls() map[string]func(context.Context, *Client) error {
	return map[string]func(context.Context, *Client) error{
		"tier":       func(ctx context.Context, c *Client) error { _, err := c.Tier(ctx); return err },
		"projects":   func(ctx context.Context, c *Client) error { _, err := c.Projects(ctx); return err },
		"project":    func(ctx context.Context, c *Client) error { _, err := c.Project(ctx, "p-1"); return err },
		"create":     func(ctx context.Context, c *Client) error { _, err := c.CreateProject(ctx, "dash"); return err },
		"delete":     func(ctx context.Context, c *Client) error { return c.DeleteProject(ctx, "p-1") },
		"delete all": func(ctx context.Context, c *Client) error { return c.DeleteAllProjects(ctx) },
		"labels":     func(ctx context.Context, c *Client) error { return c.SetLabels(ctx, "p-1", []string{"ü", "b c"}) },
		"no labels":  func(ctx context.Context, c *Client) error { return c.SetLabels(ctx, "p-1", nil) },
		"job":        func(ctx context.Context, c *Client) error { _, err := c.Job(ctx, "j-1"); return err },
		"logs":       func(ctx context.Context, c *Client) error { _, err := c.Logs(ctx, "j-1", time.Time{}); return err },
		"logs since": func(ctx context.Context, c *Client) error {
			_, err := c.Logs(ctx, "j-1", time.UnixMilli(1714557600000).Add(999*time.Microsecond))
			return err
		},
		"start":    func(ctx context.Context, c *Client) error { return c.StartService(ctx, "j-1") },
		"stop":     func(ctx context.Context, c *Client) error { return c.StopService(ctx, "j-1") },
		"download": func(ctx context.Context, c *Client) error { return c.Download(ctx, "p-1", io.Discard) },
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	type request struct{ Line, Accept, Type, Body string }
	want := map[string]request{
		"tier":       {"GET /users/me", "*/*", "application/json", ""},
		"projects":   {"GET /projects", "application/json", "", ""},
		"project":    {"GET /projects/p-1", "application/json", "", ""},
		"create":     {"POST /projects/dash", "application/json", "", ""},
		"delete":     {"DELETE /projects/p-1", "application/json", "", ""},
		"delete all": {"DELETE /projects/", "application/json", "", ""},
		"labels":     {"PUT /projects/p-1/labels", "application/json", "application/json", `["ü","b c"]`},
		"no labels":  {"PUT /projects/p-1/labels", "application/json", "application/json", `[]`},
		"job":        {"GET /jobs/j-1", "application/json", "", ""},
		"logs":       {"GET /v2/jobs/j-1/logs", "application/json", "", ""},
		"logs since": {"GET /v2/jobs/j-1/logs?start_time=1714557600001", "application/json", "", ""},
		"start":      {"PATCH /v2/jobs/j-1/service_start", "application/json", "", ""},
		"stop":       {"PATCH /v2/jobs/j-1/service_stop", "application/json", "", ""},
		"download":   {"GET /jobs/p-1/files", "application/json", "", ""},
	}
	for name, do := range calls() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []request
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if key := r.Header["Api_key"]; !slices.Equal(key, []string{testKey}) {
					t.Errorf("api_key is %q", key)
				}
				if agent := r.UserAgent(); agent != "ploomber-cloud/test" {
					t.Errorf("user agent is %q", agent)
				}
				got = append(got, request{r.Method + " " + r.RequestURI, r.Header.Get("Accept"), r.Header.Get("Content-Type"), string(body)})
				fmt.Fprint(w, `{"id":"x","type":"y","_model":{"type":"pro"}}`)
			})
			c, _ := newClient(t, base+"/", func(o *Options) { o.UserAgent = "ploomber-cloud/test" })
			if err := do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]request{want[name]}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIDsStayOneSegment(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"../x": "/jobs/..%2Fx", "a/b": "/jobs/a%2Fb", "a?b#c": "/jobs/a%3Fb%23c", "é": "/jobs/%C3%A9", "a%2fb": "/jobs/a%252fb",
		"{id}": "/jobs/%7Bid%7D", " \r\n": "/jobs/%20%0D%0A", "": "", ".": "", "..": "",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			got := ""
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got = r.RequestURI
				fmt.Fprint(w, "{}")
			})
			c, _ := newClient(t, base)
			_, err := c.Job(t.Context(), id)
			if (err == nil) != (want != "") || got != want {
				t.Errorf("asked for %q, error %v; want %q", got, err, want)
			}
			for name, err := range map[string]error{
				"download": c.Download(t.Context(), id, io.Discard), "start": c.StartService(t.Context(), id),
				"delete": c.DeleteProject(t.Context(), id), "labels": c.SetLabels(t.Context(), id, nil),
			} {
				if (err == nil) != (want != "") {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no address":    {Key: testKey},
		"no scheme":     {Key: testKey, BaseURL: "cloud.example.com"},
		"other scheme":  {Key: testKey, BaseURL: "ftp://cloud.example.com"},
		"user":          {Key: testKey, BaseURL: "https://user:canary-of-a-password@cloud.example.com"},
		"query":         {Key: testKey, BaseURL: "https://cloud.example.com?x=canary-of-a-password"},
		"control bytes": {Key: testKey, BaseURL: "https://cloud.example.com/\x1b[31m"},
		"no key":        {BaseURL: "https://cloud.example.com"},
		"key with line": {Key: "canary-of-a-password\r\nx: y", BaseURL: "https://cloud.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
				t.Error("a request was sent")
				return nil, errors.New("no")
			})
			for name, do := range calls() {
				err := do(t.Context(), New(o))
				if err == nil {
					t.Errorf("%s: no error", name)
					continue
				}
				if s := err.Error(); strings.Contains(s, "canary") || httpclient.OneLine(s, 1000) != s {
					t.Errorf("%s: %q", name, s)
				}
				if o.Key != testKey && !errors.Is(err, ErrUnauthorized) {
					t.Errorf("%s: %v is not ErrUnauthorized", name, err)
				}
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBaseWithPath(t *testing.T) {
	t.Parallel()
	got := ""
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.RequestURI; fmt.Fprint(w, "{}") })
	c, _ := newClient(t, base+"/cloud%20api//")
	if err := c.DeleteAllProjects(t.Context()); err != nil || got != "/cloud%20api/projects/" {
		t.Errorf("asked for %s: %v", got, err)
	}
}

// The key must not show when a client ends up in a log line.
func TestPrintingHidesSecrets(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, "http://127.0.0.1:1")
	for _, v := range []any{c, Secret{"A", testKey}, Credentials{"ann", testKey}, []Secret{{"A", testKey}}, &Credentials{"a", testKey}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if s := fmt.Sprintf(format, v); strings.Contains(s, testKey) {
				t.Errorf("%T with %s: %s", v, format, s)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, `{"id":"x","type":"y","_model":{"type":"pro"}}`)
	})
	c, _ := newClient(t, base)
	var wg sync.WaitGroup
	for range 8 {
		for name, do := range calls() {
			wg.Go(func() {
				if err := do(t.Context(), c); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Go(func() {
			if _, err := c.Deploy(t.Context(), request(1000)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestCancellation(t *testing.T) {
	t.Parallel()
	all := calls()
	all["deploy"] = func(ctx context.Context, c *Client) error { _, err := c.Deploy(ctx, request(1000)); return err }
	for name, do := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived, over := make(chan struct{}, 9), make(chan struct{})
			base := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				arrived <- struct{}{}
				<-over
			})
			defer close(over)
			c, _ := newClient(t, base)

			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-arrived; cancel() }()
			if err := do(ctx, c); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNetwork) {
				t.Errorf("cancelled: %v", err)
			}
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := do(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("deadline: %v", err)
			}
		})
	}
	t.Run("between tries", func(t *testing.T) {
		t.Parallel()
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
		ctx, cancel := context.WithCancel(t.Context())
		c, _ := newClient(t, base, func(o *Options) {
			o.Sleep = nil
			o.Jitter = nil
			o.OnRetry = func(error, time.Duration) { cancel() }
		})
		if _, err := c.Tier(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A limit of ours is not the caller's deadline: the program ends with another exit status.
func TestTimeout(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.HandlerFunc{
		"no header": func(_ http.ResponseWriter, r *http.Request) {},
		"no body": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		},
		"half a body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"id":`)
			w.(http.Flusher).Flush()
		},
	}
	all := calls()
	all["deploy"] = func(ctx context.Context, c *Client) error { _, err := c.Deploy(ctx, request(1000)); return err }
	for kind, handler := range handlers {
		for name, do := range all {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				var tries atomic.Int32
				over := make(chan struct{})
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					tries.Add(1)
					handler(w, r)
					<-over
				})
				defer close(over)
				c, _ := newClient(t, base, func(o *Options) { o.Timeout, o.IdleTimeout = 60*time.Millisecond, 60*time.Millisecond })
				err := do(t.Context(), c)
				if !errors.Is(err, ErrNetwork) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("%v", err)
				}
				if tries.Load() > 1 {
					t.Errorf("%d tries", tries.Load())
				}
			})
		}
	}
}
