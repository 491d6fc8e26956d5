package proxycmd

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// A client who stops reading is cut, and the app learns that nobody reads: for streams, for bodies that the
// kernel moves by itself and for WebSockets (security class 21).
func TestStalledClientsAreCut(t *testing.T) {
	t.Parallel()
	const much = 1 << 30 // bytes, more than all buffers on the way
	piece := make([]byte, 64<<10)
	pour := func(w io.Writer) {
		for sent := 0; sent < much; sent += len(piece) {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
	for name, tc := range map[string]struct {
		app    http.HandlerFunc
		header string
	}{
		"a stream": {app: func(w http.ResponseWriter, _ *http.Request) { pour(w) }},
		"a large body": {app: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(much))
			pour(w)
		}},
		"a WebSocket": {
			header: "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n",
			app: func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(w, r, nil)
				if err != nil {
					return
				}
				pour(websocket.NetConn(context.Background(), c, websocket.MessageBinary))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := make(chan struct{})
			app := func(w http.ResponseWriter, r *http.Request) { defer close(left); tc.app(w, r) }
			w := start(t, app, "", func(o *Options) {
				o.Public = true
				o.Machine.Listen = func(ctx context.Context, address string) (net.Listener, error) {
					return server.ListenConfig(time.Second).Listen(ctx, "tcp", address)
				}
			})
			c, err := net.Dial("tcp", w.public)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+w.public+"\r\n"+tc.header+"\r\n"); err != nil {
				t.Fatal(err)
			}
			<-left // the client never reads
		})
	}
}
