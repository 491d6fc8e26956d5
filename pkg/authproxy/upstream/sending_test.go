package upstream

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// deadlines is a writer that tells of every read deadline it is given.
type deadlines struct {
	http.ResponseWriter
	set func(time.Time)
}

func (d deadlines) SetReadDeadline(t time.Time) error {
	d.set(t)
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// A response is not held back by a read of the body that begins just as nobody wants it any more.
func TestStopAsAReadBegins(t *testing.T) {
	t.Parallel()
	stopped, once := make(chan struct{}), sync.Once{}
	w := deadlines{httptest.NewRecorder(), func(at time.Time) {
		if at.Year() < 2000 {
			once.Do(func() { close(stopped) })
		}
	}}
	body := readerFunc(func([]byte) (int, error) {
		t.Error("the body is read")
		return 0, io.ErrUnexpectedEOF
	})
	now := func() time.Time { <-stopped; return time.Now() }
	s := &sending{done: make(chan struct{}), body: &idleTimeoutReader{body: body, control: http.NewResponseController(w), now: now}}
	go func() {
		defer close(s.done)
		_, _ = s.body.Read(make([]byte, 1))
	}()
	app, _ := net.Pipe()
	if s.stop(w, newConn(app, Target{}, newBuffers(readSize), new(names))) {
		t.Error("all is said to have been sent")
	}
}

// Where the whole body has been read, the server waits for the client to go: a deadline would look like that, to the
// requests that follow too.
func TestStopBehindABody(t *testing.T) {
	t.Parallel()
	w := deadlines{httptest.NewRecorder(), func(at time.Time) { t.Errorf("deadline %v", at) }}
	app, other := net.Pipe()
	s := &sending{done: make(chan struct{}), body: &idleTimeoutReader{}}
	s.body.whole.Store(true)
	go func() {
		defer close(s.done)
		_, _ = other.Read(make([]byte, 1)) // like a write that waits for the app
	}()
	if s.stop(w, newConn(app, Target{}, newBuffers(readSize), new(names))) {
		t.Error("all is said to have been sent")
	}
}
