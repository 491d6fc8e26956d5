package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// doorOf serves h.
func doorOf(t *testing.T, header string, h http.HandlerFunc) door {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return door{name: "door", address: s.Listener.Addr().String(), header: header}
}

func TestDoorCheck(t *testing.T) {
	t.Parallel()
	good := account{"ann", "pass"}.basic()
	body := make([]byte, smallSize)
	answer := func(without int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if name, password, _ := r.BasicAuth(); name != "ann" || password != "pass" {
				w.WriteHeader(without)
			}
			_, _ = w.Write(body)
		}
	}
	for name, tc := range map[string]struct {
		header string
		serve  http.HandlerFunc
		wrong  bool
	}{
		"guarded":              {header: good, serve: answer(http.StatusUnauthorized)},
		"guarded by a page":    {header: good, serve: answer(http.StatusFound)},
		"open":                 {header: good, serve: answer(http.StatusOK), wrong: true},
		"broken without":       {header: good, serve: answer(http.StatusBadGateway), wrong: true},
		"another credential":   {header: account{"bob", "pass"}.basic(), serve: answer(http.StatusUnauthorized), wrong: true},
		"asks nobody":          {serve: answer(http.StatusOK)},
		"another page, as 200": {header: good, serve: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("log in")) }, wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := doorOf(t, tc.header, tc.serve).check(t.Context(), smallPath, smallSize)
			if (err != nil) != tc.wrong {
				t.Errorf("error %v, want one: %v", err, tc.wrong)
			}
		})
	}
}

func TestPaced(t *testing.T) {
	t.Parallel()
	d := doorOf(t, "Cookie: a=b", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") == "a=b" && r.URL.Path == smallPath {
			_, _ = w.Write(make([]byte, smallSize))
		}
	})
	const slice = 500 * time.Millisecond
	took, err := paced(t.Context(), d, slice)
	if all := int(slice.Seconds() * pacedRate); err != nil || len(took) > all || len(took) < all-pacedConns {
		t.Errorf("%d answers timed, %v", len(took), err)
	}
	d.header = "Cookie: a=c"
	if _, err := paced(t.Context(), d, slice); err == nil {
		t.Error("times answers that are not the app's")
	}
}

func TestEchoLoad(t *testing.T) {
	t.Parallel()
	app, err := startEcho()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.close() })
	done, err := echoLoad(t.Context(), door{name: "app", address: app.address}, 100*time.Millisecond)
	if err != nil || done.done < echoSockets || done.took < 100*time.Millisecond {
		t.Errorf("%+v, %v", done, err)
	}
	closed := doorOf(t, "", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	if _, err := echoLoad(t.Context(), closed, 100*time.Millisecond); err == nil {
		t.Error("loads a door that opens no WebSocket")
	}
}
