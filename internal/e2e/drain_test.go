package e2e

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"
)

// At the end requests are finished, pages that are open are closed, and the process says that all went well.
func TestDrain(t *testing.T) {
	t.Parallel()
	arrived, released := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-released
		}
		echo(w, r)
	}))
	t.Cleanup(func() { release(); app.Close() })
	p := startProxy(t, proxyOptions{upstream: app.URL, args: []string{"--public", "--shutdown-timeout", "1m"}})
	socket := newClient(t).connect(t, p.url)
	socket.says(t, "one")
	answered := make(chan int, 1)
	go func() {
		defer close(answered)
		if answer, err := http.Get(p.url + "/slow"); err == nil {
			_ = answer.Body.Close()
			answered <- answer.StatusCode
		}
	}()
	select {
	case <-arrived:
	case <-time.After(patience):
		t.Fatal("the request does not reach the app")
	}
	p.signal(syscall.SIGTERM)
	p.eventually("the proxy is no longer ready", func() bool { ok, _ := p.ready(); return !ok })
	release()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("a request under way: %d", status)
	}
	socket.ends(t)
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("does not end")
	}
}
