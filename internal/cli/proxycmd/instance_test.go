package proxycmd

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// options are those that the root hands over, on a machine with one address and one known neighbour.
func options(t *testing.T, d *cmdtest.Setup) *Options {
	t.Helper()
	return &Options{
		IO: d.IO, Folder: d.Folder(), Lookup: d.Lookup, Now: time.Now, Random: rand.Reader, Version: "1.2.3",
		Verbose: func() bool { return false }, Flags: standard(), bcryptCost: bcrypt.MinCost,
		Environ: func() (pairs []string) {
			for name, value := range d.Vars {
				pairs = append(pairs, name+"="+value)
			}
			return pairs
		},
		Transport:   func() (http.RoundTripper, error) { return http.DefaultTransport, nil },
		Authorities: func() (*x509.CertPool, error) { return nil, nil },
		Machine: Machine{
			Listen: server.Listen,
			Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
				switch host {
				case "localhost":
					return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
				case "me":
					return []netip.Addr{netip.MustParseAddr("192.0.2.7")}, nil
				case "neighbour":
					return []netip.Addr{netip.MustParseAddr("192.0.2.8")}, nil
				}
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			},
			Addresses: func() ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("fe80::7")}, nil
			},
		},
	}
}

// login is the .env of most tests.
const login = "username_main_app=ann\npassword_main_app=first-password\n"

// instance is a proxy that serves, and the app behind it.
type instance struct {
	t               *testing.T
	cmd             *cmdtest.Setup
	options         *Options
	public, private string // addresses
	signals         chan os.Signal
	ended           chan error
}

// start serves app behind the login of env until the end of the test.
func start(t *testing.T, app http.HandlerFunc, env string, set func(*Options)) *instance {
	t.Helper()
	behind := httptest.NewServer(app)
	t.Cleanup(behind.Close)
	d := cmdtest.New(t, map[string]string{".env": env})
	w := &instance{t: t, cmd: d, options: options(t, d), signals: make(chan os.Signal, 4), ended: make(chan error, 1)}
	w.options.Upstream, w.options.Listen = behind.URL, "127.0.0.1:0"
	w.options.Signals = func() (<-chan os.Signal, func()) { return w.signals, func() {} }
	if set != nil {
		set(w.options)
	}
	var mu sync.Mutex
	var listeners []string
	listen := w.options.Machine.Listen
	w.options.Machine.Listen = func(ctx context.Context, address string) (net.Listener, error) {
		l, err := listen(ctx, address)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			listeners = append(listeners, l.Addr().String())
		}
		return l, err
	}
	go func() { w.ended <- w.options.Run(context.Background()) }()
	t.Cleanup(func() {
		w.signals <- syscall.SIGTERM
		w.signals <- syscall.SIGTERM
		w.end()
	})
	w.says(`msg=serving `)
	mu.Lock()
	defer mu.Unlock()
	w.public = listeners[0]
	if len(listeners) > 1 {
		w.private = listeners[1]
	}
	return w
}

// says waits until the log holds text.
func (w *instance) says(text string) {
	w.t.Helper()
	for !strings.Contains(w.cmd.Said(nil), text) {
		select {
		case err := <-w.ended:
			w.ended <- err
			if !strings.Contains(w.cmd.Said(nil), text) {
				w.t.Fatalf("ended with %v and said\n%s", err, w.cmd.Said(err))
			}
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// end waits for the end of the proxy and returns its exit status.
func (w *instance) end() int {
	w.t.Helper()
	err := <-w.ended
	w.ended <- err
	return failure.Code(err)
}

// client is a browser with connections of its own, which knows one password.
type client struct {
	http     *http.Client
	password string
}

func newClient(t *testing.T, password string) *client {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return &client{&http.Client{Transport: transport}, password}
}

// get returns status and body of a page.
func (c *client) get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if c.password != "" {
		r.SetBasicAuth("ann", c.password)
	}
	reply, err := c.http.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, err.Error()
	}
	return reply.StatusCode, string(body)
}

// hello is an app.
func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "hello "+r.Header.Get("X-Auth-Name"))
}

// lines returns those lines of text that hold a word.
func lines(text, word string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return !strings.Contains(l, word) })
}
