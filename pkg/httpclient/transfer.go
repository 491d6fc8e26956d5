package httpclient

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrIdle is the cause of a context that an Idle timer ended.
var ErrIdle = errors.New("no progress")

// Idle ends a context once nothing has happened for a while. It is safe for concurrent use.
type Idle struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// WithIdle returns a context that ends with ErrIdle as its cause when Extend is not called for the limit. Stop releases it.
func WithIdle(ctx context.Context, limit time.Duration) (context.Context, *Idle) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &Idle{limit: limit, cancel: cancel, timer: time.AfterFunc(limit, func() { cancel(ErrIdle) })}
}

// Extend starts the time anew, with so many times the limit.
func (i *Idle) Extend(times time.Duration) { i.timer.Reset(times * i.limit) }

// Stop ends the context.
func (i *Idle) Stop() {
	i.timer.Stop()
	i.cancel(nil)
}

// ErrTooLarge is returned by Copy for a body that is longer than allowed.
var ErrTooLarge = errors.New("body that is too large")

// WriteError is a failure to keep what was downloaded.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }
func (e *WriteError) Unwrap() error { return e.Err }

// Copy writes body to w and extends idle with each arrival of bytes; n is what was written. Where there are more than limit
// bytes it stops soon after them with ErrTooLarge. An error of w is a *WriteError, any other is the body's.
func Copy(w io.Writer, body io.Reader, limit int64, idle *Idle) (n int64, err error) {
	n, err = io.Copy(writer{w}, io.LimitReader(NewReader(body, idle), limit+1))
	var failed *WriteError
	if n > limit && !errors.As(err, &failed) {
		err = ErrTooLarge
	}
	return n, err
}

// NewReader returns a body whose bytes extend idle.
func NewReader(body io.Reader, idle *Idle) io.Reader { return reader{body, idle} }

type reader struct {
	io.Reader
	idle *Idle
}

func (r reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.idle.Extend(1)
	}
	return n, err
}

// writer tells its errors from those of the body.
type writer struct{ io.Writer }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = &WriteError{err}
	}
	return n, err
}
