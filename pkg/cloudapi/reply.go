package cloudapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/go-resty/resty/v2"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// reply is what a call got.
type reply struct {
	status int
	header http.Header
	body   []byte // nil where err is set
	err    error  // why the body could not be read to its end
}

// read reads the body of a response, of at most limit bytes.
func read(resp *http.Response, limit int) reply {
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err == nil && len(body) > limit {
		err = resty.ErrResponseBodyTooLarge
	}
	if err != nil {
		body = nil
	}
	return reply{resp.StatusCode, resp.Header, body, err}
}

// decode reads a reply into out. A nil out accepts any JSON, and nothing where the status announces nothing. (SetResult of
// resty would take a web page, an empty body or null for an object without fields.)
func (c *Client) decode(q call, r reply, out any) error {
	if r.status < 200 || r.status > 299 {
		return c.refused(q, r)
	}
	r.body = neutral(r.body)
	e := &Error{Status: r.status, kind: ErrBadReply}
	text := bytes.TrimSpace(r.body)
	switch {
	case out == nil && r.status == http.StatusNoContent:
		return nil
	case errors.Is(r.err, resty.ErrResponseBodyTooLarge):
		e.kind, e.msg = ErrTooLarge, fmt.Sprintf("the platform's reply is larger than %d MB", q.maxReply()/1e6)
	case r.err != nil:
		e.interrupt("the platform's reply", r.err)
	case httpclient.IsWebPage(r.header, r.body):
		e.webPage, e.msg = true, "the platform answered with a web page instead of JSON"
	case len(text) == 0:
		e.garbled, e.msg = true, "the platform answered with nothing where JSON was due"
	case !json.Valid(text):
		e.garbled, e.msg = true, "the platform answered with something that is not JSON"
	case out == nil:
		return nil
	case text[0] != '{':
		e.msg = "the platform answered with something that is not a JSON object"
	default:
		err := json.Unmarshal(text, out)
		if err == nil {
			return nil
		}
		e.msg = "the platform's reply has another form than expected: " + mismatch(err)
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}

// refused describes a reply that is not 2xx.
func (c *Client) refused(q call, r reply) error {
	e := &Error{Status: r.status}
	e.wait, e.hasWait = httpclient.RetryAfter(r.header)
	switch {
	case e.Status == http.StatusInternalServerError:
		e.msg = "the platform failed; try again later" // what it says then is for its operators
		e.webPage = httpclient.IsWebPage(r.header, r.body)
	case e.Status < 400:
		e.kind, e.msg = ErrBadReply, "the platform answered with a redirect that is not followed"
		if to, err := url.Parse(r.header.Get("Location")); err == nil && to.Host != "" {
			e.msg += ", to " + to.Host
		}
	default:
		c.explain(r, e)
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}

// explain fills in the message of an error reply from its body. The status stays the main thing: a body that could not
// be read takes nothing away from it.
func (c *Client) explain(r reply, e *Error) {
	if httpclient.IsWebPage(r.header, r.body) {
		e.webPage, e.kind = true, ErrBadReply
		e.msg = "the platform answered with a web page instead of JSON"
		if e.Status == http.StatusRequestEntityTooLarge {
			e.msg = "the request is too large"
		}
		return
	}
	e.Detail = httpclient.OneLine(c.clean(detail(neutral(r.body))), maxDetail)
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
