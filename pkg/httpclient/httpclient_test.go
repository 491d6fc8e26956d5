package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

var errBusy = errors.New("busy")

// attempts returns a try that fails as listed, then succeeds, and counts its calls.
func attempts(failures ...Failure) (try func() *Failure, calls *int) {
	calls = new(int)
	return func() *Failure {
		if *calls++; *calls > len(failures) {
			return nil
		}
		return &failures[*calls-1]
	}, calls
}

func TestDo(t *testing.T) {
	t.Parallel()
	passes := Failure{Err: errBusy, Again: true}
	final := errors.New("refused")
	for name, tc := range map[string]struct {
		max      int
		failures []Failure
		want     error
		calls    int
		waits    string
	}{
		"success":          {0, nil, nil, 1, "[]"},
		"passes":           {0, []Failure{passes, passes}, nil, 3, "[250ms 500ms]"},
		"too often":        {0, []Failure{passes, passes, passes, passes}, errBusy, 4, "[250ms 500ms 1s]"},
		"final":            {0, []Failure{passes, {Err: final}}, final, 2, "[250ms]"},
		"none":             {-1, []Failure{passes}, errBusy, 1, "[]"},
		"five":             {5, []Failure{passes, passes, passes, passes, passes, passes}, errBusy, 6, "[250ms 500ms 1s 2s 4s]"},
		"asked for more":   {1, []Failure{{errBusy, true, 9 * time.Second}}, nil, 2, "[9s]"},
		"asked for less":   {1, []Failure{{errBusy, true, time.Millisecond}}, nil, 2, "[250ms]"},
		"asked for an age": {1, []Failure{{errBusy, true, 24 * time.Hour}}, nil, 2, "[30s]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slept, told := []time.Duration{}, []time.Duration{}
			r := Retry{
				Max: tc.max, Jitter: func() float64 { return 0 },
				Sleep: func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil },
			}
			try, calls := attempts(tc.failures...)
			err := r.Do(t.Context(), try, func(_ error, d time.Duration) { told = append(told, d) })
			if !errors.Is(err, tc.want) || *calls != tc.calls || fmt.Sprint(slept) != tc.waits || fmt.Sprint(told) != tc.waits {
				t.Errorf("%v after %d tries, waits %v, told %v; want %v after %d, %s", err, *calls, slept, told, tc.want, tc.calls, tc.waits)
			}
		})
	}
}

func TestWaitIsBoundedAndSpread(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		try    int
		jitter float64
		want   time.Duration
	}{
		"first, least": {0, 0, 250 * time.Millisecond}, "first, half": {0, 0.5, 375 * time.Millisecond},
		"third, least": {2, 0, time.Second}, "thousandth": {1000, 0, 4 * time.Second},
	} {
		r := Retry{Jitter: func() float64 { return tc.jitter }}
		if got := r.wait(tc.try, 0); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestDoEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		try, calls := attempts(Failure{errBusy, true, 20 * time.Second}, Failure{errBusy, true, 30 * time.Second}, Failure{errBusy, true, 30 * time.Second})
		began := time.Now()
		err := Retry{}.Do(ctx, try, nil)
		if !errors.Is(err, context.DeadlineExceeded) || *calls != 3 || time.Since(began) != time.Minute {
			t.Errorf("%v after %d tries and %v, want the deadline after 3 and 1m", err, *calls, time.Since(began))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const now = "Sun, 22 Nov 2026 07:00:00 GMT"
	for raw, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, " 12 ": 12 * time.Second,
		"Sun, 22 Nov 2026 07:00:20 GMT": 20 * time.Second, "Sun, 22 Nov 2026 06:00:00 GMT": 0,
		"": -1, "soon": -1, "-3": -1, "1.5": -1, "99999999999999999999": -1,
	} {
		got, ok := RetryAfter(http.Header{"Retry-After": {raw}, "Date": {now}})
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v; want %v", raw, got, ok, want)
		}
	}
	if _, ok := RetryAfter(http.Header{"Retry-After": {now}}); ok {
		t.Error("a date without the response's own Date says something")
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("5", "")
	f.Add("Sun, 22 Nov 2026 07:00:20 GMT", "Sun, 22 Nov 2026 07:00:00 GMT")
	f.Fuzz(func(t *testing.T, after, date string) {
		d, ok := RetryAfter(http.Header{"Retry-After": {after}, "Date": {date}})
		if d < 0 || !ok && d != 0 {
			t.Errorf("%v, %v", d, ok)
		}
		if w := (Retry{}).wait(0, d); w < firstWait/2 || w > maxRetryAfter {
			t.Errorf("waits %v", w)
		}
	})
}

func TestCheckRedirect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hops  string // methods and URLs, the last one being the redirect
		says  string // the error; "" where it is followed
		token bool   // whether the private header goes with it
	}{
		"same host":       {"GET https://a.example/1, GET https://a.example/2", "", true},
		"other case":      {"GET https://a.example/1, GET https://A.example/2", "", true},
		"other host":      {"GET https://a.example/1, GET https://b.example/2", "", false},
		"other port":      {"GET https://a.example/1, GET https://a.example:8443/2", "", false},
		"there and back":  {"GET https://a.example/1, GET https://b.example/2, GET https://a.example/3", "", false},
		"to https":        {"GET http://a.example/1, GET https://a.example/2", "", false},
		"to http":         {"GET https://a.example/1, GET http://a.example/2", "from https to http", true},
		"POST stays":      {"POST https://a.example/1, POST https://a.example/2", "", true},
		"POST leaves":     {"POST https://a.example/1, POST https://b.example/2", "to another host", true},
		"POST after away": {"POST https://a.example/1, POST https://b.example/2, POST https://a.example/3", "to another host", true},
		"POST to GET":     {"POST https://a.example/1, GET https://a.example/2", "changes the method", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []*http.Request
			for hop := range strings.SplitSeq(tc.hops, ", ") {
				method, raw, _ := strings.Cut(hop, " ")
				u, err := url.Parse(raw)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, &http.Request{Method: method, URL: u, Header: http.Header{"X-Token": {"t"}, "Referer": {"r"}, "Accept": {"*/*"}}})
			}
			r := all[len(all)-1]
			err := CheckRedirect("x-token")(r, all[:len(all)-1])
			switch {
			case tc.says == "" && err != nil, tc.says != "" && (!errors.Is(err, ErrRedirect) || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("%v, want %q", err, tc.says)
			case err != nil:
			case r.Header.Get("Referer") != "" || r.Header.Get("Accept") == "" || (r.Header.Get("X-Token") != "") != tc.token:
				t.Errorf("sent with %v, want the token: %v", r.Header, tc.token)
			}
		})
	}
	t.Run("too many", func(t *testing.T) {
		t.Parallel()
		r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "a.example"}, Header: http.Header{}}
		var via []*http.Request
		for range 9 {
			via = append(via, r)
		}
		check := CheckRedirect()
		if err := check(r, via); err != nil {
			t.Errorf("the ninth: %v", err)
		}
		if err := check(r, append(via, r)); err == nil || errors.Is(err, ErrRedirect) {
			t.Errorf("the tenth: %v, want an end", err)
		}
	})
}

func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, idle := WithIdle(t.Context(), time.Second)
		defer idle.Stop()
		for range 5 {
			time.Sleep(900 * time.Millisecond)
			idle.Extend(1)
		}
		idle.Extend(3)
		<-ctx.Done()
		if took := time.Since(began); took != 7500*time.Millisecond || !errors.Is(context.Cause(ctx), ErrIdle) {
			t.Errorf("ended after %v with %v, want 7.5s with %v", took, context.Cause(ctx), ErrIdle)
		}
	})
}

func TestCopy(t *testing.T) {
	t.Parallel()
	full, broken := errors.New("disk full"), errors.New("connection lost")
	for name, tc := range map[string]struct {
		body      io.Reader
		w         io.Writer
		n         int64
		want      error
		unwritten bool
	}{
		"at the limit": {strings.NewReader("0123456789"), io.Discard, 10, nil, false},
		"over it":      {strings.NewReader("0123456789x"), io.Discard, 11, ErrTooLarge, false},
		"nothing":      {strings.NewReader(""), io.Discard, 0, nil, false},
		"broken":       {io.MultiReader(strings.NewReader("012"), failingReader{broken}), io.Discard, 3, broken, false},
		"not written":  {strings.NewReader("012"), failingWriter{full}, 0, full, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, idle := WithIdle(t.Context(), time.Hour)
			defer idle.Stop()
			n, err := Copy(tc.w, tc.body, 10, idle)
			var unwritten *WriteError
			if n != tc.n || !errors.Is(err, tc.want) || errors.As(err, &unwritten) != tc.unwritten {
				t.Errorf("%d, %v; want %d, %v", n, err, tc.n, tc.want)
			}
		})
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

func TestIsWebPage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind, start string
		want        bool
	}{
		"by type":    {"text/html; charset=utf-8", "", true},
		"xhtml":      {"application/xhtml+xml", "", true},
		"by content": {"application/json", " \n<!DOCTYPE HTML>", true},
		"with a BOM": {"", "\ufeff<html lang=en>", true},
		"JSON":       {"application/json", `{"a":"<html>"}`, false},
		"nothing":    {"", "", false},
	} {
		if got := IsWebPage(http.Header{"Content-Type": {tc.kind}}, []byte(tc.start)); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\x1b[31m b\u202e\r\nc", 5)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 1), 1000)
		got := OneLine(s, limit)
		if n := len([]rune(got)); n > limit+2 { // a space and the sign of a cut
			t.Errorf("%d characters, want %d", n, limit)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q is not printable", got)
		}
	})
}
