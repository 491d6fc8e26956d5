package fakecloud

import (
	"net/http"
	"path"
	"strconv"
)

// A Fault is a wrong answer to requests that it fits.
type Fault struct {
	Method, Path string // the path is a pattern of path.Match; "*" stands for any method
	Times        int    // how often; 0 is for ever
	Kind         FaultKind
	Status       int
	Type         string // content type
	Body         []byte
	Header       map[string]string
}

// FaultKind says what goes wrong.
type FaultKind int

// What can go wrong.
const (
	Answer   FaultKind = iota // Status, Type and Body are answered
	Cut                       // the connection ends before the request is read
	CutLate                   // the connection ends once the request is read
	Truncate                  // Body is announced twice as long as it is
	Hang                      // no answer comes
	Stall                     // the request is not read, and no answer comes
)

// Break makes the requests that f fits go wrong, before the faults that are already there.
func (c *Cloud) Break(f Fault) {
	c.set(func() { c.faults = append([]*Fault{&f}, c.faults...) })
}

func (c *Cloud) fault(r *http.Request) *Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.faults {
		ok, err := path.Match(f.Path, r.URL.Path)
		if err != nil || !ok || f.Method != "*" && f.Method != r.Method || f.Times < 0 {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				f.Times = -1 // used up
			}
		}
		return f
	}
	return nil
}

// unread tells faults that come before the request is read.
func (f *Fault) unread() bool { return f.Kind == Cut || f.Kind == Stall }

func (f *Fault) apply(w http.ResponseWriter, r *http.Request, closed <-chan struct{}) {
	switch f.Kind {
	case Cut, CutLate:
		closeConn(w)
		return
	case Hang, Stall:
		select {
		case <-closed:
		case <-r.Context().Done():
		}
		return
	case Truncate:
		w.Header().Set("Content-Length", strconv.Itoa(2*len(f.Body)+1))
	}
	if f.Type != "" {
		w.Header().Set("Content-Type", f.Type)
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write(f.Body) // a client that disconnects is seen by what it does next
	if f.Kind == Truncate {
		w.(http.Flusher).Flush()
		closeConn(w)
	}
}

// closeConn ends the connection without a further word.
func closeConn(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // that is the point
		}
	}
}
