package cloudapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ownCalls are all calls below /api/v1 that need a key, by the request that they make.
func ownCalls() map[string]func(context.Context, *Client) error {
	return map[string]func(context.Context, *Client) error{
		"GET /api/v1/projects/p-1": func(ctx context.Context, c *Client) error { _, err := c.ProjectStatus(ctx, "p-1"); return err },
		"GET /api/v1/projects/p-1/deployments": func(ctx context.Context, c *Client) error {
			_, err := c.Deployments(ctx, "p-1")
			return err
		},
		"POST /api/v1/projects/p-1/rollback": func(ctx context.Context, c *Client) error { _, err := c.Rollback(ctx, "p-1", 3); return err },
		"GET /api/v1/projects/p-1/settings":  func(ctx context.Context, c *Client) error { _, err := c.ProjectSettings(ctx, "p-1"); return err },
		"PATCH /api/v1/projects/p-1/settings": func(ctx context.Context, c *Client) error {
			_, err := c.ChangeSettings(ctx, "p-1", SettingsChange{})
			return err
		},
		"GET /api/v1/projects/p-1/logs?type=app": func(ctx context.Context, c *Client) error {
			return c.LogLines(ctx, "p-1", LogQuery{Type: "app"}, func(LogLine) error { return nil })
		},
	}
}

// A host without /api/v1 is told from a platform that does not know the project, however the host refuses.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	notFound := func(w http.ResponseWriter, body string) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, body)
	}
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   error
	}{
		"no such project": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v1/info" {
				_, _ = io.WriteString(w, `{"version": "1"}`)
				return
			}
			notFound(w, `{"detail": "no such project"}`)
		}, ErrNotFound},
		"no such path":         {func(w http.ResponseWriter, _ *http.Request) { notFound(w, `{"detail": "Not Found"}`) }, ErrUnsupported},
		"not JSON":             {func(w http.ResponseWriter, _ *http.Request) { notFound(w, "404 page not found") }, ErrUnsupported},
		"a web page for every": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html>") }, ErrUnsupported},
		"a refused key": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"detail": "no"}`)
		}, ErrUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for request, call := range ownCalls() {
				var asked []string
				c, _ := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
					asked = append(asked, r.Method+" "+r.URL.RequestURI())
					if key := r.Header.Get(keyHeader); key != testKey {
						t.Errorf("%s with the key %q", r.URL, key)
					}
					tc.answer(w, r)
				}))
				err := call(t.Context(), c)
				if !errors.Is(err, tc.want) {
					t.Errorf("%s: %v, want %v", request, err, tc.want)
				}
				if asked[0] != request {
					t.Errorf("asks %q, want %q first", asked, request)
				}
			}
		})
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values(keyHeader)) > 0 {
			t.Error("the key is sent")
		}
		_ = json.NewEncoder(w).Encode(PlatformInfo{"1.2", "http://d", "localhost:8080"})
	})
	info, err := Info(t.Context(), Options{BaseURL: base, Key: testKey})
	if want := (PlatformInfo{"1.2", "http://d", "localhost:8080"}); err != nil || *info != want {
		t.Errorf("%v, %v", info, err)
	}
}

// A rollback and a deployment carry one key through all tries, and another the next time.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	var keys []string
	c, _ := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys)%2 == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"id": "j-2", "number": 2}`)
	}))
	for range 2 {
		if d, err := c.Rollback(t.Context(), "p-1", 0); err != nil || d.Number != 2 {
			t.Fatalf("%+v, %v", d, err)
		}
		request := DeployRequest{ProjectID: "p-1", Type: "dash", Archive: &zeros{size: 9, real: 9}}
		if _, err := c.Deploy(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) != 8 {
		t.Fatalf("%d requests", len(keys))
	}
	for i := 0; i < 8; i += 2 {
		if keys[i] != keys[i+1] || len(keys[i]) < 20 || slices.Contains(keys[:i], keys[i]) {
			t.Errorf("keys %q", keys)
		}
	}
}

func TestSleepAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]SleepAfter{"never": Never, "15m0s": SleepAfter(15 * time.Minute), "1h": SleepAfter(time.Hour)} {
		var s ProjectSettings
		if err := json.Unmarshal([]byte(`{"sleep_after": "`+text+`"}`), &s); err != nil || s.SleepAfter != want {
			t.Errorf("%s is %v, %v", text, s.SleepAfter, err)
		}
		again, err := json.Marshal(s)
		if wire := `{"sleep_after":"` + want.String() + `"}`; err != nil || string(again) != wire {
			t.Errorf("%s becomes %s, %v", text, again, err)
		}
	}
	for _, text := range []string{"", "0s", "-1h", "15", "999ms", "Never"} {
		var s SleepAfter
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	const stream = ": hello\n\nid: 1\ndata: first\n\nid: 2\r\ndata:  two spaces\r\n\r\nevent: x\nid: 3\ndata: a\ndata: b\n\nid: 4\ndata:\n\nid: 5\n\ndata: cut off"
	var accept, after, query string
	c, _ := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		accept, after, query = r.Header.Get("Accept"), r.Header.Get("Last-Event-ID"), r.URL.RawQuery
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, stream)
	}))
	var got []LogLine
	err := c.LogLines(t.Context(), "p-1", LogQuery{Type: "build", Follow: true, After: "0"}, func(l LogLine) error {
		got = append(got, l)
		return nil
	})
	want := []LogLine{{"1", "first"}, {"2", " two spaces"}, {"3", "a\nb"}, {"4", ""}}
	if err != nil || !cmp.Equal(got, want) || accept != typeEvents || after != "0" || query != "follow=1&type=build" {
		t.Errorf("%v, %v; asked for %s after %s with %s", got, err, accept, after, query)
	}
	enough := errors.New("enough")
	err = c.LogLines(t.Context(), "p-1", LogQuery{Type: "app"}, func(LogLine) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("%v, want %v", err, enough)
	}
}

func TestLogLinesBreak(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer  http.HandlerFunc
		want    error
		passing bool
	}{
		"the connection is lost": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", typeEvents)
			_, _ = io.WriteString(w, "id: 1\ndata: first\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, ErrNetwork, true},
		"endless line": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", typeEvents)
			_, _ = io.WriteString(w, "data: "+strings.Repeat("x", maxLine))
		}, ErrTooLarge, false},
		"busy": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, ErrServer, true},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"detail": "no"}`)
		}, ErrUnauthorized, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := newClient(t, serve(t, tc.answer), func(o *Options) { o.Retries = -1 })
			err := c.LogLines(t.Context(), "p-1", LogQuery{Type: "app", Follow: true}, func(LogLine) error { return nil })
			var told *Error
			if !errors.Is(err, tc.want) || !errors.As(err, &told) || told.Passing() != tc.passing {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// FuzzReadEvents: whatever comes, each line has no line break of the stream's and what follows an event stays readable.
func FuzzReadEvents(f *testing.F) {
	for _, s := range []string{"", "data: a\n\n", "id: 1\r\ndata\r\n\r\n", ":\n\n", "data: a\ndata: b\n\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got []LogLine
		all := func(l LogLine) error { got = append(got, l); return nil }
		if err := readEvents(strings.NewReader(s+"\n\nid: end\ndata: end\n\n"), all); err != nil {
			return
		}
		if len(got) == 0 || got[len(got)-1] != (LogLine{"end", "end"}) {
			t.Errorf("%q ends with %q", s, got)
		}
	})
}
