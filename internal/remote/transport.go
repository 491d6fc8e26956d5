// Package remote connects to hosts: it creates the transport for all requests of the program (proxies, extra
// certificate authorities, time limits) and downloads files of limited size from hosts other than the platform. It
// does not know the platform's API or its key, does not read the environment itself and does nothing before the
// first request.
package remote

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const (
	connectTimeout = 10 * time.Second // also for the TLS handshake
	headerTimeout  = 5 * time.Minute  // until the response header; the last resort if a client sets no limit of its own
)

// Options configure how hosts are reached.
type Options struct {
	// CAFiles are PEM files, or folders of them, with certificate authorities that are trusted besides the system's.
	CAFiles []string
	// Lookup returns an environment variable, "" where it is not set. HTTPS_PROXY, HTTP_PROXY and NO_PROXY (also in
	// lower case) choose the proxy; SSL_CERT_FILE, SSL_CERT_DIR and REQUESTS_CA_BUNDLE, or in its absence CURL_CA_BUNDLE,
	// name further CA files or folders. May be nil.
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

// proxyOf reads the proxy settings like the standard library, but rejects what that would ignore.
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
			return nil, fmt.Errorf("%s is not a proxy URL such as http://proxy.example.com:3128", name)
		}
	}
	choose := (&httpproxy.Config{HTTPProxy: httpProxy, HTTPSProxy: httpsProxy, NoProxy: noProxy}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }, nil
}

// usableProxy reports whether raw is empty, host:port or a URL that net/http supports. The value itself is never
// shown: it may contain a password.
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
	return fmt.Errorf("the proxy %s refused the connection (HTTP %d)", proxy.Host, reply.StatusCode)
}

// trusting adds CA bundles to the system's pool when the first https request comes: loading it takes longer than
// most commands run.
type trusting struct {
	*http.Transport
	bundles []bundle
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
