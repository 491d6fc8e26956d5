package authproxy

import (
	"io"
	"net/http"
)

// observe answers the request and tells the Observer about it.
func (x *request) observe(w http.ResponseWriter, r *http.Request) {
	x.writer = statusWriter{ResponseWriter: w, status: http.StatusOK}
	if _, ok := w.(io.ReaderFrom); ok {
		x.proxy.first(splicingWriter{&x.writer}, r, x)
	} else {
		x.proxy.first(&x.writer, r, x)
	}
	x.proxy.observer.Request(x.writer.status, x.proxy.now().Sub(x.Now))
	x.writer.ResponseWriter = nil
}

// statusWriter remembers the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	if status >= http.StatusOK { // interim responses come first
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Flush is what a stream needs.
func (s *statusWriter) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// splicingWriter is a statusWriter over a connection to which the kernel can move bytes by itself.
type splicingWriter struct{ *statusWriter }

var _ io.ReaderFrom = splicingWriter{}

func (s splicingWriter) ReadFrom(r io.Reader) (int64, error) {
	return s.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}
