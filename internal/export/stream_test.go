package export_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/testkit/nginx"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
)

func doors(w *environment) map[string]string {
	return map[string]string{"the proxy": w.proxy, "nginx": w.nginx}
}

// TestNginxUploads sends 64 MB. The second MB leaves only when the app has got the beginning of the first: nobody
// on the way collects the body.
func TestNginxUploads(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, config.Config{Passwords: three()}, export.SaltedSHA)
	part := []byte(strings.Repeat("0123456789abcdef", 1<<16))
	const parts = 64
	whole := sha256.New()
	for range parts {
		_, _ = whole.Write(part)
	}
	want := hex.EncodeToString(whole.Sum(nil)) + " " + time.Duration(parts*len(part)).String()
	for framing, header := range map[string]string{"length": fmt.Sprintf("Content-Length: %d", parts*len(part)), "chunks": "Transfer-Encoding: chunked"} {
		for door, address := range doors(w) {
			t.Run(framing+" through "+door, func(t *testing.T) {
				conn, reader := dial(t, address)
				_, err := io.WriteString(conn, request("PUT", "/upload", "", basic("ann", annPass), header))
				for i := 0; i < parts && err == nil; i++ {
					if framing == "chunks" {
						_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(part), part)
					} else {
						_, err = conn.Write(part)
					}
					if i > 0 {
						continue
					}
					select {
					case <-w.first:
					case <-time.After(patience):
						t.Fatal("the app has got nothing of the first part")
					}
				}
				if framing == "chunks" && err == nil {
					_, err = io.WriteString(conn, "0\r\n\r\n")
				}
				if err != nil {
					t.Fatal(err)
				}
				o := read(t, reader, "PUT")
				if got := w.behind.Taken(); o.Code != http.StatusOK || !o.App || len(got) != 1 || got[0].Body != want {
					t.Errorf("%+v, the app saw %+v", o, got)
				}
			})
		}
	}
}

// TestNginxDownloads has the app wait, in the middle of an answer, until its beginning has been read.
func TestNginxDownloads(t *testing.T) {
	t.Parallel()
	read := make(chan struct{})
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "18") // chunks nginx passes on in any case
		_, _ = io.WriteString(rw, "data: 1\n\n")
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-read:
			_, _ = io.WriteString(rw, "data: 2\n\n")
		case <-time.After(patience):
		}
	}))
	t.Cleanup(app.Close)
	port, dir := nginx.Listen(t), t.TempDir()
	o := options(dir)
	o.Listen, o.Upstream = []string{port.Addr()}, app.URL
	files, err := export.Nginx(export.Project{Name: "my-app", Login: config.Config{Passwords: logins(config.MainApp)}}, o)
	if err != nil {
		t.Fatal(err)
	}
	s := nginx.Start(t, port, write(t, dir, files))
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr+"/events", nil)
	r.SetBasicAuth(user, pass)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var begin [9]byte
	if _, err := io.ReadFull(answer.Body, begin[:]); err != nil || string(begin[:]) != "data: 1\n\n" {
		t.Fatalf("%q, %v", begin, err)
	}
	close(read)
	if rest, err := io.ReadAll(answer.Body); err != nil || string(rest) != "data: 2\n\n" {
		t.Errorf("%q, %v", rest, err)
	}
	if got := answer.Header.Get("Cache-Control"); got != "private" {
		t.Errorf("Cache-Control %q: a cache may keep what only %s should see", got, user)
	}
}

// TestNginxKeepAlive asks several things over one connection: what one request may, the next one may not.
func TestNginxKeepAlive(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, config.Config{Passwords: three(), PublicPaths: []string{"/health"}}, export.Bcrypt)
	ann, bob, zoe := basic("ann", annPass), basic("bob", bobPass), basic("zoë $host", zoePass)
	requests := []string{
		get("/"), get("/", ann), get("/"), get("/health"), get("/api", ann), get("/api", bob), get("/", bob), get("/analytics", zoe),
		get("/analytics"), request("POST", "/", "hello", ann), request("POST", "/", "hello"), get("/health"), get("/", ann),
		get("//", ann), // behind which nginx closes the connection
	}
	outcomes := map[string][]outcome{}
	for door, address := range doors(w) {
		conn, reader := dial(t, address)
		for _, r := range requests {
			w.hours.Add(2)
			if _, err := io.WriteString(conn, r); err != nil {
				t.Fatalf("%s: %v", door, err)
			}
			method, _, _ := strings.Cut(r, " ")
			o := read(t, reader, method)
			for _, s := range w.behind.Taken() {
				o.Seen = append(o.Seen, alike(s))
			}
			outcomes[door] = append(outcomes[door], o)
		}
	}
	if diff := cmp.Diff(outcomes["the proxy"], outcomes["nginx"]); diff != "" {
		t.Errorf("the proxy (-) and nginx (+) differ:\n%s", diff)
	}
}

// TestNginxDiffers lists what nginx cannot do or we do besides. The guide names the same.
func TestNginxDiffers(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, config.Config{Passwords: three()}, export.SaltedSHA)
	ann := basic("ann", annPass)

	for _, path := range []string{"/status", "/logout", "/_auth/style.css"} { // pages of our own, open to everybody
		ours, theirs := w.ask(t, w.proxy, get(path)), w.ask(t, w.nginx, get(path))
		if ours.Code >= 400 || theirs.Code != http.StatusUnauthorized || len(ours.Seen)+len(theirs.Seen) != 0 {
			t.Errorf("%s: %d and %d", path, ours.Code, theirs.Code)
		}
	}
	if o := w.ask(t, w.nginx, get("/status", ann)); !o.App { // there they are the app's
		t.Errorf("/status with a password: %+v", o)
	}

	// nginx removes headers by their full name, so one that nobody is known to use passes.
	line := "X-Auth-Something-New: mallory"
	ours, theirs := w.ask(t, w.proxy, get("/", ann, line)), w.ask(t, w.nginx, get("/", ann, line))
	if ours.Seen[0].Header.Get("X-Auth-Something-New") != "" || theirs.Seen[0].Header.Get("X-Auth-Something-New") == "" {
		t.Error("nginx and we treat an unknown header alike: shorten the list of differences")
	}

	// Nobody is locked out.
	for range 30 {
		conn, reader := dial(t, w.nginx)
		_, _ = io.WriteString(conn, get("/", basic("ann", "wrong")))
		if o := read(t, reader, "GET"); o.Code != http.StatusUnauthorized {
			t.Fatalf("a wrong password: %d", o.Code)
		}
		_ = conn.Close()
	}
	if o := w.ask(t, w.nginx, get("/", ann)); !o.App {
		t.Errorf("the right one afterwards: %+v", o)
	}
}

// TestNginxHasNoLoginPage: where we show browsers a page, nginx has them ask for the password themselves.
func TestNginxHasNoLoginPage(t *testing.T) {
	t.Parallel()
	w := &environment{}
	app := proxytest.Start(t, http.HandlerFunc(w.app))
	proxy := w.ours(t, config.Config{Passwords: three(), PasswordMode: config.ModeAuto}, app)
	visit := get("/", "Accept: text/html")
	if o := w.ask(t, proxy, visit); o.Code != http.StatusFound || o.Challenge != "" {
		t.Errorf("the proxy: %+v", o)
	}
	if o := w.ask(t, newEnvironment(t, config.Config{Passwords: three(), PasswordMode: config.ModeAuto}, export.SaltedSHA).nginx, visit); o.Code != http.StatusUnauthorized || o.Challenge == "" {
		t.Errorf("nginx: %+v", o)
	}
}
