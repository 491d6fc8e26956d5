package democmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// streamPath is the WebSocket over which Streamlit draws its pages.
const streamPath = "/_stcore/stream"

// Time for an app to draw its page for the first time, and for a connection to close after a logout.
const (
	drawTimeout = 60 * time.Second
	endTimeout  = 10 * time.Second
)

// errRefused: the upgrade was refused.
var errRefused = errors.New("the WebSocket is refused")

// stream opens a WebSocket of the app and asks for the page. The error wraps errRefused if the upgrade was
// refused.
func (v client) stream(ctx context.Context, header http.Header) (*websocket.Conn, error) {
	client := *v.client
	client.Timeout = 0 // a connection stays open as long as it is needed
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Origin") == "" {
		header.Set("Origin", v.base)
	}
	opening, cancel := context.WithTimeout(ctx, v.client.Timeout)
	defer cancel()
	at := "ws" + strings.TrimPrefix(v.base, "http") + streamPath
	conn, reply, err := websocket.Dial(opening, at, &websocket.DialOptions{ //nolint:bodyclose // there is none to close: see Dial
		HTTPClient: &client, HTTPHeader: header, Subprotocols: []string{"streamlit"},
	})
	if err != nil {
		if reply != nil {
			return nil, fmt.Errorf("%w with status %d", errRefused, reply.StatusCode)
		}
		return nil, err
	}
	conn.SetReadLimit(maxPage)
	rerun := []byte{0x5a, 0} // BackMsg{rerun_script: ClientState{}} of Streamlit's protocol: field 11, empty
	if err := conn.Write(opening, websocket.MessageBinary, rerun); err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	return conn, nil
}

// wait reads until a message contains the words. Messages are protobuf, in which text is stored verbatim.
func wait(ctx context.Context, conn *websocket.Conn, words, never string) error {
	ctx, cancel := context.WithTimeout(ctx, drawTimeout)
	defer cancel()
	for {
		_, message, err := conn.Read(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("%q is not received: %w", words, err)
		case bytes.Contains(message, []byte(never)):
			return fmt.Errorf("%q is received, which was only claimed in headers", never)
		case bytes.Contains(message, []byte(words)):
			return nil
		}
	}
}

// ended returns nil once the peer has closed the connection.
func ended(ctx context.Context, conn *websocket.Conn) error {
	limit, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	for {
		if _, _, err := conn.Read(limit); err != nil {
			if limit.Err() != nil {
				return fmt.Errorf("still open after %s", endTimeout)
			}
			return nil
		}
	}
}
