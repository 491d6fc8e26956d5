package oidc_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// A provider that drops connections which have been idle costs nobody the code, which is sent once: it goes over a new
// connection.
func TestIdleConnectionsLoseNoCode(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	type used struct{}
	server := httptest.NewUnstartedServer(nil)
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return context.WithValue(ctx, used{}, new(int)) }
	issuer := "http://" + server.Listener.Addr().String()
	fake := oidctest.New(issuer, e.clock.now)
	server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := r.Context().Value(used{}).(*int)
		if *n++; *n > 1 && r.Method == http.MethodPost {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
			return
		}
		fake.ServeHTTP(rw, r)
	})
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p := e.provider(t, func(o *oidc.Options) { o.Issuer, o.Transport = issuer, transport })
	for range 2 {
		address, tx := e.begin(t, p)
		if _, err := p.Finish(t.Context(), fake.Authorize(t, address), tx); err != nil {
			t.Fatal(err)
		}
	}
}
