package cloudapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// decode reads a 2xx reply into out. A nil out accepts any JSON, and nothing where the status announces nothing.
func (c *Client) decode(q call, resp *http.Response, out any) error {
	if out == nil && resp.StatusCode == http.StatusNoContent {
		return nil
	}
	e := &Error{Status: resp.StatusCode, kind: ErrBadReply}
	data, err := c.read(q, resp, e)
	if err != nil {
		return err
	}
	switch {
	case isWebPage(resp.Header, data):
		e.webPage, e.msg = true, "the platform answered with a web page instead of JSON"
	case len(bytes.TrimSpace(data)) == 0:
		e.garbled, e.msg = true, "the platform answered with nothing where JSON was due"
	case !json.Valid(data):
		e.garbled, e.msg = true, "the platform answered with something that is not JSON"
	case out == nil:
		return nil
	case bytes.TrimSpace(data)[0] != '{':
		e.msg = "the platform answered with something that is not a JSON object"
	default:
		err := json.Unmarshal(data, out)
		if err == nil {
			return nil
		}
		e.msg = "the platform's reply has another form than expected: " + mismatch(err)
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}

// read returns the whole body, or an error based on e when it is too large or breaks off.
func (c *Client) read(q call, resp *http.Response, e *Error) ([]byte, error) {
	limit := q.limit
	if limit == 0 {
		limit = maxReply
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case int64(len(data)) > limit:
		e.kind = ErrTooLarge
		e.msg = c.clean(fmt.Sprintf("the platform's reply is larger than %d MB%s", limit/1e6, e.where(q)))
		return nil, e
	case err != nil:
		e.interrupt("the platform's reply", err)
		e.msg = c.clean(e.msg + e.where(q))
		return nil, e
	}
	return data, nil
}

// refused describes a reply that is not 2xx.
func (c *Client) refused(q call, resp *http.Response) error {
	e := &Error{Status: resp.StatusCode}
	e.wait, e.hasWait = retryAfter(resp.Header)
	switch {
	case e.Status == http.StatusInternalServerError:
		e.msg = "the platform failed; try again later" // what it says then is for its operators
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
		e.webPage = isWebPage(resp.Header, data)
	case e.Status < 400:
		e.kind, e.msg = ErrBadReply, "the platform answered with a redirect that is not followed"
		if to, err := url.Parse(resp.Header.Get("Location")); err == nil && to.Host != "" {
			e.msg += ", to " + to.Host
		}
	default:
		c.explain(q, resp, e)
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}

// explain fills in the message of an error reply from its body. The status stays the main thing: a body that cannot
// be read takes nothing away from it.
func (c *Client) explain(q call, resp *http.Response, e *Error) {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if isWebPage(resp.Header, data) {
		e.webPage, e.kind = true, ErrBadReply
		e.msg = "the platform answered with a web page instead of JSON"
		if e.Status == http.StatusRequestEntityTooLarge {
			e.msg = "the request is too large"
		}
		return
	}
	e.Detail = oneLine(c.clean(detail(data)), maxDetail)
	switch {
	case e.Status == http.StatusUnauthorized:
		e.msg = "the platform refused the API key"
	case e.Status == http.StatusForbidden:
		e.msg = "the platform does not allow this"
	case e.Status == http.StatusNotFound:
		e.msg = "the platform does not know what was asked for"
	case e.Status == http.StatusRequestEntityTooLarge:
		e.msg = "the request is too large"
	case e.Status == http.StatusTooManyRequests:
		e.msg = "the platform asks for fewer requests"
	case e.Status >= 500:
		e.msg = "the platform is not available"
	default:
		e.msg = "the platform refused the request"
	}
	if e.Detail != "" {
		e.msg += ": " + e.Detail
	}
}

// detail is what an error reply says: its detail where it has one, a string or any other JSON, else all of it.
func detail(data []byte) string {
	var reply struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(data, &reply) == nil && len(reply.Detail) > 0 {
		data = reply.Detail
	}
	var text string
	if json.Unmarshal(data, &text) == nil {
		return text // null too, which says nothing
	}
	var compact bytes.Buffer
	if json.Compact(&compact, data) == nil {
		return compact.String()
	}
	return string(data)
}

// mismatch says in the platform's terms which field has the wrong type.
func mismatch(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return "its field " + wrong.Field + " is a " + wrong.Value
	}
	return err.Error()
}

func isWebPage(h http.Header, data []byte) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if kind == "text/html" || kind == "application/xhtml+xml" {
		return true
	}
	start := strings.ToLower(string(bytes.TrimSpace(data[:min(len(data), 512)])))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}
