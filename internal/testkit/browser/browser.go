// Package browser drives a headless Chromium through its DevTools protocol, as far as tests of pages need it:
// open, read, click, look. The browser reaches this machine only, so a page that needs the internet fails.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// ErrNone says that the machine has no Chromium.
var ErrNone = errors.New("no chromium on PATH")

// Browser is one running Chromium.
type Browser struct {
	cmd  *exec.Cmd
	conn *websocket.Conn
	done chan struct{} // closed when the connection has ended

	mu      sync.Mutex
	lastID  int
	waiting map[int]chan answer
	pages   map[string]*Page // by session
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// Start runs the machine's Chromium with a profile of its own in dir. The error wraps ErrNone where there is
// none. ctx bounds the start only; call Close.
func Start(ctx context.Context, dir string) (*Browser, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--remote-debugging-port=0", "--user-data-dir="+dir, "--window-size=1200,800",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--allow-pre-commit-input", // else keys that come before the first picture of a page are dropped
		"about:blank")
	cmd.Stderr, cmd.WaitDelay = &said, time.Minute // for the end of all its processes, which write into dir
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b := &Browser{cmd: cmd, done: make(chan struct{}), waiting: map[int]chan answer{}, pages: map[string]*Page{}}
	address, err := endpoint(ctx, dir)
	if err == nil {
		b.conn, _, err = websocket.Dial(ctx, address, nil)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("start %s: %w\n%s", path, err, said.Bytes())
	}
	b.conn.SetReadLimit(256 << 20) // a screenshot comes as one message
	go b.read()
	return b, nil
}

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// endpoint waits for the file in which Chromium says where it listens: port and path, a line each.
func endpoint(ctx context.Context, dir string) (string, error) {
	for {
		data, err := os.ReadFile(filepath.Join(dir, "DevToolsActivePort"))
		if lines := strings.Fields(string(data)); err == nil && len(lines) == 2 {
			return "ws://127.0.0.1:" + lines[0] + lines[1], nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return "", err
		}
	}
}

// Close ends the browser.
func (b *Browser) Close() error {
	_ = b.conn.CloseNow()
	<-b.done
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait() // killed: its status says nothing
	return nil
}

// read hands answers to who waits for them and events to their pages.
func (b *Browser) read() {
	defer close(b.done)
	for {
		_, data, err := b.conn.Read(context.Background())
		if err != nil {
			return
		}
		var m struct {
			ID        int
			Method    string
			Params    json.RawMessage
			SessionID string `json:"sessionId"`
			answer
		}
		if json.Unmarshal(data, &m) != nil {
			continue
		}
		b.mu.Lock()
		wait, page := b.waiting[m.ID], b.pages[m.SessionID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case wait != nil:
			wait <- m.answer
		case page != nil:
			page.event(m.Method, m.Params)
		}
	}
}

// call runs one method of the protocol; session is empty for the browser itself, result may be nil.
func (b *Browser) call(ctx context.Context, session, method string, params map[string]any, result any) error {
	wait := make(chan answer, 1)
	b.mu.Lock()
	b.lastID++
	id := b.lastID
	b.waiting[id] = wait
	b.mu.Unlock()
	request := map[string]any{"id": id, "method": method, "params": params}
	if session != "" {
		request["sessionId"] = session
	}
	data, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if err := b.conn.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case <-b.done:
		return fmt.Errorf("%s: the browser has gone", method)
	case a := <-wait:
		if a.Error != nil {
			return fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(a.Result, result)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
