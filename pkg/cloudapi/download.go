package cloudapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// Download writes the archive that a project was last deployed from, a zip, to w. More than Options.MaxDownload bytes
// are ErrTooLarge. A request is repeated only until the first byte was written; what w holds after an error is
// incomplete. An error of w is returned wrapped.
func (c *Client) Download(ctx context.Context, projectID string, w io.Writer) error {
	s, err := segment("project id", projectID)
	if err != nil {
		return err
	}
	q := call{method: http.MethodGet, path: "/jobs/" + s + "/files", repeat: always}
	return c.repeat(ctx, q, func() error {
		t := newTry(ctx, c.o.IdleTimeout)
		defer t.idle.Stop()
		r, err := c.request(t, q, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := c.send(t, q, r)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return c.refused(q, read(resp, maxReply))
		}
		return c.save(t, q, resp, w)
	})
}

func (c *Client) save(t *try, q call, resp *http.Response, w io.Writer) error {
	e := &Error{Status: resp.StatusCode, kind: ErrBadReply}
	if httpclient.IsWebPage(resp.Header, nil) {
		e.webPage, e.msg = true, "the platform answered with a web page instead of an archive"
		e.msg = c.clean(e.msg + e.where(q))
		return e
	}
	n, err := httpclient.Copy(w, resp.Body, c.o.MaxDownload, t.idle)
	var unwritten *httpclient.WriteError
	switch {
	case errors.As(err, &unwritten):
		return fmt.Errorf("write the archive: %w", unwritten.Err)
	case errors.Is(err, httpclient.ErrTooLarge):
		e.kind, e.msg = ErrTooLarge, fmt.Sprintf("the archive is larger than %d MB", c.o.MaxDownload/1e6)
	case err != nil:
		e.interrupt("the download", err)
		e.lost = e.lost && n == 0 // what w has been given cannot be taken back
	case n == 0:
		e.msg = "the platform answered with an empty archive"
	default:
		return nil
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}
