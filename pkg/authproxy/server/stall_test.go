package server

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A response for which a client opens no window is cut, however lively the connection is (security class 21): a large
// one while it is written, a small one after its handler has returned. A stream that is silent is not.
func TestStalledStreamsAreCut(t *testing.T) {
	t.Parallel()
	s := newStalls(3*time.Second, time.Now) // long enough for a machine that does other things too to write what is small
	failed, speak := make(chan error, 1), make(chan struct{})
	server := httptest.NewUnstartedServer(s.handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			_, err := w.Write(make([]byte, 1<<20))
			failed <- err
		case "/small":
			_, _ = io.WriteString(w, "small")
		case "/silent":
			w.(http.Flusher).Flush()
			<-speak
			_, _ = io.WriteString(w, "at last")
		}
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	done := make(chan struct{})
	defer close(done)
	go s.watch(done)

	silent, err := server.Client().Get(server.URL + "/silent")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Body.Close() }()

	v := stubborn(t, server)
	v.ask(t, 1, "/large")
	v.waitReset(t, 1)
	if err := <-failed; err == nil {
		t.Error("the handler wrote it all")
	}
	v.ask(t, 3, "/small")
	v.waitReset(t, 3)

	close(speak)
	if body, err := io.ReadAll(silent.Body); err != nil || string(body) != "at last" {
		t.Errorf("the silent stream: %q, %v", body, err)
	}
}

// client2 speaks HTTP/2 and opens no window for any answer.
type client2 struct {
	frames  *http2.Framer
	block   *bytes.Buffer
	encoder *hpack.Encoder
}

func stubborn(t *testing.T, server *httptest.Server) *client2 {
	t.Helper()
	conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{
		RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com",
		NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	v := &client2{frames: http2.NewFramer(conn, conn), block: new(bytes.Buffer)}
	v.encoder = hpack.NewEncoder(v.block)
	if err := v.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *client2) ask(t *testing.T, stream uint32, path string) {
	t.Helper()
	v.block.Reset()
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "example.com"}, {":path", path}} {
		if err := v.encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	err := v.frames.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: v.block.Bytes(), EndStream: true, EndHeaders: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (v *client2) waitReset(t *testing.T, stream uint32) {
	t.Helper()
	for {
		f, err := v.frames.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := f.(*http2.RSTStreamFrame); ok && f.Header().StreamID == stream {
			return
		}
		if _, ok := f.(*http2.DataFrame); ok && f.Header().Length > 0 {
			t.Fatalf("%v without a window", f)
		}
	}
}
