package script

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
)

// serving is what a script with a server works on: an app, and the request that the app holds back.
type serving struct {
	app     *httptest.Server
	entered chan struct{} // gets a value when a request has arrived at /slow
	release chan struct{} // closed to let it go
	answer  chan string   // its body, or what went wrong
}

// patience bounds every wait. Nothing should come near it.
const patience = 2 * time.Minute

// appCommand starts an app at $APP: it greets the user named by the proxy, and delays /slow.
func appCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "app")
	s := &serving{entered: make(chan struct{}, 1), release: make(chan struct{}), answer: make(chan string, 1)}
	s.app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/slow" {
			_, _ = fmt.Fprintf(w, "hello %s at %s\n", r.Header.Get("X-Auth-Name"), r.URL.Path)
			return
		}
		s.entered <- struct{}{}
		select {
		case <-s.release:
			_, _ = io.WriteString(w, "whole\n")
		case <-r.Context().Done():
		}
	}))
	of(ts).serving = s
	ts.Setenv("APP", s.app.URL)
	ts.Defer(s.app.Close)
}

// addressCommand sets variables to free addresses of this machine.
func addressCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "address VARIABLE...")
	for _, name := range args {
		port, release, err := freeport.Take()
		ts.Check(err)
		ts.Defer(release)
		ts.Setenv(name, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
}

// visitCommand asks for a page until the answer has a status and, where one is given, a text; 0 is for no answer. The
// body goes to stdout.
func visitCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2 && len(args) <= 4, "visit STATUS URL [USER:PASSWORD|-] [TEXT]")
	text := ""
	if len(args) == 4 {
		text = args[3]
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		status, body := visit(ctx, args[1:])
		if status == want && strings.Contains(body, text) {
			_, _ = io.WriteString(ts.Stdout(), body)
			return
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("%s answers with status %d, want %d and %q", args[1], status, want, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// visit asks once, over a new connection. Where there is a certificate, any is good, and its name follows the body.
func visit(ctx context.Context, args []string) (status int, body string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	if len(args) > 1 && args[1] != "-" {
		user, password, _ := strings.Cut(args[1], ":")
		r.SetBasicAuth(user, password)
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	reply, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = reply.Body.Close() }()
	data, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, err.Error()
	}
	body = string(data)
	if reply.TLS != nil {
		body += "certificate of " + reply.TLS.PeerCertificates[0].Subject.CommonName + "\n"
	}
	return reply.StatusCode, body
}

// beginCommand starts a visit to the app's /slow and returns when the app has it.
func beginCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).serving
	usage(ts, !neg && s != nil && (len(args) == 1 || len(args) == 2), "begin URL [USER:PASSWORD], after app")
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		defer cancel()
		_, body := visit(ctx, append([]string{args[0] + "/slow"}, args[1:]...))
		s.answer <- body
	}()
	select {
	case <-s.entered:
	case body := <-s.answer:
		ts.Fatalf("the app was not asked: %s", body)
	case <-time.After(patience):
		ts.Fatalf("the app was not asked")
	}
}

// finishCommand lets the visit go that begin has started: it must end whole, or broken where that is what is meant.
func finishCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).serving
	usage(ts, s != nil && len(args) == 0, "[!] finish, after begin")
	if !neg {
		close(s.release)
	}
	select {
	case body := <-s.answer:
		if strings.HasPrefix(body, "whole\n") == neg {
			ts.Fatalf("the visit ended with %q", body)
		}
	case <-time.After(patience):
		ts.Fatalf("the visit does not end")
	}
}

// signalCommand sends a signal to the program that was started last in the background.
func signalCommand(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "INT": os.Interrupt, "TERM": syscall.SIGTERM}
	running := ts.BackgroundCmds()
	usage(ts, !neg && len(args) == 1 && signals[args[0]] != nil && len(running) > 0, "signal HUP|INT|TERM, to a program in the background")
	ts.Check(running[len(running)-1].Process.Signal(signals[args[0]]))
}

// certificateCommand makes a certificate in someone's name, and its key.
func certificateCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "certificate NAME CERTFILE KEYFILE")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: args[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
}
