package browser

import (
	"fmt"
	"net/url"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// seen is what a tab has told about its page.
type seen struct {
	mu       sync.Mutex
	requests []string // URLs
	thrown   []string
	problems []string                     // errors in the console
	received int                          // frames of WebSockets
	sockets  map[network.RequestID]string // URLs of WebSockets that are open
}

func (s *seen) event(e any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		s.requests = append(s.requests, e.Request.URL)
	case *network.EventWebSocketCreated:
		s.requests = append(s.requests, e.URL)
		if s.sockets == nil {
			s.sockets = map[network.RequestID]string{}
		}
		s.sockets[e.RequestID] = e.URL
	case *network.EventWebSocketClosed:
		delete(s.sockets, e.RequestID)
	case *network.EventWebSocketFrameReceived:
		s.received++
	case *runtime.EventExceptionThrown:
		s.thrown = append(s.thrown, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			s.problems = append(s.problems, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			text := "console:"
			for _, a := range e.Args {
				text += " " + string(a.Value)
			}
			s.problems = append(s.problems, text)
		}
	}
}

// leave forgets the WebSockets of a page that is left: nothing tells of their end.
func (s *seen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sockets)
}

// Outside returns the URLs that the page asked another machine for.
func (p *Page) Outside() []string {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.seen.requests), func(request string) bool {
		u, err := url.Parse(request)
		return err == nil && (u.Host == "" || u.Hostname() == "127.0.0.1")
	})
}

// Thrown returns the exceptions that the page's scripts did not catch.
func (p *Page) Thrown() []string {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	return slices.Clone(p.seen.thrown)
}

// Problems returns the errors in the console.
func (p *Page) Problems() []string {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	return slices.Clone(p.seen.problems)
}

// WebSockets returns how many frames have been received, and how many connections of the present page are open.
func (p *Page) WebSockets() (received, open int) {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	return p.seen.received, len(p.seen.sockets)
}
