package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]Target{
		"http://127.0.0.1:8501":             {Address: "127.0.0.1:8501", Host: "127.0.0.1"},
		"https://app/":                      {Address: "app:https", Host: "app", TLS: true},
		"unix:/run/app.sock":                {Address: "localhost", Host: "localhost", Socket: "/run/app.sock"},
		"unix:///run/app.sock":              {Address: "localhost", Host: "localhost", Socket: "/run/app.sock"},
		"UNIX:/run/app.sock":                {Address: "localhost", Host: "localhost", Socket: "/run/app.sock"},
		"unix:app.sock":                     {Address: "localhost", Host: "localhost", Socket: "app.sock"},
		"unix:/run/my app?.sock":            {Address: "localhost", Host: "localhost", Socket: "/run/my app?.sock"},
		"unix:@app":                         {Address: "localhost", Host: "localhost", Socket: "@app"},
		"http+unix://%2Frun%2Fapp.sock":     {Address: "localhost", Host: "localhost", Socket: "/run/app.sock"},
		"http+unix://%2Frun%2Fapp.sock/":    {Address: "localhost", Host: "localhost", Socket: "/run/app.sock"},
		"http+unix:///run/app.sock":         {Address: "localhost", Host: "localhost", Socket: "/run/app.sock"},
		"unix:":                             {},
		"unix://":                           {},
		"unix:/":                            {},
		"unix:/run/a\x00b":                  {},
		"unix:/run/a\nb":                    {},
		"unix:/" + strings.Repeat("a", 107): {},
		"http+unix:/run/app.sock":           {},
		"http+unix://%zz":                   {},
		"https+unix:///run/app.sock":        {},
		"http://u:CANARY@127.0.0.1:8501":    {},
		"http://127.0.0.1:8501/path":        {},
		"/run/app.sock":                     {},
	} {
		got, err := ParseTarget(base)
		if wrong := want == (Target{}); (err != nil) != wrong || !wrong && got != want || err != nil && strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%q: %+v, %v", base, got, err)
		}
	}
}

// atSocket serves an app at a Unix socket.
func atSocket(t *testing.T, h http.Handler) Target {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return Target{Address: "localhost", Host: "localhost", Socket: path}
}

// An app at a Unix socket gets requests, bodies and WebSockets as one at a port does.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	app := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			c, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, switches+"\r\nhello ")
			_, _ = io.Copy(c, buf)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Host", r.Host)
		_, _ = w.Write(append(body, r.RequestURI...))
	}
	to := atSocket(t, http.HandlerFunc(app))
	d := NewDirect(time.Now)
	t.Cleanup(d.Close)
	server := front(t, d, to, anyHooks{})
	for _, size := range []int{0, 10, 1 << 20} {
		sent := strings.Repeat("x", size)
		for range 2 { // the second time over the same connection
			answer, body, err := do(t, "POST", server.URL+"/a?b=c", strings.NewReader(sent))
			if err != nil || answer.StatusCode != 200 || body != sent+"/a?b=c" {
				t.Fatalf("%d bytes: %v, %d, %v", size, answer, len(body), err)
			}
		}
	}
	answer, conn, br := upgrade(t, server, "")
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(answer.StatusCode)
	}
	wantText(t, br, "hello ")
	big := strings.Repeat("data", 50_000)
	go func() { _, _ = io.WriteString(conn, big) }()
	wantText(t, br, big)
	_ = conn.CloseWrite()
	if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// A socket that is not there is named.
func TestUnixSocketMissing(t *testing.T) {
	t.Parallel()
	d := NewDirect(time.Now)
	t.Cleanup(d.Close)
	path := filepath.Join(t.TempDir(), "none.sock")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	err := d.Forward(httptest.NewRecorder(), r, Target{Address: "localhost", Socket: path}, anyHooks{})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}
