package cloudapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/controls"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// typeEvents is the content type of server-sent events.
const typeEvents = "text/event-stream"

// maxLine is the longest line of an event stream, in bytes.
const maxLine = 1 << 20

// LogLine is one line of a log.
type LogLine struct {
	Position string // for LogQuery.After
	Text     string // without the line break
}

// LogLines calls each for every line of a project's log, oldest first. With q.Follow it does so until ctx ends or the
// connection is lost; the error is then that of a failed request, and the caller goes on with q.After set to the
// position of the last line. An error of each ends it and is returned as it is.
func (c *Client) LogLines(ctx context.Context, projectID string, q LogQuery, each func(LogLine) error) error {
	path, err := ownPath(projectID, "/logs")
	if err != nil {
		return err
	}
	r := call{method: http.MethodGet, path: path, query: q.values(), header: map[string]string{"Accept": typeEvents}, repeat: careful}
	if q.After != "" {
		r.header["Last-Event-ID"] = q.After
	}
	var stopped error // what each returned
	err = c.repeat(ctx, r, func() error {
		return c.stream(ctx, r, func(line LogLine) error {
			stopped = each(line)
			return stopped
		})
	})
	if stopped != nil {
		return stopped
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrBadReply) {
		if _, infoErr := c.info(ctx); errors.Is(infoErr, ErrUnsupported) {
			return infoErr
		}
	}
	return err
}

func (c *Client) stream(ctx context.Context, q call, each func(LogLine) error) error {
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
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != typeEvents {
		e := &Error{Status: resp.StatusCode, kind: ErrBadReply}
		e.msg = c.clean("the platform answered with something that is not a stream of events" + e.where(q))
		return e
	}
	err = readEvents(httpclient.NewReader(resp.Body, t.idle), each)
	if err == nil {
		return nil
	}
	e := &Error{Status: resp.StatusCode, kind: ErrNetwork}
	if errors.Is(err, bufio.ErrTooLong) {
		e.kind, e.msg = ErrTooLarge, "a line of the log is too long"
	} else {
		e.interrupt("the log", err)
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}

// readEvents reads server-sent events (HTML standard, section 9.2). Only id and data matter here; an event without data
// is none, and comments keep the connection alive.
func readEvents(r io.Reader, each func(LogLine) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var event LogLine
	var data []string
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" {
			if data != nil {
				event.Text = controls.Strip(strings.Join(data, "\n"))
				if err := each(event); err != nil {
					return err
				}
			}
			data = nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			event.Position = value
		case "data":
			data = append(data, value)
		}
	}
	return lines.Err()
}
