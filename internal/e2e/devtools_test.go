package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
)

// startBrowser runs Chromium until the test ends, and returns its folder too. Pages may run no scripts unless scripts
// is set.
func startBrowser(t *testing.T, scripts bool) (*browser.Browser, string) {
	t.Helper()
	dir := t.TempDir()
	if !scripts {
		const never = `{"profile":{"default_content_setting_values":{"javascript":2}}}`
		if err := os.MkdirAll(filepath.Join(dir, "Default"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "Default", "Preferences"), []byte(never), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b, err := browser.Start(ctx, dir)
	if errors.Is(err, browser.ErrNone) && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, dir
}

// devtools watches one tab: what its console says and what its WebSockets do. It also types.
type devtools struct {
	t       *testing.T
	conn    *websocket.Conn
	session string

	mu       sync.Mutex
	lastID   int
	waiting  map[int]chan json.RawMessage
	problems []string // errors in the console
	received int      // frames of WebSockets
	open     map[string]bool
}

// watch attaches to the tab that shows the address, in the browser whose folder this is.
func watch(t *testing.T, dir, address string) *devtools {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "DevToolsActivePort"))
	lines := strings.Fields(string(data))
	if err != nil || len(lines) != 2 {
		t.Fatalf("the browser does not say where it listens: %q, %v", data, err)
	}
	conn, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:"+lines[0]+lines[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(256 << 20)
	d := &devtools{t: t, conn: conn, waiting: map[int]chan json.RawMessage{}, open: map[string]bool{}}
	done := make(chan struct{})
	go func() { defer close(done); d.read() }()
	t.Cleanup(func() { _ = conn.CloseNow(); <-done })
	var target string
	eventually(t, "the tab is open", func() bool {
		var found struct {
			TargetInfos []struct{ TargetID, URL string }
		}
		d.call("Target.getTargets", nil, &found)
		for _, info := range found.TargetInfos {
			if info.URL == address {
				target = info.TargetID
			}
		}
		return target != ""
	})
	var attached struct{ SessionID string }
	d.call("Target.attachToTarget", map[string]any{"targetId": target, "flatten": true}, &attached)
	d.session = attached.SessionID
	for _, method := range []string{"Network.enable", "Log.enable", "Runtime.enable"} {
		d.call(method, nil, nil)
	}
	return d
}

func (d *devtools) read() {
	for {
		_, data, err := d.conn.Read(context.Background())
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Method string
			Params struct {
				RequestID string
				Entry     struct{ Source, Level, Text, URL string }
				Type      string
				Args      []struct{ Value any }
			}
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if json.Unmarshal(data, &m) != nil {
			continue
		}
		d.mu.Lock()
		switch m.Method {
		case "Log.entryAdded":
			if e := m.Params.Entry; e.Level == "error" {
				d.problems = append(d.problems, fmt.Sprintf("%s: %s %s", e.Source, e.Text, e.URL))
			}
		case "Runtime.consoleAPICalled":
			if m.Params.Type == "error" {
				d.problems = append(d.problems, fmt.Sprintf("console: %v", m.Params.Args))
			}
		case "Network.webSocketCreated":
			d.open[m.Params.RequestID] = true
		case "Network.webSocketClosed":
			delete(d.open, m.Params.RequestID)
		case "Network.webSocketFrameReceived":
			d.received++
		}
		wait := d.waiting[m.ID]
		delete(d.waiting, m.ID)
		d.mu.Unlock()
		if wait != nil && m.Error != nil {
			close(wait)
		} else if wait != nil {
			wait <- m.Result
		}
	}
}

func (d *devtools) call(method string, params map[string]any, result any) {
	d.t.Helper()
	wait := make(chan json.RawMessage, 1)
	d.mu.Lock()
	d.lastID++
	id := d.lastID
	d.waiting[id] = wait
	d.mu.Unlock()
	request := map[string]any{"id": id, "method": method, "params": params}
	if d.session != "" {
		request["sessionId"] = d.session
	}
	data, err := json.Marshal(request)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.conn.Write(d.t.Context(), websocket.MessageText, data); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-time.After(patience):
		d.t.Fatalf("%s: no answer", method)
	case answer, ok := <-wait:
		if !ok {
			d.t.Fatalf("%s: refused", method)
		}
		if result != nil {
			if err := json.Unmarshal(answer, result); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

// press types keys that have a name, such as Tab and Enter.
func (d *devtools) press(key string) {
	d.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "ArrowRight": 39}
	event := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		event["text"] = "\r"
	}
	d.call("Input.dispatchKeyEvent", event, nil)
	d.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

// types types text into what has the focus.
func (d *devtools) types(text string) {
	d.t.Helper()
	d.call("Input.insertText", map[string]any{"text": text}, nil)
}

// errors are what the console complained about, less what holds one of the words.
func (d *devtools) errors(but ...string) (problems []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
next:
	for _, problem := range d.problems {
		for _, word := range but {
			if strings.Contains(problem, word) {
				continue next
			}
		}
		problems = append(problems, problem)
	}
	return problems
}

// forget drops the WebSockets of the page that is about to be left: nothing tells of their end.
func (d *devtools) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.open)
}

// frames counts what WebSockets have brought; sockets are how many are open.
func (d *devtools) frames() (received, sockets int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.received, len(d.open)
}
