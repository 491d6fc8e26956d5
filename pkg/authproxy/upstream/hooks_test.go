package upstream

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// picky are Hooks that accept no 404.
type picky struct{ anyHooks }

func (picky) Accepts(status int) bool { return status != http.StatusNotFound }

// Nothing of a response that is declined reaches the client, and the next request gets the app's next response.
func TestDeclined(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-App", "yes")
		if r.URL.Path == "/missing" {
			http.Error(w, "not here", http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, "here")
	}))
	t.Cleanup(app.Close)
	to, err := ParseTarget(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDirect(time.Now)
	t.Cleanup(d.Close)
	w := httptest.NewRecorder()
	if err := d.Forward(w, httptest.NewRequest("GET", "/missing", nil), to, picky{}); !errors.Is(err, ErrDeclined) {
		t.Errorf("error %v", err)
	}
	if w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("the client gets %v %q", w.Header(), w.Body)
	}
	if err := d.Forward(w, httptest.NewRequest("GET", "/", nil), to, picky{}); err != nil || w.Body.String() != "here" || w.Header().Get("X-App") != "yes" {
		t.Errorf("%q, %v", w.Body, err)
	}
}

// listener are Hooks that collect what the client sends over a WebSocket.
type listener struct {
	anyHooks
	mu   sync.Mutex
	sent []byte
}

func (l *listener) Upgrade(Transfer) (WebSocket, bool) { return l, true }
func (*listener) Closed()                              {}

func (l *listener) Sent(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, p...)
}

// Sent gets what the client sends, from the first byte on, before the app does, and not what the app sends.
func TestSent(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	hooks := &listener{}
	_, conn, br := upgrade(t, front(t, f, echoApp(t, switches), hooks), "early")
	_, _ = io.WriteString(conn, " late")
	wantText(t, br, "hello early late")
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	if string(hooks.sent) != "early late" {
		t.Errorf("%q", hooks.sent)
	}
}
