// Package remote reaches hosts: it makes the transport that all requests of the program go through (proxies, extra
// certificate authorities, time limits) and downloads bounded files from hosts other than the platform. It must not
// know the platform's API or its key, reads no environment of its own accord and does nothing before the first request.
package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const (
	connectTimeout = 10 * time.Second // also for the TLS handshake
	headerTimeout  = 5 * time.Minute  // until the head of the reply; the last resort where a client has no limit of its own
)

// Options say how hosts are reached.
type Options struct {
	// CAFiles are PEM files with certificate authorities that are trusted besides the system's.
	CAFiles []string
	// Lookup returns an environment variable, "" where it is not set. HTTPS_PROXY, HTTP_PROXY and NO_PROXY (also in
	// lower case) choose the proxy, SSL_CERT_FILE and REQUESTS_CA_BUNDLE name further CA files. May be nil.
	Lookup func(name string) string
	// Proxy chooses the proxy in place of the environment; may be nil.
	Proxy func(*http.Request) (*url.URL, error)
}

// Transport returns a transport that is safe for concurrent use and pools connections; CloseIdleConnections of an
// http.Client reaches it. The error names the file or variable that cannot be used.
func Transport(o Options) (http.RoundTripper, error) {
	if o.Lookup == nil {
		o.Lookup = func(string) string { return "" }
	}
	if o.Proxy == nil {
		proxy, err := proxyOf(o.Lookup)
		if err != nil {
			return nil, err
		}
		o.Proxy = proxy
	}
	bundles, err := readBundles(o)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = o.Proxy
	t.OnProxyConnectResponse = refuseTunnel
	t.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = connectTimeout
	t.ResponseHeaderTimeout = headerTimeout
	if len(bundles) == 0 {
		return t, nil // Go loads the system's certificates with the first handshake
	}
	return &trusting{Transport: t, bundles: bundles}, nil
}

// Authorities returns the certificate authorities that are trusted: the system's and those of all CA files. It is nil,
// which means the system's, where there are no files. Only o.CAFiles and o.Lookup count. Errors are those of Transport.
func Authorities(o Options) (*x509.CertPool, error) {
	if o.Lookup == nil {
		o.Lookup = func(string) string { return "" }
	}
	bundles, err := readBundles(o)
	if err != nil || len(bundles) == 0 {
		return nil, err
	}
	return withSystem(bundles), nil
}

func withSystem(bundles [][]byte) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without certificates of its own
	}
	for _, b := range bundles {
		pool.AppendCertsFromPEM(b)
	}
	return pool
}

// proxyOf reads the proxy settings as the standard library does, but refuses what it would pass over.
func proxyOf(lookup func(string) string) (func(*http.Request) (*url.URL, error), error) {
	either := func(upper, lower string) (name, value string) {
		if v := lookup(upper); v != "" {
			return upper, v
		}
		return lower, lookup(lower)
	}
	httpName, httpProxy := either("HTTP_PROXY", "http_proxy")
	httpsName, httpsProxy := either("HTTPS_PROXY", "https_proxy")
	_, noProxy := either("NO_PROXY", "no_proxy")
	for name, raw := range map[string]string{httpName: httpProxy, httpsName: httpsProxy} {
		if !usableProxy(raw) {
			return nil, fmt.Errorf("%s is not the address of a proxy, such as http://proxy.example.com:3128", name)
		}
	}
	choose := (&httpproxy.Config{HTTPProxy: httpProxy, HTTPSProxy: httpsProxy, NoProxy: noProxy}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }, nil
}

// usableProxy tells whether raw is empty, host:port or a URL of a kind that net/http can use. The value itself is
// never shown: it may hold a password.
func usableProxy(raw string) bool {
	if raw == "" {
		return true
	}
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return false
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return true
	}
	return false
}

// refuseTunnel names the proxy in the error, where net/http would give the text of its status alone.
func refuseTunnel(_ context.Context, proxy *url.URL, _ *http.Request, reply *http.Response) error {
	if reply.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("the proxy %s refuses the connection (HTTP %d)", proxy.Host, reply.StatusCode)
}

// readBundles returns the content of all CA files, each of which holds at least one certificate.
func readBundles(o Options) ([][]byte, error) {
	type source struct{ from, path string }
	var sources []source
	for _, path := range o.CAFiles {
		sources = append(sources, source{"CA file", path})
	}
	for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"} {
		if path := o.Lookup(name); path != "" {
			sources = append(sources, source{"CA file of " + name, path})
		}
	}
	var bundles [][]byte
	for _, s := range sources {
		data, err := os.ReadFile(s.path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.from, err)
		}
		if err := checkBundle(data); err != nil {
			return nil, fmt.Errorf("%s %s: %w", s.from, s.path, err)
		}
		bundles = append(bundles, data)
	}
	return bundles, nil
}

// checkBundle looks for the first certificate only: the rest of a large bundle is read when it is needed.
func checkBundle(data []byte) error {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return errors.New("there is no PEM certificate in it")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("its first certificate cannot be read: %w", err)
		}
		return nil
	}
}

// trusting adds CA bundles to the system's pool when the first https request comes: loading it takes longer than
// most commands run.
type trusting struct {
	*http.Transport
	bundles [][]byte
	once    sync.Once
}

func (t *trusting) RoundTrip(r *http.Request) (*http.Response, error) {
	t.once.Do(func() {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = withSystem(t.bundles)
	})
	return t.Transport.RoundTrip(r)
}
