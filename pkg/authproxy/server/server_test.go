package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func serve(t *testing.T, h http.HandlerFunc) (*Server, string) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(l, Options{Handler: h, Now: time.Now})
	t.Cleanup(s.Close)
	return s, "http://" + l.Addr().String()
}

func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	s, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "whole")
	})
	response := make(chan string)
	go func() {
		r, err := client().Get(url)
		if err != nil {
			response <- err.Error()
			return
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		response <- string(body)
	}()
	<-entered
	stopped := make(chan error)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	<-s.Done()
	if _, err := client().Get(url); err == nil {
		t.Error("a new request was accepted while draining")
	}
	close(leave)
	if got := <-response; got != "whole" {
		t.Errorf("the request in flight got %q, want %q", got, "whole")
	}
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if err := s.Err(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestShutdownCutsWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	s, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	r, err := client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v, want %v", err, context.Canceled)
	}
	if _, err := io.ReadAll(r.Body); err == nil {
		t.Error("the endless response ended as if it were complete")
	}
}

func TestServerThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(l, Options{Handler: http.NotFoundHandler(), Now: time.Now})
	_ = l.Close()
	<-s.Done()
	if s.Err() == nil {
		t.Error("no error although the listener is closed")
	}
	s.Close()
}

// Headers are limited in size and time, bodies are not.
func TestLimits(t *testing.T) {
	t.Parallel()
	s, url := serve(t, func(http.ResponseWriter, *http.Request) {})
	if h := s.http; h.ReadHeaderTimeout <= 0 || h.ReadHeaderTimeout > 30*time.Second || h.IdleTimeout <= 0 || h.WriteTimeout != 0 || h.ReadTimeout != 0 {
		t.Errorf("ReadHeaderTimeout %v, IdleTimeout %v, WriteTimeout %v, ReadTimeout %v", h.ReadHeaderTimeout, h.IdleTimeout, h.WriteTimeout, h.ReadTimeout)
	}
	for size, want := range map[int]int{16 << 10: http.StatusOK, 64 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("X-Long", strings.Repeat("x", size))
		r, err := client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("a header of %d bytes gets %s, want %d", size, r.Status, want)
		}
	}
}
