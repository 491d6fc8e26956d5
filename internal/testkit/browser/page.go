package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Page is one tab.
type Page struct {
	ctx  context.Context
	seen seen
}

// Open shows the URL in a new tab with no cookies and returns at once; wait for what should be seen.
func (b *Browser) Open(ctx context.Context, url string) (*Page, error) {
	p := &Page{}
	p.ctx, _ = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.seen.event))
	if err := chromedp.Do(p.ctx); err != nil { // makes the tab
		return nil, err
	}
	tab, cancel := p.until(ctx)
	defer cancel()
	if _, err := chromedp.Call(tab, network.Enable, network.EnableParams{}); err != nil {
		return nil, err
	}
	return p, p.GoTo(ctx, url)
}

// GoTo shows another URL in the tab and returns at once.
func (p *Page) GoTo(ctx context.Context, url string) error {
	p.seen.leave()
	tab, cancel := p.until(ctx)
	defer cancel()
	_, err := chromedp.Call(tab, page.Navigate, page.NavigateParams{URL: url})
	return err
}

// until is the tab's context until ctx ends.
func (p *Page) until(ctx context.Context) (context.Context, context.CancelFunc) {
	tab, cancel := context.WithCancelCause(p.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	return tab, func() { stop(); cancel(nil) }
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
	tab, cancel := p.until(ctx)
	defer cancel()
	value, err := chromedp.Run(tab, chromedp.Evaluate[[]byte]("(async () => {"+deep+"return ("+expression+")})()",
		chromedp.EvalAwaitPromise, asUser))
	if err != nil || result == nil || len(value) == 0 {
		return err
	}
	return json.Unmarshal(value, result)
}

// asUser lets the expression do what a page may do only after a click.
func asUser(p *runtime.EvaluateParams) { p.UserGesture = new(true) }

// WaitFor returns when the expression is true. The error says what the page shows instead.
func (p *Page) WaitFor(ctx context.Context, expression string) error {
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for {
		var ok bool
		err := p.Eval(ctx, "!!("+expression+")", &ok)
		if err == nil && ok {
			return nil
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			var shown string
			_ = p.Eval(late, "text()", &shown) // a help only
			return fmt.Errorf("%s is not true: %w; uncaught: %q; the page shows:\n%s", expression, errors.Join(ctx.Err(), err), p.Thrown(), shown)
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

// Press presses keys of chromedp's package kb, such as kb.Tab.
func (p *Page) Press(ctx context.Context, keys string) error {
	tab, cancel := p.until(ctx)
	defer cancel()
	return chromedp.Do(tab, chromedp.KeyEvent(keys))
}

// Type puts text into what has the focus.
func (p *Page) Type(ctx context.Context, text string) error {
	tab, cancel := p.until(ctx)
	defer cancel()
	_, err := chromedp.Call(tab, input.InsertText, input.InsertTextParams{Text: text})
	return err
}

// Element is what a screen reader tells about a part of the page.
type Element struct{ Role, Name string }

// Elements returns what a screen reader finds on the page.
func (p *Page) Elements(ctx context.Context) (found []Element, err error) {
	tab, cancel := p.until(ctx)
	defer cancel()
	tree, err := chromedp.Call(tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	text := func(v *accessibility.Value) (s string) {
		if v != nil {
			_ = json.Unmarshal(v.Value, &s) // "" where it is not a string
		}
		return s
	}
	for _, node := range tree.Nodes {
		if !node.Ignored {
			found = append(found, Element{text(node.Role), strings.TrimSpace(text(node.Name))})
		}
	}
	return found, nil
}

// Resize gives the page a window of that size, in CSS pixels, on a screen with two pixels for each.
func (p *Page) Resize(ctx context.Context, width, height int64) error {
	tab, cancel := p.until(ctx)
	defer cancel()
	return chromedp.Do(tab, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(2)))
}

// Screenshot returns the visible part as PNG.
func (p *Page) Screenshot(ctx context.Context) ([]byte, error) {
	tab, cancel := p.until(ctx)
	defer cancel()
	return chromedp.Run(tab, chromedp.CaptureScreenshot())
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}
