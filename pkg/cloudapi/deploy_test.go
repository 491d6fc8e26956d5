package cloudapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// zeros is an archive of so many zero bytes that counts how often it was opened.
type zeros struct {
	size, real    int64
	opens, shut   atomic.Int32
	openErr, fail error
}

func (z *zeros) Size() int64 { return z.size }

func (z *zeros) Open() (io.ReadCloser, error) {
	if z.openErr != nil {
		return nil, z.openErr
	}
	z.opens.Add(1)
	r := io.LimitReader(nothing{}, z.real)
	if z.fail != nil {
		r = io.MultiReader(r, failing{z.fail})
	}
	return closer{r, z}, nil
}

type closer struct {
	io.Reader
	z *zeros
}

func (c closer) Close() error { c.z.shut.Add(1); return nil }

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func request(size int64) DeployRequest {
	return DeployRequest{ProjectID: "p-1", Type: "dash", Archive: &zeros{size: size, real: size}}
}

func TestDeployForm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*DeployRequest)
		want   map[string]string
	}{
		"archive alone": {func(*DeployRequest) {}, map[string]string{}},
		"no secrets":    {func(r *DeployRequest) { r.Secrets = []Secret{} }, map[string]string{"secrets": "[]"}},
		"secrets": {func(r *DeployRequest) { r.Secrets = []Secret{{"A", "l1\nl2 <&>"}, {"E", ""}} },
			map[string]string{"secrets": `[{"key":"A","value":"l1\nl2 \u003c\u0026\u003e"},{"key":"E","value":""}]`}},
		"resources": {func(r *DeployRequest) { r.Resources = &Resources{CPU: 4, RAM: 12, GPU: 1} },
			map[string]string{"cpu": "4.0", "ram": "12", "gpu": "1"}},
		"half a core": {func(r *DeployRequest) { r.Resources = &Resources{CPU: 0.5, RAM: 1} },
			map[string]string{"cpu": "0.5", "ram": "1", "gpu": "0"}},
		"labels":    {func(r *DeployRequest) { r.Labels = []string{"team x", "ü"} }, map[string]string{"labels": `["team x","ü"]`}},
		"no labels": {func(r *DeployRequest) { r.Labels = []string{} }, map[string]string{}},
		"template":  {func(r *DeployRequest) { r.Template = "node-auth0" }, map[string]string{"template": "node-auth0"}},
		"authentication": {func(r *DeployRequest) {
			r.Authentication = &Credentials{"ann", `p "q"`}
			r.AuthenticationAnalytics = &Credentials{"bob", "s"}
		}, map[string]string{
			"authentication":           `{"username":"ann","password":"p \"q\""}`,
			"authentication_analytics": `{"username":"bob","password":"s"}`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(70_000)
			tc.change(&r)
			got := map[string]string{}
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method+" "+r.RequestURI != "POST /jobs/webservice/dash?project_id=p-1" || r.Header.Get("Accept") != "application/json" {
					t.Errorf("%s %s, accept %s", r.Method, r.RequestURI, r.Header.Get("Accept"))
				}
				if len(r.TransferEncoding) > 0 || r.ContentLength < 70_000 {
					t.Errorf("length %d, encoding %v", r.ContentLength, r.TransferEncoding)
				}
				parts, err := r.MultipartReader()
				if err != nil {
					t.Error(err)
					return
				}
				for p, err := parts.NextPart(); err == nil; p, err = parts.NextPart() {
					data, _ := io.ReadAll(p)
					if p.FileName() == "" {
						got[p.FormName()] = string(data)
						continue
					}
					if p.FormName() != "files" || p.FileName() != "app.zip" || p.Header.Get("Content-Type") != "application/zip" || len(data) != 70_000 {
						t.Errorf("file %v of %d bytes", p.Header, len(data))
					}
				}
				fmt.Fprint(w, `{"project_id":"p-1","id":"job-7"}`)
			})
			c, _ := newClient(t, base)
			d, err := c.Deploy(t.Context(), r)
			if err != nil || *d != (Deployment{ProjectID: "p-1", ID: "job-7"}) {
				t.Errorf("%v, %v", d, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if z := r.Archive.(*zeros); z.opens.Load() != 1 || z.shut.Load() != 1 {
				t.Errorf("opened %d times, closed %d times", z.opens.Load(), z.shut.Load())
			}
		})
	}
}

// Whatever a value holds, a reader of multipart forms gets it back.
func TestFormRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := DeployRequest{Template: rapid.String().Draw(t, "template")}
		for range rapid.IntRange(0, 4).Draw(t, "secrets") {
			r.Secrets = append(r.Secrets, Secret{rapid.String().Draw(t, "key"), rapid.String().Draw(t, "value")})
		}
		file := rapid.SliceOf(rapid.Byte()).Draw(t, "file")
		before, after, ctype := r.form()
		req, _ := http.NewRequest(http.MethodPost, "/", bytes.NewReader(append(append(before, file...), after...)))
		req.Header.Set("Content-Type", ctype)
		if err := req.ParseMultipartForm(1 << 20); err != nil {
			t.Fatal(err)
		}
		if got := req.FormValue("template"); got != r.Template {
			t.Errorf("template %q, want %q", got, r.Template)
		}
		if r.Secrets != nil && req.FormValue("secrets") != string(encode(r.Secrets)) {
			t.Errorf("secrets %q", req.FormValue("secrets"))
		}
		f, _, err := req.FormFile("files")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(f); !bytes.Equal(got, file) {
			t.Errorf("file %q, want %q", got, file)
		}
	})
}

// rawServer answers each connection with the next of its scripts, the last for all further ones.
func rawServer(t *testing.T, scripts ...func(net.Conn)) (base string, connections *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int32{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n := int(connections.Add(1))
			wg.Go(func() {
				defer conn.Close()
				scripts[min(n, len(scripts))-1](conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String(), connections
}

// reset breaks the connection after n bytes, so that the peer gets an error and not an end.
func reset(n int64) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.CopyN(io.Discard, c, n)
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}

// closeAfter ends the connection after n bytes without a word.
func closeAfter(n int64) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.CopyN(io.Discard, c, n) }
}

// accept reads a whole upload of at least n bytes and accepts it.
func accept(n int64) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.CopyN(io.Discard, c, n)
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 29\r\nConnection: close\r\n\r\n{\"id\":\"j-1\",\"project_id\":\"p\"}")
		_, _ = io.Copy(io.Discard, c)
	}
}

func TestLostUploadIsRepeated(t *testing.T) {
	t.Parallel()
	const size = 5e6
	for name, script := range map[string]func(net.Conn){
		"reset at once":     reset(0),
		"reset midway":      reset(1e6),
		"closed at once":    closeAfter(0),
		"closed midway":     closeAfter(1e6),
		"closed at the end": closeAfter(size + 300),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, connections := rawServer(t, script, script, accept(size))
			c, p := newClient(t, base)
			r := request(size)
			var last, backwards int64
			r.Progress = func(sent, total int64) {
				if sent < last {
					backwards++
				}
				if last = sent; total != size {
					t.Errorf("total %d", total)
				}
			}
			d, err := c.Deploy(t.Context(), r)
			if err != nil || d.ID != "j-1" {
				t.Fatalf("%v, %v", d, err)
			}
			if connections.Load() != 3 || len(p.waits) != 2 || r.Archive.(*zeros).opens.Load() != 3 {
				t.Errorf("%d connections, waits %v, opened %d times", connections.Load(), p.waits, r.Archive.(*zeros).opens.Load())
			}
			if last != size || backwards > 2 {
				t.Errorf("progress ended at %d, went back %d times", last, backwards)
			}
		})
	}
}

func TestUploadResetOverHTTP2(t *testing.T) {
	t.Parallel()
	requests := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("protocol %s", r.Proto)
		}
		if requests++; requests == 1 {
			_, _ = io.CopyN(io.Discard, r.Body, 1e6)
			panic(http.ErrAbortHandler)
		}
		if n, err := io.Copy(io.Discard, r.Body); n != r.ContentLength || n < 5e6 {
			t.Errorf("%d bytes of %d: %v", n, r.ContentLength, err)
		}
		fmt.Fprint(w, `{"id":"j"}`)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	c, p := newClient(t, s.URL, func(o *Options) { o.Transport = s.Client().Transport })
	if _, err := c.Deploy(t.Context(), request(5e6)); err != nil || requests != 2 || len(p.waits) != 1 {
		t.Errorf("%d requests, waits %v: %v", requests, p.waits, err)
	}
}

// A server that refuses without reading breaks the connection; its answer must come through all the same.
func TestUploadRefusedMidway(t *testing.T) {
	t.Parallel()
	for range 20 {
		base, connections := rawServer(t, func(c net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil && r.Header.Get("Expect") == "" {
				_, _ = io.CopyN(io.Discard, r.Body, 1e6)
			}
			fmt.Fprint(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large")
		})
		c, _ := newClient(t, base)
		_, err := c.Deploy(t.Context(), request(30e6))
		var e *Error
		if !errors.As(err, &e) || e.Status != 413 || connections.Load() > 2 {
			t.Errorf("%d connections: %v", connections.Load(), err)
		}
	}
}

func TestLostUploadEndsAfterAllTries(t *testing.T) {
	t.Parallel()
	base, connections := rawServer(t, reset(1000))
	c, p := newClient(t, base)
	_, err := c.Deploy(t.Context(), request(5e6))
	if !errors.Is(err, ErrNetwork) || connections.Load() != 4 {
		t.Errorf("%d connections: %v", connections.Load(), err)
	}
	want := []time.Duration{500, 1000, 2000}
	for i, w := range want {
		if i >= len(p.waits) || p.waits[i].Round(time.Millisecond) != w*time.Millisecond {
			t.Fatalf("waits %v", p.waits)
		}
	}
}

// A platform that has answered has decided: an upload it refuses is not sent again.
func TestRefusedUploadIsSentOnce(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504} {
		for name, size := range map[string]int64{"small": 300, "large": 8e6} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				t.Parallel()
				requests := 0
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					requests++ // and the body is left unread
					w.WriteHeader(status)
					fmt.Fprint(w, `{"detail":"Invalid Resource: no"}`)
				})
				c, _ := newClient(t, base)
				_, err := c.Deploy(t.Context(), request(size))
				var e *Error
				if !errors.As(err, &e) || e.Status != status || requests != 1 {
					t.Errorf("%d requests: %v", requests, err)
				}
			})
		}
	}
}

func TestUploadIsRepeatedWhereThePlatformAsksForIt(t *testing.T) {
	t.Parallel()
	requests := 0
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests++; requests < 3 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(503)
			return
		}
		fmt.Fprint(w, `{"id":"j"}`)
	})
	c, p := newClient(t, base)
	d, err := c.Deploy(t.Context(), request(1e6))
	if err != nil || d.ProjectID != "p-1" || requests != 3 || p.waits[0] != 7*time.Second {
		t.Errorf("%v, %v, %d requests, waits %v", d, err, requests, p.waits)
	}
}

func TestArchiveThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		archive *zeros
		want    error
	}{
		"gone":    {&zeros{size: 10, openErr: fs.ErrNotExist}, fs.ErrNotExist},
		"shorter": {&zeros{size: 3e6, real: 2e6}, nil},
		"empty":   {&zeros{size: 3e6}, nil},
		"broken":  {&zeros{size: 3e6, real: 1e6, fail: fs.ErrPermission}, fs.ErrPermission},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err == nil {
					t.Error("the platform got a whole request")
				}
			})
			c, p := newClient(t, base)
			_, err := c.Deploy(t.Context(), DeployRequest{ProjectID: "p", Type: "dash", Archive: tc.archive})
			if err == nil || !strings.Contains(err.Error(), "archive") || errors.Is(err, ErrNetwork) || len(p.waits) > 0 {
				t.Errorf("waits %v: %v", p.waits, err)
			}
			if tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%v does not wrap %v", err, tc.want)
			}
		})
	}
	c, _ := newClient(t, "http://127.0.0.1:1")
	for name, r := range map[string]DeployRequest{
		"no archive": {ProjectID: "p", Type: "dash"},
		"no id":      {Type: "dash", Archive: &zeros{}},
		"no type":    {ProjectID: "p", Archive: &zeros{}},
	} {
		var e *Error
		if _, err := c.Deploy(t.Context(), r); err == nil || errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An upload that goes on is not ended, however long it takes; one that stands still is. The time is a fake one.
func TestUploadMayBeSlowButNotStill(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		piece, reply time.Duration // how long each megabyte and the reply take
		ok           bool
	}{
		"slow":         {59 * time.Second, 0, true},
		"slow reply":   {0, 179 * time.Second, true},
		"still":        {61 * time.Second, 0, false},
		"silent reply": {0, 181 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				slow := roundTrip(func(r *http.Request) (*http.Response, error) {
					tries++
					httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
					defer r.Body.Close()
					for {
						n, err := io.CopyN(io.Discard, r.Body, 1e6)
						if n == 1e6 && httpclient.Sleep(r.Context(), tc.piece) != nil || err != nil && httpclient.Sleep(r.Context(), tc.reply) != nil {
							return nil, context.Cause(r.Context())
						}
						if err != nil {
							return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"id":"j"}`))}, nil
						}
					}
				})
				c := New(Options{BaseURL: "http://platform", Key: testKey, Transport: slow})
				_, err := c.Deploy(t.Context(), request(30e6))
				if (err == nil) != tc.ok || err != nil && !errors.Is(err, ErrNetwork) || tries != 1 {
					t.Errorf("%d tries: %v", tries, err)
				}
			})
		})
	}
}

func TestDeployReplyWithoutID(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no id": `{"project_id":"p"}`, "null": `null`, "list": `[]`, "number": `{"id":5}`} {
		requests := 0
		base := serve(t, func(w http.ResponseWriter, r *http.Request) { requests++; fmt.Fprint(w, body) })
		c, _ := newClient(t, base)
		if _, err := c.Deploy(t.Context(), request(10)); !errors.Is(err, ErrBadReply) || requests != 1 {
			t.Errorf("%s: %d requests, %v", name, requests, err)
		}
	}
}

// Not parallel: it looks at the memory of the whole process.
func TestUploadMemoryIsFlat(t *testing.T) {
	const size = 200e6
	path := t.TempDir() + "/app.zip"
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil { // sparse
		t.Fatal(err)
	}
	var received int64
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		received, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, `{"id":"j"}`)
	})
	c, _ := newClient(t, base)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.TotalAlloc
	r := DeployRequest{ProjectID: "p", Type: "dash", Archive: file{path, size}}
	if _, err := c.Deploy(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&m)
	if allocated := m.TotalAlloc - before; allocated > 4<<20 || received < size {
		t.Errorf("%d bytes allocated in all for %d received", allocated, received)
	}
}

type file struct {
	path string
	size int64
}

func (f file) Size() int64                  { return f.size }
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.path) }
