package authproxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Whether the app takes connections is in the log once for each change, not once for each request.
func TestLogTellsWhenTheAppComesAndGoes(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil { // nobody is there now
		t.Fatal(err)
	}
	env := newEnvironment(t, config.Config{Public: true}, nil)
	if err := env.proxy.SetUpstream("http://" + address); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	tick, ended := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(ended)
		env.proxy.WatchApp(ctx, tick)
	}()
	count := func(words string) int { return strings.Count(env.logs.String(), words) }
	const gone, back = "app does not answer", `msg="app answers"`
	visit := func(want int) {
		t.Helper()
		reply, err := http.Get(env.url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, reply.Body)
		_ = reply.Body.Close()
		if reply.StatusCode != want {
			t.Errorf("status %d, want %d", reply.StatusCode, want)
		}
	}
	tick <- time.Time{} // so the first look is over
	visit(http.StatusServiceUnavailable)
	visit(http.StatusServiceUnavailable)
	if count(gone) != 1 || count(back) != 0 || !strings.Contains(env.logs.String(), "upstream="+address) {
		t.Fatalf("without the app:\n%s", env.logs)
	}

	app := &http.Server{Handler: http.NotFoundHandler()}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Skipf("another program took %s: %v", address, err)
	}
	go func() { _ = app.Serve(l) }()
	tick <- time.Time{}
	tick <- time.Time{} // so the look at the tick before is over
	if count(back) != 1 {
		t.Fatalf("with the app:\n%s", env.logs)
	}
	visit(http.StatusNotFound)

	_ = app.Close()
	tick <- time.Time{} // an app that answered is not looked after
	tick <- time.Time{}
	if count(gone) != 1 {
		t.Fatalf("looked at an app that answered:\n%s", env.logs)
	}
	visit(http.StatusBadGateway)
	visit(http.StatusBadGateway)
	if count(gone) != 2 {
		t.Fatalf("after the app has gone:\n%s", env.logs)
	}
	end()
	<-ended
}
