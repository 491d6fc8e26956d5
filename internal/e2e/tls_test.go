package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// On https the session's cookie is one that no other host and no other scheme can set or read (class 10).
func TestHTTPS(t *testing.T) {
	t.Parallel()
	cert, key, roots := certificate(t)
	port := freeport.For(t)
	base := fmt.Sprintf("https://127.0.0.1:%d", port)
	s := settings()
	s.Clients[0].Redirects = []string{base + "/callback"}
	s.Clients[0].LogoutRedirects = []string{base + "/status"}
	provider := oidcprovider.Start(t, s)
	startProxy(t, proxyOptions{port: port, upstream: startEcho(t), args: []string{"--tls-cert", cert, "--tls-key", key},
		vars: oidcVars(provider.Issuer(), port, vars{"AUTH_BASE_URL": base})})
	v := newClient(t)
	v.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	page := v.logIn(provider, base+"/page?x=1", "user|ann")
	if e := echoOf(t, page.Status, page.Body); e.Path != "/page?x=1" || e.Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("the app got %s by %q", e.Path, e.Header.Get("X-Forwarded-Proto"))
	}
	callback := v.callbackOf(provider, v.walk(base+"/_auth/login", provider.Issuer()+"/auth")+"&prompt=login", base+"/callback", "user|ann")
	status, h, _ := v.ask(http.MethodGet, callback, nil)
	found := false
	for _, line := range h["Set-Cookie"] {
		if !strings.HasPrefix(line, "__Host-") {
			t.Errorf("a cookie without the prefix: %s", strings.SplitN(line, "=", 2)[0])
		}
		for _, want := range []string{"; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
			if !strings.Contains(line, want) {
				t.Errorf("a cookie without %q", want)
			}
		}
		if strings.Contains(line, "Domain=") {
			t.Error("a cookie for other hosts")
		}
		found = found || strings.HasPrefix(line, "__Host-ploomber_session")
	}
	if !found || status != http.StatusFound {
		t.Errorf("the login answered %d with cookies %d", status, len(h["Set-Cookie"]))
	}
	socketClient := *v // WebSockets speak HTTP/1.1
	client := *v.client
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	socketClient.client = &client
	socket := socketClient.connect(t, base)
	socket.says(t, "through TLS")
}

// An app with a certificate of a company's own is reached where its authority is named.
func TestHTTPSOfTheApp(t *testing.T) {
	t.Parallel()
	cert, key, _ := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	app := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	app.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	app.Config.ErrorLog = log.New(io.Discard, "", 0)
	app.StartTLS()
	t.Cleanup(app.Close)
	for name, tc := range map[string]struct {
		args []string
		want int
	}{"named": {[]string{"--ca-cert", cert}, http.StatusOK}, "not named": {nil, http.StatusBadGateway}} {
		p := startProxy(t, proxyOptions{upstream: app.URL, args: append([]string{"--public"}, tc.args...)})
		if page := newClient(t).open(p.url + "/"); page.Status != tc.want {
			t.Errorf("%s: %d, want %d: %s", name, page.Status, tc.want, page.Body)
		}
	}
}

// certificate makes one for 127.0.0.1 that its own key has signed.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, data := range map[string][]byte{cert: certPEM, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return cert, key, roots
}
