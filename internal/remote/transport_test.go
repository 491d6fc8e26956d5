package remote

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// env is a Lookup of a map.
func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// transport makes a transport that is closed with the test.
func transport(t *testing.T, o Options) http.RoundTripper {
	t.Helper()
	rt, err := Transport(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup((&http.Client{Transport: rt}).CloseIdleConnections)
	return rt
}

func tlsServer(t *testing.T, h http.Handler) (s *httptest.Server, ca []byte) {
	t.Helper()
	s = httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCertificateAuthorities(t *testing.T) {
	t.Parallel()
	s, ca := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	path := write(t, "ca.pem", append([]byte("# our proxy\n"), ca...))
	for name, tc := range map[string]struct {
		o  Options
		ok bool
	}{
		"none":               {Options{}, false},
		"option":             {Options{CAFiles: []string{path}}, true},
		"SSL_CERT_FILE":      {Options{Lookup: env(map[string]string{"SSL_CERT_FILE": path})}, true},
		"REQUESTS_CA_BUNDLE": {Options{Lookup: env(map[string]string{"REQUESTS_CA_BUNDLE": path})}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := Authorities(tc.o)
			if err != nil || (pool != nil) != tc.ok {
				t.Fatalf("authorities %v, %v", pool, err)
			}
			if _, err := s.Certificate().Verify(x509.VerifyOptions{Roots: pool, DNSName: "127.0.0.1"}); (err == nil) != tc.ok {
				t.Errorf("the authorities vouch for it: %v", err)
			}
			c := Client{Transport: transport(t, tc.o), Retry: httpclient.Retry{Max: -1}}
			var wg sync.WaitGroup
			for range 4 { // the first requests load the certificates together
				wg.Go(func() {
					var got bytes.Buffer
					err := c.Get(t.Context(), Request{URL: s.URL, Limit: 10}, &got)
					if (err == nil) != tc.ok || tc.ok && got.String() != "hello" || !tc.ok && !strings.Contains(err.Error(), "certificate") {
						t.Errorf("%q, %v", &got, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestCertificateFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	_, ca := tlsServer(t, http.NotFoundHandler())
	good := write(t, "good.pem", ca)
	for name, tc := range map[string]struct {
		path, says string
	}{
		"missing":    {filepath.Join(t.TempDir(), "gone.pem"), "gone.pem"},
		"folder":     {t.TempDir(), "CA file"},
		"empty":      {write(t, "empty.pem", nil), "empty.pem: it contains no PEM certificate"},
		"text":       {write(t, "text.pem", []byte("hello")), "text.pem: it contains no PEM certificate"},
		"key only":   {write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("x")})), "key.pem: it contains no PEM certificate"},
		"broken":     {write(t, "broken.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "broken.pem: its first certificate"},
		"der":        {write(t, "ca.der", []byte{0x30, 0x82}), "ca.der: it contains no PEM"},
		"cut off":    {write(t, "cut.pem", ca[:len(ca)/2]), "cut.pem: it contains no PEM"},
		"key before": {write(t, "both.pem", append(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("x")}), ca...)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Transport(Options{CAFiles: []string{good, tc.path}})
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("option: %v", err)
			}
			_, err = Transport(Options{Lookup: env(map[string]string{"SSL_CERT_FILE": tc.path})})
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), "SSL_CERT_FILE") {
				t.Errorf("variable: %v", err)
			}
		})
	}
}

// proxy is an HTTP proxy that also tunnels, to the one address it is given whatever it is asked for.
type proxy struct {
	*httptest.Server
	target string
	status int // refuses tunnels with it
	plain  atomic.Int32
	tunnel atomic.Int32
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	p := &proxy{target: target}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, pass, _ := parseBasic(r.Header.Get("Proxy-Authorization")); user != "ann" || pass != "canary" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.plain.Add(1)
		_, _ = io.WriteString(w, "through the proxy: "+r.URL.String())
		return
	}
	p.tunnel.Add(1)
	if p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	up, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer up.Close()
	down, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer down.Close()
	_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(up, down); _ = up.(*net.TCPConn).CloseWrite() }()
	_, _ = io.Copy(down, up)
}

func parseBasic(header string) (user, pass string, ok bool) {
	r := http.Request{Header: http.Header{"Authorization": {header}}}
	return r.BasicAuth()
}

func (p *proxy) address() string { return strings.Replace(p.URL, "http://", "http://ann:canary@", 1) }

func TestProxy(t *testing.T) {
	t.Parallel()
	s, ca := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "from "+r.Host) }))
	path := write(t, "ca.pem", ca)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "direct") }))
	t.Cleanup(plain.Close)
	for name, tc := range map[string]struct {
		env           map[string]string // %s is the proxy
		url, want     string
		plain, tunnel int32
	}{
		"https":            {map[string]string{"HTTPS_PROXY": "%s"}, "https://example.com/x", "from example.com", 0, 1},
		"https lower case": {map[string]string{"https_proxy": "%s"}, "https://example.com/x", "from example.com", 0, 1},
		"http":             {map[string]string{"HTTP_PROXY": "%s"}, "http://example.com/x", "through the proxy: http://example.com/x", 1, 0},
		"localhost":        {map[string]string{"HTTP_PROXY": "%s"}, plain.URL, "direct", 0, 0},
		"none":             {nil, plain.URL, "direct", 0, 0},
		"other kind":       {map[string]string{"HTTPS_PROXY": "%s"}, plain.URL, "direct", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, s.Listener.Addr().String())
			values := map[string]string{"SSL_CERT_FILE": path}
			for k, v := range tc.env {
				values[k] = strings.ReplaceAll(v, "%s", p.address())
			}
			rt := transport(t, Options{Lookup: env(values)})
			var got bytes.Buffer
			err := (&Client{Transport: rt, Retry: httpclient.Retry{Max: -1}}).Get(t.Context(), Request{URL: tc.url, Limit: 100}, &got)
			if err != nil || got.String() != tc.want || p.plain.Load() != tc.plain || p.tunnel.Load() != tc.tunnel {
				t.Errorf("%q, %d plain, %d tunnels, %v", &got, p.plain.Load(), p.tunnel.Load(), err)
			}
		})
	}
}

func TestNoProxy(t *testing.T) {
	t.Parallel()
	for list, direct := range map[string]bool{"": false, "example.com": true, ".example.com": true, "other.org, example.com": true, "other.org": false, "*": true} {
		choose, err := proxyOf(env(map[string]string{"HTTPS_PROXY": "proxy.example.org:3128", "no_proxy": list}))
		if err != nil {
			t.Fatal(err)
		}
		u, err := choose(httptest.NewRequest(http.MethodGet, "https://www.example.com/", nil))
		if err != nil || (u == nil) != (direct && list != "") || u != nil && u.String() != "http://proxy.example.org:3128" {
			t.Errorf("%q: %v, %v", list, u, err)
		}
	}
}

func TestOwnProxyGoesFirst(t *testing.T) {
	t.Parallel()
	p := newProxy(t, "")
	own, _ := url.Parse(p.address())
	rt := transport(t, Options{Lookup: env(map[string]string{"HTTP_PROXY": "http://127.0.0.1:1"}), Proxy: http.ProxyURL(own)})
	var got bytes.Buffer
	if err := (&Client{Transport: rt}).Get(t.Context(), Request{URL: "http://example.com/", Limit: 100}, &got); err != nil || p.plain.Load() != 1 {
		t.Errorf("%q, %v", &got, err)
	}
}

// Errors about a proxy name it, and never its password.
func TestProxyThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"http://", "ftp://ann:canary@proxy", "://canary", "http://ann:canary@[::1", "ann:canary@%zz"} {
		for _, name := range []string{"HTTPS_PROXY", "http_proxy"} {
			_, err := Transport(Options{Lookup: env(map[string]string{name: raw})})
			if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s=%s: %v", name, raw, err)
			}
		}
	}
	for _, raw := range []string{"proxy", "proxy:3128", "10.0.0.1:3128", "http://proxy", "https://ann:b@proxy:1", "socks5://proxy:1080"} {
		if _, err := Transport(Options{Lookup: env(map[string]string{"HTTPS_PROXY": raw})}); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	p := newProxy(t, "")
	p.status = http.StatusForbidden
	rt := transport(t, Options{Lookup: env(map[string]string{"HTTPS_PROXY": p.address()})})
	err := (&Client{Transport: rt, Retry: httpclient.Retry{Max: -1}}).Get(context.Background(), Request{URL: "https://example.com/", Limit: 100}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "the proxy "+p.Listener.Addr().String()+" refused the connection (HTTP 403)") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}
