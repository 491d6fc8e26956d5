package login

import (
	"io"
	"mime"
	"net/http"
	"time"
)

// isForm reports whether the body of a request is a form as browsers and providers post it.
func isForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}

// readForm reads a posted form of at most so many bytes, which has to arrive in time.
func (f *Flows) readForm(w http.ResponseWriter, r *http.Request, limit int64, timeout time.Duration) bool {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(f.now().Add(timeout)) // fails only for writers without deadlines
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil { // ParseForm leaves bodies of other types unread
		return false
	}
	_ = control.SetReadDeadline(time.Time{})
	return true
}
