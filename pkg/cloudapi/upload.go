package cloudapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// uploadKey is the context key under which a try of an upload travels to the hook that gives it its body: resty
// itself would read the whole body into memory.
type uploadKey struct{}

// upload is the body of a deployment for all its tries.
type upload struct {
	archive       Archive
	before, after []byte
	contentType   string
	report        func(sent, total int64)

	watch *watch // of this try
	again bool   // this is not the first try

	shared *turn
}

// turn makes sure that only the newest body of an upload reports its progress.
type turn struct {
	sync.Mutex
	body *body
}

func newUpload(r DeployRequest) *upload {
	u := &upload{archive: r.Archive, report: r.Progress, shared: &turn{}}
	u.before, u.after, u.contentType = r.form()
	return u
}

// try returns the upload for one try, which w watches.
func (u *upload) try(w *watch) *upload {
	u.shared.Lock()
	defer u.shared.Unlock()
	t := *u
	t.watch, t.again = w, u.shared.body != nil
	return &t
}

// finish ends all reports.
func (u *upload) finish() {
	u.shared.Lock()
	defer u.shared.Unlock()
	u.shared.body = nil
}

// attach makes the upload the body of r.
func (u *upload) attach(r *http.Request) error {
	first, err := u.open()
	if err != nil {
		return err
	}
	r.Body, r.GetBody = first, u.open
	r.ContentLength = int64(len(u.before)) + u.archive.Size() + int64(len(u.after))
	if u.again {
		// A server that refuses an upload before it has read it breaks the connection, and its answer can get lost.
		// Asking first costs a round trip, so only a further try does.
		r.Header.Set("Expect", "100-continue")
	}
	return nil
}

func (u *upload) open() (io.ReadCloser, error) {
	file, err := u.archive.Open()
	if err != nil {
		return nil, &archiveError{err}
	}
	b := &body{upload: u, file: file, left: u.archive.Size()}
	b.all = io.MultiReader(bytes.NewReader(u.before), archiveReader{b}, bytes.NewReader(u.after))
	u.shared.Lock()
	defer u.shared.Unlock()
	u.shared.body = b
	return b, nil
}

// body is one pass over the multipart body.
type body struct {
	upload *upload
	file   io.ReadCloser
	left   int64 // bytes of the archive still to send
	all    io.Reader
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.all.Read(p)
	if err == io.EOF {
		b.upload.watch.extend(drain)
	} else {
		b.upload.watch.extend(1) // being asked for more means that the network took what it had
	}
	return n, err
}

func (b *body) Close() error { return b.file.Close() }

// archiveReader is the part of a body that comes from the file. It must be exactly as long as announced: a
// Content-Length that does not hold would be reported as a broken connection, and repeated.
type archiveReader struct{ *body }

func (r archiveReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.file.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	r.tell()
	switch {
	case err == io.EOF && r.left > 0:
		return n, &archiveError{errors.New("it is shorter than before")}
	case err == io.EOF || r.left == 0:
		return n, io.EOF
	case err != nil:
		return n, &archiveError{err}
	}
	return n, nil
}

// archiveError is a failure of this machine, which no further try cures.
type archiveError struct{ err error }

func (e *archiveError) Error() string { return "the archive cannot be read: " + e.err.Error() }
func (e *archiveError) Unwrap() error { return e.err }

func (b *body) tell() {
	u := b.upload
	if u.report == nil {
		return
	}
	u.shared.Lock()
	defer u.shared.Unlock()
	if u.shared.body == b {
		u.report(u.archive.Size()-b.left, u.archive.Size())
	}
}
