package cloudapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Download writes the archive that a project was last deployed from, a zip, to w. More than Options.MaxDownload bytes
// are ErrTooLarge. A request is repeated only until the first byte was written; what w holds after an error is
// incomplete. An error of w is returned wrapped.
func (c *Client) Download(ctx context.Context, projectID string, w io.Writer) error {
	s, err := segment("project id", projectID)
	if err != nil {
		return err
	}
	q := call{method: http.MethodGet, path: "/jobs/" + s + "/files", repeat: always, slow: true}
	q.use = func(resp *http.Response, watch *watch) error { return c.save(q, resp, watch, w) }
	return c.do(ctx, q, nil)
}

func (c *Client) save(q call, resp *http.Response, watch *watch, w io.Writer) error {
	e := &Error{Status: resp.StatusCode, kind: ErrBadReply}
	out := &sink{w: w}
	in := &source{r: resp.Body, watch: watch}
	var err error
	if isWebPage(resp.Header, nil) {
		e.webPage, e.msg = true, "the platform answered with a web page instead of an archive"
	} else {
		_, err = io.Copy(out, io.LimitReader(in, c.o.MaxDownload+1))
	}
	switch {
	case e.webPage:
	case out.err != nil:
		return fmt.Errorf("write the archive: %w", out.err)
	case out.n > c.o.MaxDownload:
		e.kind, e.msg = ErrTooLarge, fmt.Sprintf("the archive is larger than %d MB", c.o.MaxDownload/1e6)
	case err != nil:
		e.interrupt("the download", err)
		e.lost = e.lost && out.n == 0 // what w has been given cannot be taken back
	case out.n == 0:
		e.msg = "the platform answered with an empty archive"
	default:
		return nil
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}

// source is a body whose bytes count as progress.
type source struct {
	r     io.Reader
	watch *watch
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 {
		s.watch.extend(1)
	}
	return n, err
}

// sink counts what was written and remembers whose error it was.
type sink struct {
	w   io.Writer
	n   int64
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	s.err = err
	return n, err
}
