package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// smallBody is the size in bytes up to which a body is sent along with the header, in one system call.
const smallBody = 16 << 10

// request is the header of a request, and its body if that is small, as they go over the wire.
type request struct {
	buf        *[]byte
	lender     buffers // of buf
	wire       []byte
	sending    sending
	transfer   transfer
	upgrade    bool
	body       *idleTimeoutReader // nil without one
	stream     bool               // the body follows
	repeatable bool               // may be sent again when a connection turns out to be dead
}

// release gives the buffer back.
func (q *request) release() { q.lender.put(q.buf) }

// unread reports that the client's body has not been read to its end. The bytes that come next over that connection
// belong to it, even if they look like a request.
func (q *request) unread() bool { return q.body != nil && !q.body.whole.Load() }

// newRequest puts the request into wire form, and reads its body if that is small.
func (d *Direct) newRequest(w http.ResponseWriter, r *http.Request, to Target) (*request, error) {
	q := &request{lender: d.small, upgrade: isUpgrade(r)}
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		q.lender = d.large
		q.body = &idleTimeoutReader{body: r.Body, control: http.NewResponseController(w), now: d.pool.now}
	}
	q.buf = q.lender.get()
	var err error
	if q.wire, err = requestHeader((*q.buf)[:0], r, to, q.upgrade); err != nil {
		q.release()
		return nil, err
	}
	switch {
	case q.body == nil:
		q.repeatable = isIdempotent(r.Method)
	case 0 < r.ContentLength && r.ContentLength <= smallBody:
		start := len(q.wire)
		q.wire = append(q.wire, make([]byte, r.ContentLength)...)
		if _, err := io.ReadFull(q.body, q.wire[start:]); err != nil {
			q.release()
			return nil, fmt.Errorf("%w: %w", ErrBody, err)
		}
		q.repeatable = isIdempotent(r.Method)
	default:
		q.stream = true
	}
	return q, nil
}

// restoreBody gives r its body back where that was read and has not been sent, so that r can go elsewhere.
func (q *request) restoreBody(r *http.Request) {
	if q.body != nil && !q.stream {
		r.Body = &restored{bytes.Clone(q.wire[len(q.wire)-int(r.ContentLength):])}
	}
}

// restored is a body that has been read before. Its end comes with its last bytes, as in a body of net/http.
type restored struct{ rest []byte }

func (b *restored) Read(p []byte) (int, error) {
	n := copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) == 0 {
		return n, io.EOF
	}
	return n, nil
}

func (*restored) Close() error { return nil }

func isUpgrade(r *http.Request) bool {
	up, ok := r.Header["Upgrade"]
	return ok && len(up) == 1 && r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ContentLength == 0
}

// isIdempotent is RFC 9110, section 9.2.2.
func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// requestHeader appends the request line and the headers to b.
func requestHeader(b []byte, r *http.Request, to Target, upgrade bool) ([]byte, error) {
	w := requestWriter{buf: b}
	host := r.Host
	if host == "" {
		host = to.Address
	}
	w.line(r.Method, r.RequestURI, host)
	for name, values := range r.Header {
		if isConnectionHeader(name) {
			continue
		}
		for _, value := range values {
			w.field(name, value)
		}
	}
	switch {
	case upgrade:
		w.upgrade(r.Header["Upgrade"][0])
	case r.ContentLength != 0 || mayHaveBody(r.Method):
		w.body(r.ContentLength)
	}
	return w.end()
}

func mayHaveBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// sending is a body on its way.
type sending struct {
	done   chan struct{} // nil where everything has been sent
	ok     atomic.Bool
	broken atomic.Pointer[error] // why the client's body cannot be read to its end
	body   *idleTimeoutReader
}

// send writes the header, and starts writing a body that is not small. Where there is none, what the app says first
// may be in c's buffer already. The errors are errStaleConn and errUnsolicitedData.
func (q *request) send(r *http.Request, c *conn) (*sending, error) {
	if !q.stream && c.socket != nil {
		if err := c.ask(q.wire); err != nil {
			return nil, err
		}
	} else if _, err := c.Write(q.wire); err != nil {
		return nil, stale(err)
	}
	q.sending = sending{}
	s := &q.sending
	if !q.stream {
		s.ok.Store(true)
		return s, nil
	}
	s.done, s.body = make(chan struct{}), q.body
	go func() {
		defer close(s.done)
		var err error
		if r.ContentLength > 0 {
			err = copyExactly(c, q.body, (*q.buf)[:cap(*q.buf)], r.ContentLength)
		} else {
			err = copyChunked(c, q.body, (*q.buf)[:cap(*q.buf)])
		}
		if err != nil && !errors.Is(err, errWrite) {
			err = fmt.Errorf("%w: %w", ErrBody, err)
			s.broken.Store(&err)
			c.close() // the client has broken off: the app must not take the part for the whole
			return
		}
		s.ok.Store(err == nil)
	}()
	return s, nil
}

func (s *sending) unfinished() bool {
	if s.done == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// stop ends sending over c, since the app has answered, and reports whether everything had been sent.
func (s *sending) stop(w http.ResponseWriter, c *conn) bool {
	if s.done == nil {
		return true
	}
	unfinished := s.unfinished()
	if unfinished {
		c.close() // ends a write to the app
	}
	if !s.body.whole.Load() {
		s.body.stopped.Store(true)
		// The only way to end a read of the client's body, and to keep the server from reading on. The client's
		// connection is not used again.
		control, past := http.NewResponseController(w), time.Unix(1, 0)
		_ = control.SetReadDeadline(past)
		<-s.done
		_ = control.SetReadDeadline(past) // the last read may have lifted it
	}
	<-s.done
	return !unfinished && s.ok.Load()
}

// bodyPause is how long a client may send nothing of a body that is not at its end.
const bodyPause = time.Minute

// idleTimeoutReader reads a body and gives up when nothing of it comes for bodyPause.
type idleTimeoutReader struct {
	body    io.Reader
	control *http.ResponseController
	now     func() time.Time
	stopped atomic.Bool // nobody wants the rest
	whole   atomic.Bool // the end has been read
}

func (p *idleTimeoutReader) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(p.now().Add(bodyPause)) // a writer without deadlines has nobody slow behind it
	if p.stopped.Load() {                                 // that may have lifted the deadline by which it was stopped
		return 0, os.ErrDeadlineExceeded
	}
	n, err := p.body.Read(b)
	if errors.Is(err, io.EOF) {
		p.whole.Store(true)
	}
	if err == nil || errors.Is(err, io.EOF) {
		_ = p.control.SetReadDeadline(time.Time{}) // else the server would soon take the client for gone
	}
	return n, err
}

// errWrite marks that the app takes no more; its response says why.
var errWrite = errors.New("app takes no more")

func copyExactly(dst io.Writer, src io.Reader, buf []byte, n int64) error {
	for n > 0 {
		m, err := src.Read(buf[:min(int64(len(buf)), n)])
		n -= int64(m)
		if m > 0 {
			if _, werr := dst.Write(buf[:m]); werr != nil {
				return fmt.Errorf("%w: %w", errWrite, werr)
			}
		}
		if err != nil && n > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

func copyChunked(dst io.Writer, src io.Reader, buf []byte) error {
	// The size in front and the line break behind each chunk share the buffer, so that it is one write.
	const front, back = 10, 2
	for {
		n, err := src.Read(buf[front : len(buf)-back])
		if n > 0 {
			var size [front]byte
			line := append(strconv.AppendInt(size[:0], int64(n), 16), '\r', '\n')
			from := front - len(line)
			copy(buf[from:], line)
			copy(buf[front+n:], "\r\n")
			if _, werr := dst.Write(buf[from : front+n+back]); werr != nil {
				return fmt.Errorf("%w: %w", errWrite, werr)
			}
		}
		if errors.Is(err, io.EOF) {
			if _, werr := io.WriteString(dst, "0\r\n\r\n"); werr != nil {
				return fmt.Errorf("%w: %w", errWrite, werr)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}
