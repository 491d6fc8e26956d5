package authproxy_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
)

// wsgiApp answers with the environ that WSGI makes of a request. wsgiref, of Python's standard library, takes X_Auth_Name
// and X-Auth-Name for one and joins their values.
const wsgiApp = `
import json
from wsgiref.simple_server import make_server, WSGIRequestHandler

class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass

def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "application/json"), ("X-App", "yes")])
    seen = {k: v for k, v in environ.items() if isinstance(v, str)}
    seen["body"] = body.decode()
    return [json.dumps(seen).encode()]

server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
`

// startPython runs a server that prints its port, and returns its address.
func startPython(t *testing.T, script string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal("python3 is missing")
		}
		t.Skip("python3 is missing")
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, python, "-c", script)
	c.WaitDelay = 5 * time.Second
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = c.Wait() })
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the app did not start: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// Security class 1 against a server that really merges aliases. The same attack through a plain ReverseProxy works, so
// the test would notice if the server stopped being what it is here for.
func TestClass1AgainstWsgiref(t *testing.T) {
	t.Parallel()
	address := startPython(t, wsgiApp)
	env := newEnvironment(t, mainApp(), nil)
	if err := env.proxy.SetUpstream(address); err != nil {
		t.Fatal(err)
	}
	environ := func(got reply) map[string]string {
		t.Helper()
		var cgi map[string]string
		if err := json.Unmarshal([]byte(got.body), &cgi); err != nil {
			t.Fatalf("%d %q: %v", got.StatusCode, got.body, err)
		}
		return cgi
	}
	b := env.browser()
	for _, header := range identityHeaders {
		for _, name := range spellings(header) {
			cgi := environ(b.get("/", asBasic(user, pass), name+": mallory"))
			for key, value := range cgi {
				if strings.Contains(value, "mallory") {
					t.Errorf("%s: %s is %q", name, key, value)
				}
			}
			if cgi["HTTP_X_AUTH_NAME"] != user {
				t.Errorf("%s: HTTP_X_AUTH_NAME is %q", name, cgi["HTTP_X_AUTH_NAME"])
			}
		}
	}
	cgi := environ(b.do("POST", "/a%20b/c?d=e%20f", "hello", asBasic(user, pass), "Content-Type: text/plain", "Accept: text/plain"))
	for key, want := range map[string]string{"REQUEST_METHOD": "POST", "PATH_INFO": "/a b/c", "QUERY_STRING": "d=e%20f", "body": "hello",
		"HTTP_HOST": env.host, "HTTP_X_FORWARDED_PROTO": "http", "HTTP_X_FORWARDED_FOR": "127.0.0.1", "CONTENT_TYPE": "text/plain", "HTTP_COOKIE": ""} {
		if cgi[key] != want {
			t.Errorf("%s is %q, want %q", key, cgi[key], want)
		}
	}

	to, _ := url.Parse(address)
	careless := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Set("X-Auth-Name", user)
	}}
	server := proxytest.Start(t, careless)
	r, _ := http.NewRequestWithContext(context.Background(), "GET", server, nil)
	r.Header["X_Auth_Name"] = []string{"mallory"}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if !strings.Contains(string(body), "mallory") {
		t.Errorf("this server no longer merges aliases, so the test shows nothing: %s", body)
	}
}
