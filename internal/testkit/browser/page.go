package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Page is one tab.
type Page struct {
	b       *Browser
	session string

	mu       sync.Mutex
	requests []string
	thrown   []string
}

// Open shows the URL in a new tab with no cookies and returns at once; wait for what should be seen.
func (b *Browser) Open(ctx context.Context, url string) (*Page, error) {
	var made struct{ BrowserContextID, TargetID, SessionID string }
	if err := b.call(ctx, "", "Target.createBrowserContext", nil, &made); err != nil {
		return nil, err
	}
	target := map[string]any{"url": "about:blank", "browserContextId": made.BrowserContextID}
	if err := b.call(ctx, "", "Target.createTarget", target, &made); err != nil {
		return nil, err
	}
	attach := map[string]any{"targetId": made.TargetID, "flatten": true}
	if err := b.call(ctx, "", "Target.attachToTarget", attach, &made); err != nil {
		return nil, err
	}
	p := &Page{b: b, session: made.SessionID}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, method := range []string{"Network.enable", "Runtime.enable", "Page.enable"} {
		if err := b.call(ctx, p.session, method, nil, nil); err != nil {
			return nil, err
		}
	}
	return p, b.call(ctx, p.session, "Page.navigate", map[string]any{"url": url}, nil)
}

func (p *Page) event(method string, params json.RawMessage) {
	var e struct {
		Request          struct{ URL string }
		URL              string
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if json.Unmarshal(params, &e) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch method {
	case "Network.requestWillBeSent":
		p.requests = append(p.requests, e.Request.URL)
	case "Network.webSocketCreated":
		p.requests = append(p.requests, e.URL)
	case "Runtime.exceptionThrown":
		p.thrown = append(p.thrown, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	}
}

// Outside returns the URLs that the page asked another machine for.
func (p *Page) Outside() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var outside []string
	for _, request := range p.requests {
		u, err := url.Parse(request)
		if err != nil || u.Host != "" && u.Hostname() != "127.0.0.1" {
			outside = append(outside, request)
		}
	}
	return outside
}

// Thrown returns the exceptions that the page's scripts did not catch.
func (p *Page) Thrown() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.thrown...)
}

// deep are functions that look through open shadow roots, which some frameworks draw everything in.
const deep = `
const roots = function* (root) {
  yield root;
  for (const e of root.querySelectorAll('*')) if (e.shadowRoot) yield* roots(e.shadowRoot);
};
const all = (selector) => [...roots(document)].flatMap(r => [...r.querySelectorAll(selector)]);
const text = () => [...roots(document)].map(r => r === document ? document.body?.innerText ?? ''
  : [...r.children].filter(e => e.tagName !== 'STYLE').map(e => e.innerText ?? '').join('\n')).join('\n');
`

// Eval runs a JavaScript expression, waits for its promise and decodes the value; result may be nil. The
// expression may use all(selector) and text(), which also look through shadow roots.
func (p *Page) Eval(ctx context.Context, expression string, result any) error {
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	params := map[string]any{
		"expression":    "(async () => {" + deep + "return (" + expression + ")})()",
		"returnByValue": true, "awaitPromise": true, "userGesture": true,
	}
	if err := p.b.call(ctx, p.session, "Runtime.evaluate", params, &out); err != nil {
		return err
	}
	if out.ExceptionDetails != nil {
		return errors.New(out.ExceptionDetails.Exception.Description)
	}
	if result == nil || out.Result.Value == nil {
		return nil
	}
	return json.Unmarshal(out.Result.Value, result)
}

// WaitFor returns when the expression is true. The error says what the page shows instead.
func (p *Page) WaitFor(ctx context.Context, expression string) error {
	for {
		var ok bool
		err := p.Eval(ctx, "!!("+expression+")", &ok)
		if err == nil && ok {
			return nil
		}
		if waitErr := sleep(ctx, 200*time.Millisecond); waitErr != nil {
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			var shown string
			_ = p.Eval(late, "text()", &shown) // a help only
			return fmt.Errorf("%s is not true: %w; uncaught: %q; the page shows:\n%s", expression, errors.Join(waitErr, err), p.Thrown(), shown)
		}
	}
}

// WaitForText returns when the page shows the words.
func (p *Page) WaitForText(ctx context.Context, words string) error {
	return p.WaitFor(ctx, "text().includes("+quote(words)+")")
}

// Click clicks the first link or button with exactly these words, as soon as there is one: a page may draw it anew at
// any time.
func (p *Page) Click(ctx context.Context, words string) error {
	find := "all('a, button').find(e => e.innerText.trim().toLowerCase() === " + quote(strings.ToLower(words)) + ")"
	return p.WaitFor(ctx, "(found => found && (found.click(), true))("+find+")")
}

// Screenshot returns the visible part as PNG.
func (p *Page) Screenshot(ctx context.Context) ([]byte, error) {
	var out struct{ Data []byte }
	err := p.b.call(ctx, p.session, "Page.captureScreenshot", map[string]any{"format": "png"}, &out)
	return out.Data, err
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}
