package cloudapi

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// upload is the body of a deployment, which each try reads from its beginning.
type upload struct {
	archive       Archive
	before, after []byte
	contentType   string
	report        func(sent, total int64)

	mu     sync.Mutex
	newest *body // the only one that reports its progress
}

func newUpload(r DeployRequest) *upload {
	u := &upload{archive: r.Archive, report: r.Progress}
	u.before, u.after, u.contentType = r.form()
	return u
}

// size is the length of the body in bytes.
func (u *upload) size() int64 {
	return int64(len(u.before)) + u.archive.Size() + int64(len(u.after))
}

// begun tells whether there was a try.
func (u *upload) begun() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.newest != nil
}

// open starts the body anew. What is read of it extends idle.
func (u *upload) open(idle *httpclient.Idle) (io.ReadCloser, error) {
	file, err := u.archive.Open()
	if err != nil {
		return nil, &archiveError{err}
	}
	b := &body{upload: u, idle: idle, file: file, left: u.archive.Size()}
	b.all = io.MultiReader(bytes.NewReader(u.before), archiveReader{b}, bytes.NewReader(u.after))
	u.mu.Lock()
	defer u.mu.Unlock()
	u.newest = b
	return b, nil
}

// finish ends all reports.
func (u *upload) finish() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.newest = nil
}

// progress reports how much of the archive b has sent.
func (u *upload) progress(b *body) {
	if u.report == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.newest == b {
		u.report(u.archive.Size()-b.left, u.archive.Size())
	}
}

// body is one pass over the multipart body.
type body struct {
	upload *upload
	idle   *httpclient.Idle
	file   io.ReadCloser
	left   int64 // bytes of the archive still to send
	all    io.Reader
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.all.Read(p)
	if err == io.EOF {
		b.idle.Extend(drain)
	} else {
		b.idle.Extend(1) // being asked for more means that the network took what it had
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
	r.upload.progress(r.body)
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
