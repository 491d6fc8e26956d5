package proxycmd

import (
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
)

// An app with https is trusted by the authorities that the root hands over, and by no others.
func TestAuthoritiesOfTheApp(t *testing.T) {
	t.Parallel()
	app := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	app.Config.ErrorLog = log.New(io.Discard, "", 0)
	app.StartTLS()
	t.Cleanup(app.Close)
	pool := x509.NewCertPool()
	pool.AddCert(app.Certificate())
	for name, tc := range map[string]struct {
		trusted *x509.CertPool
		status  int
		says    string
	}{
		"trusted": {pool, http.StatusOK, "hello ann"},
		"unknown": {nil, http.StatusBadGateway, "certificate is not trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, hello, login, func(o *Options) {
				o.Upstream = app.URL
				o.Authorities = func() (*x509.CertPool, error) { return tc.trusted, nil }
			})
			if status, body := newClient(t, "first-password").get(t, "http://"+w.public+"/"); status != tc.status || !strings.Contains(body, tc.says) {
				t.Errorf("%d %s, want %d %s", status, body, tc.status, tc.says)
			}
			if told := strings.Contains(w.cmd.Said(nil), "x509"); told != (tc.trusted == nil) {
				t.Errorf("the log says why: %v", told)
			}
		})
	}
}

// Files of authorities that cannot be read are a failure for an app with https; for one without, they are not read.
func TestAuthoritiesAreReadForHTTPS(t *testing.T) {
	t.Parallel()
	broken := errors.New("no such authorities")
	d := cmdtest.New(t, map[string]string{".env": login})
	o := options(t, d)
	o.Authorities = func() (*x509.CertPool, error) { return nil, broken }
	w := start(t, hello, login, func(served *Options) { served.Authorities = o.Authorities })
	if status, _ := newClient(t, "first-password").get(t, "http://"+w.public+"/"); status != http.StatusOK {
		t.Errorf("an app without https: %d", status)
	}
	o.Upstream, o.Listen, o.Signals = "HTTPS://127.0.0.1:1", "127.0.0.1:0", w.options.Signals
	if err := o.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("an app with https: %v", err)
	}
}
