package proxycmd

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A password that has changed counts at once, on connections that are open too, which stay open.
func TestReloadPassword(t *testing.T) {
	t.Parallel()
	w := start(t, hello, login, nil)
	conn, err := net.Dial("tcp", w.public)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	ask := func() int { // over this connection; a client's pool may use another one on a busy machine
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.public+"/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("ann", "first-password")
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		reply, err := http.ReadResponse(answers, r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = reply.Body.Close() }()
		if _, err := io.Copy(io.Discard, reply.Body); err != nil {
			t.Fatal(err)
		}
		return reply.StatusCode
	}
	if code := ask(); code != http.StatusOK {
		t.Fatal(code)
	}
	w.cmd.Write(".env", strings.ReplaceAll(login, "first-password", "second-password"))
	w.signals <- syscall.SIGHUP
	w.says("msg=reloaded")
	if code := ask(); code != http.StatusUnauthorized {
		t.Errorf("the old password: %d", code)
	}
	if code, body := newClient(t, "second-password").get(t, "http://"+w.public+"/"); code != http.StatusOK {
		t.Errorf("the new password: %d %s", code, body)
	}
	if said := w.cmd.Said(nil); strings.Contains(said, "-password") {
		t.Error(said)
	}
}

// A configuration with mistakes changes nothing, and each of them is logged.
func TestReloadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env   string
		wants []string
	}{
		"nothing protects it any more": {"", []string{"nothing protects the app"}},
		"several mistakes":             {"username_main_app=ann\nAUTH_TYPO=x\n", []string{"password_main_app: ", "AUTH_TYPO: "}},
		"a file in another code":       {"A=\xff", []string{"UTF-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, hello, login, func(o *Options) { o.PrivateListen = "127.0.0.1:0" })
			c := visit(t, w)
			w.cmd.Write(".env", tc.env)
			w.signals <- syscall.SIGHUP
			for _, want := range tc.wants {
				w.says(want)
			}
			if got := lines(w.cmd.Said(nil), "level=ERROR msg=\"not reloaded"); len(got) != len(tc.wants) {
				t.Errorf("%d mistakes logged, want %d: %v", len(got), len(tc.wants), got)
			}
			if code, _ := c.get(t, "http://"+w.public+"/"); code != http.StatusOK {
				t.Errorf("the old password: %d", code)
			}
			// The signals are answered in turn: the counter of the first is up once the second has been.
			w.cmd.Write(".env", login)
			w.signals <- syscall.SIGHUP
			w.says("msg=reloaded")
			_, metrics := newClient(t, "").get(t, "http://"+w.private+"/metrics")
			for _, line := range []string{`ploomber_proxy_reloads_total{result="failed"} 1`, `ploomber_proxy_reloads_total{result="ok"} 1`} {
				if len(lines(metrics, line)) != 1 {
					t.Errorf("no %s in\n%s", line, metrics)
				}
			}
		})
	}
}

func visit(t *testing.T, w *instance) *client {
	t.Helper()
	c := newClient(t, "first-password")
	if code, _ := c.get(t, "http://"+w.public+"/"); code != http.StatusOK {
		t.Fatal(code)
	}
	return c
}

// A WebSocket whose credential still counts outlives a reload.
func TestReloadKeepsWebSockets(t *testing.T) {
	t.Parallel()
	w := start(t, echo, login, nil)
	c := dialEcho(t, w)
	w.cmd.Write(".env", login+"AUTH_SESSION_IDLE=2h\n")
	w.signals <- syscall.SIGHUP
	w.says("msg=reloaded")
	if err := c.Write(t.Context(), 1, []byte("still here")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(t.Context()); err != nil || string(data) != "still here" {
		t.Errorf("%q, %v", data, err)
	}
}

// New connections get the new certificate, open ones go on; a pair that does not fit keeps the old.
func TestReloadCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tomorrow := time.Now().Add(24 * time.Hour)
	cert, key, firstPool := certify(t, dir, "served", tomorrow)
	next := t.TempDir()
	nextCert, nextKey, nextPool := certify(t, next, "next", tomorrow)
	w := start(t, hello, login, func(o *Options) { o.TLSCert, o.TLSKey = cert, key })
	url := strings.Replace("https://"+w.public+"/", "127.0.0.1", "localhost", 1)
	old := trusting(t, firstPool)
	if code, body := old.get(t, url); code != http.StatusOK {
		t.Fatal(code, body)
	}

	move(t, nextCert, cert)
	w.signals <- syscall.SIGHUP
	w.says("are not a matching certificate and key")
	if code, body := trusting(t, firstPool).get(t, url); code != http.StatusOK {
		t.Errorf("the old certificate is gone: %d %s", code, body)
	}

	move(t, nextKey, key)
	w.signals <- syscall.SIGHUP
	w.says("msg=reloaded")
	if code, body := trusting(t, nextPool).get(t, url); code != http.StatusOK {
		t.Errorf("the new certificate: %d %s", code, body)
	}
	if code, body := old.get(t, url); code != http.StatusOK { // could not connect anew
		t.Errorf("the open connection: %d %s", code, body)
	}
	if code, _ := trusting(t, firstPool).get(t, url); code != 0 {
		t.Errorf("the old certificate is still shown: %d", code)
	}
}

func trusting(t *testing.T, pool *x509.CertPool) *client {
	t.Helper()
	c := newClient(t, "first-password")
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return c
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
