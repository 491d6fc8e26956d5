package cloudapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Every status of the list is answered once, then comes success.
func TestRepetition(t *testing.T) {
	t.Parallel()
	repeatable := []string{"tier", "projects", "project", "delete", "labels", "job", "logs", "download"}
	once := []string{"create", "delete all", "start", "stop"}
	all := append(append([]string(nil), repeatable...), once...)
	for name, tc := range map[string]struct {
		calls    []string
		statuses []int
		after    string // the Retry-After header
		requests int
		ok       bool
	}{
		"busy once":             {repeatable, []int{503}, "", 2, true},
		"each that passes":      {repeatable, []int{429, 502, 504}, "", 4, true},
		"too often":             {repeatable, []int{503, 503, 503, 503}, "", 4, false},
		"busy, not repeatable":  {once, []int{503}, "", 1, false},
		"gateway":               {once, []int{502}, "0", 1, false},
		"gateway in time":       {once, []int{504}, "0", 1, false},
		"limited":               {once, []int{429}, "", 1, false},
		"limited, come back":    {once, []int{429}, "1", 2, true},
		"busy, come back":       {once, []int{503}, "1", 2, true},
		"failure is final":      {all, []int{500}, "1", 1, false},
		"refusal is final":      {all, []int{400}, "1", 1, false},
		"key refused is final":  {all, []int{401}, "1", 1, false},
		"forbidden is final":    {all, []int{403}, "", 1, false},
		"conflict is final":     {all, []int{409}, "", 1, false},
		"unprocessable":         {all, []int{422}, "", 1, false},
		"not implemented final": {all, []int{501}, "1", 1, false},
	} {
		for _, call := range tc.calls {
			t.Run(name+"/"+call, func(t *testing.T) {
				t.Parallel()
				requests := 0
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if requests++; requests <= len(tc.statuses) {
						if tc.after != "" {
							w.Header().Set("Retry-After", tc.after)
						}
						w.WriteHeader(tc.statuses[requests-1])
						return
					}
					if body, _ := io.ReadAll(r.Body); r.Method == http.MethodPut && string(body) != `["ü","b c"]` {
						t.Errorf("body of the last try: %s", body)
					}
					fmt.Fprint(w, `{"id":"x","type":"y","_model":{"type":"pro"}}`)
				})
				told := 0
				c, p := newClient(t, base, func(o *Options) { o.OnRetry = func(error, time.Duration) { told++ } })
				err := calls()[call](t.Context(), c)
				if (err == nil) != tc.ok || requests != tc.requests || len(p.waits) != requests-1 || told != requests-1 {
					t.Errorf("%d requests, waits %v, told %d times: %v", requests, p.waits, told, err)
				}
			})
		}
	}
}

func TestNoRetries(t *testing.T) {
	t.Parallel()
	requests := 0
	c, _ := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { requests++; w.WriteHeader(503) }), func(o *Options) { o.Retries = -1 })
	if _, err := c.Tier(t.Context()); !errors.Is(err, ErrServer) || requests != 1 {
		t.Errorf("%d requests: %v", requests, err)
	}
}

// A project that is gone after an unclear answer was removed by that try; gone at once means that it never was.
func TestDeleteThatSucceededUnheard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first int // 0: the connection is lost
		ok    bool
	}{
		"lost": {0, true}, "gateway": {502, true}, "gateway time": {504, true}, "not carried out": {503, false}, "limited": {429, false}, "unknown": {404, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			c, _ := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if requests++; requests > 1 {
					w.WriteHeader(404)
				} else if tc.first == 0 {
					panic(http.ErrAbortHandler)
				} else {
					w.WriteHeader(tc.first)
				}
			}))
			if err := c.DeleteProject(t.Context(), "p"); (err == nil) != tc.ok {
				t.Error(err)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := r.Header.Get("api_key"); v != "" {
			t.Errorf("%s %s came to another host with the key %s", r.Method, r.URL, v)
		}
		if r.Method != http.MethodGet {
			t.Errorf("%s came to another host", r.Method)
		}
		if back := r.URL.Query().Get("back"); back != "" {
			http.Redirect(w, r, back, http.StatusFound)
			return
		}
		fmt.Fprint(w, `{"id":"from the other","type":"dash"}`)
	}))
	t.Cleanup(other.Close)
	var home *httptest.Server
	var requests atomic.Int32
	home = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch status, _ := strconv.Atoi(r.URL.Query().Get("status")); {
		case r.URL.Path == "/here":
			fmt.Fprintf(w, `{"id":"%s %s"}`, r.Method, r.Header.Get("api_key"))
		case strings.HasPrefix(r.URL.Path, "/away/"):
			http.Redirect(w, r, other.URL+"/x", status)
		case strings.HasPrefix(r.URL.Path, "/back/"):
			http.Redirect(w, r, other.URL+"/x?back="+home.URL+"/here", status)
		case strings.HasPrefix(r.URL.Path, "/loop/"):
			http.Redirect(w, r, r.RequestURI, status)
		default:
			http.Redirect(w, r, "/here", status)
		}
	}))
	t.Cleanup(home.Close)
	for name, tc := range map[string]struct {
		method, path string
		status       int
		want         string // id of the reply; empty: an error
	}{
		"away":              {"GET", "/away/", 302, "from the other"},
		"away for good":     {"GET", "/away/", 308, "from the other"},
		"away and back":     {"GET", "/back/", 302, "GET "},
		"within":            {"GET", "/in/", 307, "GET " + testKey},
		"loop":              {"GET", "/loop/", 302, ""},
		"post within":       {"POST", "/in/", 307, "POST " + testKey},
		"put within":        {"PUT", "/in/", 308, "PUT " + testKey},
		"post becomes get":  {"POST", "/in/", 302, ""},
		"post away":         {"POST", "/away/", 307, ""},
		"put away":          {"PUT", "/away/", 308, ""},
		"delete away":       {"DELETE", "/away/", 307, ""},
		"delete then get":   {"DELETE", "/in/", 303, ""},
		"see other for get": {"GET", "/in/", 303, "GET " + testKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, p := newClient(t, home.URL)
			var got struct{ ID string }
			err := c.do(t.Context(), call{method: tc.method, path: tc.path + "?status=" + strconv.Itoa(tc.status), body: []int{1}, repeat: always}, &got)
			if got.ID != tc.want || (err == nil) != (tc.want != "") || err != nil && is(err) != "bad reply" || len(p.waits) > 0 {
				t.Errorf("%q, waits %v, %v", got.ID, p.waits, err)
			}
		})
	}
	t.Run("deploy away", func(t *testing.T) {
		t.Parallel()
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		})
		c, _ := newClient(t, base)
		if _, err := c.Deploy(context.Background(), request(1000)); is(err) != "bad reply" {
			t.Error(err)
		}
	})
}
