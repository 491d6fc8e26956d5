package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// way is where one request goes, and the WebSocket that may become of it.
type way struct {
	project *project
	asked   *asked

	// Guarded by project.mu.
	to       *deployment
	others   []*deployment // that are asked in turn if to has no such page
	tried    upstream.Target
	tries    int
	transfer upstream.Transfer // nil until it begins
	kind     kind
	dropped  bool // ended by Drop or Remove

	sent   frames       // of a WebSocket; used by the goroutine that passes them on
	lastAt atomic.Int64 // when its client sent data, in Unix nanoseconds
}

var _ authproxy.Destination = (*way)(nil)

type kind int

const (
	inFlight kind = iota // a request
	stream               // an event stream, without an end
	socket
)

// maxTries is how often a request is sent, to different deployments or addresses.
const maxTries = 4

// begin counts a request as one of d. It is called with mu held.
func (p *project) begin(d *deployment, others []*deployment, a *asked) *way {
	w := &way{project: p, asked: a, to: d, others: others}
	d.open[w] = struct{}{}
	w.use()
	return w
}

// use notes that someone uses the deployment.
func (w *way) use() {
	if w.asked.intent != byProgram {
		w.to.lastUse.Store(w.project.gateway.o.Now().UnixNano())
	}
}

// Target implements authproxy.Destination.
func (w *way) Target() upstream.Target {
	w.project.mu.Lock()
	defer w.project.mu.Unlock()
	w.tried = w.to.target
	w.tries++
	return w.tried
}

// Begin implements upstream.Hooks.
func (w *way) Begin(_ context.Context, t upstream.Transfer) {
	w.project.mu.Lock()
	defer w.project.mu.Unlock()
	w.to.open[w] = struct{}{} // again, if this is another try
	w.transfer = t
	if w.dropped {
		_ = t.Close() // never fails
	}
}

// Done implements upstream.Hooks.
func (w *way) Done() {
	w.project.mu.Lock()
	defer w.project.mu.Unlock()
	if w.kind != socket {
		w.end()
	}
}

// end forgets the request. It is called with mu held.
func (w *way) end() {
	delete(w.to.open, w)
	if w.kind == inFlight {
		w.use() // a page that took long to come may open a WebSocket next
	}
	w.project.leaving = slices.DeleteFunc(w.project.leaving, func(d *deployment) bool { return len(d.open) == 0 })
}

// Accepts implements upstream.Hooks: what one version does not have, another one may.
func (w *way) Accepts(status int) bool {
	return status != http.StatusNotFound || len(w.others) == 0
}

// ModifyResponse implements upstream.Hooks.
func (w *way) ModifyResponse(status int, h http.Header) {
	confineCookies(h)
	isHTML := strings.HasPrefix(h.Get("Content-Type"), "text/html")
	switch {
	case strings.HasPrefix(h.Get("Content-Type"), "text/event-stream"):
		// Gradio's stream of results ends with the job that a user has started, unlike one that lasts as long as its page.
		if !strings.HasSuffix(w.asked.request.URL.Path, "/queue/data") {
			w.project.mu.Lock()
			w.kind = stream
			w.project.mu.Unlock()
		}
	case !w.asked.isPage:
	case status < http.StatusMultipleChoices && isHTML, status == http.StatusNotModified: // the page is in the browser's cache
		w.project.notePage(h, w.asked.pages, w.to)
	}
}

// notePage tells the browser that it has a page of d now, unless it knows.
func (p *project) notePage(h http.Header, before pageCookie, d *deployment) {
	p.mu.Lock()
	var there []int
	for _, d := range p.all() {
		there = append(there, d.number)
	}
	number := d.number
	p.mu.Unlock()
	if after := before.with(number, there); !slices.Equal(after.numbers, before.numbers) {
		p.setPages(h, after)
	}
}

// Upgrade implements upstream.Hooks.
func (w *way) Upgrade(t upstream.Transfer) (upstream.WebSocket, bool) {
	w.project.mu.Lock()
	defer w.project.mu.Unlock()
	if w.dropped {
		return nil, false
	}
	w.kind, w.transfer = socket, t
	w.asked = &asked{pages: w.asked.pages, intent: w.asked.intent} // an idle WebSocket shall not keep its request in memory
	return w, true
}

// Sent implements upstream.WebSocket.
func (w *way) Sent(p []byte) {
	if !w.sent.next(p) {
		return
	}
	now := w.project.gateway.o.Now().UnixNano()
	w.lastAt.Store(now)
	w.to.lastUse.Store(now)
	if !w.to.ready.Load() {
		w.project.wake()
	}
}

// Closed implements upstream.WebSocket.
func (w *way) Closed() {
	w.project.mu.Lock()
	defer w.project.mu.Unlock()
	w.end()
}

// Next implements authproxy.Destination.
func (w *way) Next(err error) (again bool, answer http.Handler) {
	p := w.project
	p.mu.Lock()
	if errors.Is(err, upstream.ErrDeclined) {
		defer p.mu.Unlock()
		w.to, w.others = w.others[0], w.others[1:]
		return true, nil
	}
	dropped, tries := w.dropped, w.tries
	w.dropped, w.transfer = false, nil
	p.mu.Unlock()
	switch {
	case dropped && !isRepeatable(w.asked.request):
		return false, p.answer(replaced())
	case !dropped && errors.Is(err, upstream.ErrEnded): // with its session
		return false, nil
	case tries >= maxTries:
		return false, p.answer(unreachable())
	}
	// The deployment may have been replaced, or moved to another address, since it was chosen.
	w.asked.gone = append(w.asked.gone, w.to)
	next, answer := p.find(w.asked)
	if answer != nil {
		return false, answer
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if next.to == w.to && next.to.target == w.tried {
		next.end()
		return false, p.answer(unreachable())
	}
	delete(next.to.open, next)
	w.to, w.others = next.to, next.others
	w.to.open[w] = struct{}{}
	return true, nil
}
