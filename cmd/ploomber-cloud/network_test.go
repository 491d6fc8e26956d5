package main_test

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// secure puts a listener with a certificate that nobody knows in front of a place's platform, and returns its URL
// and the file of its authority.
func secure(t *testing.T, p *place) (url, authority string) {
	t.Helper()
	s := httptest.NewTLSServer(p.cloud.Handler())
	t.Cleanup(s.Close)
	authority = filepath.Join(p.root, "authority.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	if err := os.WriteFile(authority, pem.EncodeToMemory(block), 0o644); err != nil {
		t.Fatal(err)
	}
	return s.URL, authority
}

// TestAuthorities reaches a platform whose certificate only an extra file vouches for.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flag, variable string
		want           int
		says           string
	}{
		"--ca-cert":          {flag: "--ca-cert="},
		"SSL_CERT_FILE":      {variable: "SSL_CERT_FILE="},
		"REQUESTS_CA_BUNDLE": {variable: "REQUESTS_CA_BUNDLE="},
		"CURL_CA_BUNDLE":     {variable: "CURL_CA_BUNDLE="},
		"SSL_CERT_DIR":       {variable: "SSL_CERT_DIR="},
		"none":               {want: 1, says: "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
			url, authority := secure(t, p)
			p.environ = append(p.environ, "PLOOMBER_CLOUD_API_URL="+url)
			args := []string{"labels"}
			if tc.flag != "" {
				args = append(args, tc.flag+authority)
			}
			if tc.variable != "" {
				p.environ = append(p.environ, tc.variable+authority)
			}
			exit, stdout, stderr := p.run(t, "", args...)
			if exit != tc.want || !strings.Contains(stderr, tc.says) {
				t.Errorf("status %d, want %d with %q\n%s%s", exit, tc.want, tc.says, stdout, stderr)
			}
		})
	}
}

// proxy is a forward proxy that reaches every host at one address, as a company's does for hosts that only it knows.
type proxy struct {
	*httptest.Server
	to string

	mu    sync.Mutex
	asked []string // host and port of each CONNECT
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	p := &proxy{to: to}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(there, here) // ends with the connection
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there) // ends with the connection
	_ = here.Close()
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// TestProxy reaches a host that has no address here through HTTPS_PROXY, unless NO_PROXY names it.
func TestProxy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		environ []string
		through bool
	}{
		"HTTPS_PROXY":              {[]string{"HTTPS_PROXY=PROXY"}, true},
		"https_proxy":              {[]string{"https_proxy=PROXY"}, true},
		"NO_PROXY names it":        {[]string{"HTTPS_PROXY=PROXY", "NO_PROXY=other.test,platform.invalid"}, false},
		"NO_PROXY names another":   {[]string{"HTTPS_PROXY=PROXY", "NO_PROXY=other.test"}, true},
		"HTTP_PROXY is for http":   {[]string{"HTTP_PROXY=PROXY"}, false},
		"the proxy has a password": {[]string{"HTTPS_PROXY=http://ana:CANARY_proxy@PROXYHOST"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
			url, authority := secure(t, p)
			through := startProxy(t, strings.TrimPrefix(url, "https://"))
			fill := strings.NewReplacer("PROXYHOST", strings.TrimPrefix(through.URL, "http://"), "=PROXY", "="+through.URL)
			for _, v := range tc.environ {
				p.environ = append(p.environ, fill.Replace(v))
			}
			// example.com is a name of the test server's certificate and never asked for itself.
			p.environ = append(p.environ, "PLOOMBER_CLOUD_API_URL=https://example.com:1", "SSL_CERT_FILE="+authority)
			args := []string{"labels", "--verbose"}
			if !tc.through {
				// Without the proxy the name leads nowhere (RFC 6761), so nothing is asked of anyone.
				p.environ = append(p.environ, "PLOOMBER_CLOUD_API_URL=https://platform.invalid:1")
			}
			exit, stdout, stderr := p.run(t, "", args...)
			asked := through.requests()
			if tc.through && (exit != 0 || len(asked) == 0 || asked[0] != "CONNECT example.com:1") {
				t.Errorf("status %d, the proxy was asked for %q\n%s%s", exit, asked, stdout, stderr)
			}
			if !tc.through && (exit != 1 || len(asked) > 0) {
				t.Errorf("status %d, the proxy was asked for %q\n%s%s", exit, asked, stdout, stderr)
			}
			fit(t, stdout, stderr)
		})
	}
}

// TestUploadAgain loses the connection while an archive is sent: it is sent again, the same bytes.
func TestUploadAgain(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]fakecloud.FaultKind{"before the body is read": fakecloud.Cut, "after the body is read": fakecloud.CutLate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject, "data.bin": noiseText(4 << 20)})
			p.cloud.Break(fakecloud.Fault{Method: "POST", Path: "/jobs/webservice/*", Kind: kind, Times: 1})
			// A file that changes between the tries shows whether the archive is made anew.
			p.cloud.Observe(func(r fakecloud.Request) {
				if r.Method == "POST" {
					_ = os.WriteFile(filepath.Join(p.app, "late.txt"), []byte("late"), 0o644) // else the test proves less
				}
			})
			exit, stdout, stderr := p.run(t, "", "deploy")
			sent := p.cloud.Deployments()
			if exit != 0 || len(sent) != 1 {
				t.Fatalf("status %d, %d deployments\n%s%s", exit, len(sent), stdout, stderr)
			}
			if _, late := sent[0].Files["late.txt"]; late {
				t.Error("the archive was made anew")
			}
			tries := 0
			for _, r := range p.cloud.Seen() {
				if r.Method == "POST" {
					tries++
				}
			}
			if tries != 2 {
				t.Errorf("%d tries", tries)
			}
		})
	}
}

// TestWrongAnswers answers each kind of request with what is not an answer: one clear line, and nothing is changed.
func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	page := []byte("<html><head><title>Sign in</title></head><body>" + strings.Repeat("<p>network</p>", 100) + "</body></html>")
	faults := map[string]fakecloud.Fault{
		"a page":           {Status: 200, Type: "text/html", Body: page},
		"a page with 500":  {Status: 500, Type: "text/html", Body: page},
		"a page with 404":  {Status: 404, Type: "text/html", Body: page},
		"nothing":          {Status: 200},
		"half of it":       {Status: 200, Type: "application/json", Body: []byte(`{"id": "x", "jo`)},
		"cut off":          {Kind: fakecloud.Truncate, Status: 200, Type: "application/json", Body: []byte(`{"id": "x"`)},
		"another JSON":     {Status: 200, Type: "application/json", Body: []byte(`["x"]`)},
		"control signs":    {Status: 400, Type: "application/json", Body: []byte("{\"detail\": \"\\u001b[31mred\\u0007\"}")},
		"a list of faults": {Status: 422, Type: "application/json", Body: []byte(`{"detail": [{"loc": ["body"], "msg": "wrong"}]}`)},
	}
	for command, at := range map[string]struct{ method, path string }{
		"labels":                        {"GET", "/projects/my-app"},
		"labels --add x":                {"PUT", "/projects/my-app/labels"},
		"init --force --type streamlit": {"POST", "/projects/streamlit"},
		"deploy":                        {"POST", "/jobs/webservice/streamlit"},
		"resources --gpu 0":             {"GET", "/users/me"},
		"logs --job-id job-0":           {"GET", "/v2/jobs/job-0/logs"},
		"delete":                        {"DELETE", "/projects/my-app"},
	} {
		for name, fault := range faults {
			t.Run(command+"/"+name, func(t *testing.T) {
				t.Parallel()
				if (command == "labels --add x" || command == "delete") && (name == "another JSON") {
					return // any JSON says that it is done
				}
				p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
				fault := fault
				fault.Method, fault.Path, fault.Header = at.method, at.path, map[string]string{"Retry-After": "0"}
				p.cloud.Break(fault)
				before := readTree(t, p.app)
				exit, stdout, stderr := p.run(t, "", strings.Fields(command)...)
				if exit != 1 || stdout != "" && !strings.HasPrefix(command, "deploy") {
					t.Errorf("status %d, want 1; stdout %q", exit, stdout)
				}
				if strings.Contains(stderr, "<html") || strings.Contains(stderr, "<p>") || strings.ContainsAny(stderr, "\x1b\x07") {
					t.Error("the answer is shown as it came")
				}
				if strings.Count("\n"+stderr, "\nError: ") != 1 || len(stderr) > 1000 {
					t.Error("want one clear line")
				}
				fit(t, stdout, stderr)
				unchanged(t, before, readTree(t, p.app))
				if t.Failed() {
					t.Log(stderr)
				}
			})
		}
	}
}
