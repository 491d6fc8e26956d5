package attack

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
)

// --public opens what has no login, and takes none away.
func TestClass24ConfigurationDowngradePublic(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("PLOOMBER_PROXY_PUBLIC=true"), "--public")
	wantStatus(t, "with a password", p.bare().get("/"), http.StatusUnauthorized)
	p = start(t, a.url, []string{"username_api=bot", "password_api=" + pass}, "--public")
	wantStatus(t, "the part with a password", p.bare().get("/api/x"), http.StatusUnauthorized)
	wantStatus(t, "in capitals", p.bare().get("/API/x"), http.StatusUnauthorized)
	wantApp(t, "the rest", p.bare().get("/"))
	p.logged("NOT PROTECTED")
}

// An app that is reached by https has to prove who it is.
func TestClass18SSRFUpstreamCertificate(t *testing.T) {
	t.Parallel()
	impostor := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-App", "yes") }))
	impostor.Config.ErrorLog = log.New(io.Discard, "", 0)
	impostor.StartTLS()
	t.Cleanup(impostor.Close)
	p := start(t, impostor.URL, password())
	if r := p.loggedIn().get("/"); r.StatusCode < 500 || r.Header.Get("X-App") != "" {
		t.Errorf("an app with a certificate of its own making answers: %d", r.StatusCode)
	}
}
