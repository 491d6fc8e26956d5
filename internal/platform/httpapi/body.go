package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/strictjson"
)

const maxJSON = 64 << 10 // bytes of a body that is JSON

// steadyBody is the body of a request. It fails with os.ErrDeadlineExceeded if the client stops sending or sends too slowly.
type steadyBody struct {
	body  io.Reader
	api   *API
	conn  *http.ResponseController
	began time.Time
	read  int64 // bytes
}

// steady limits the body of a request to a size and a time that depends on what has arrived.
func (a *API) steady(w http.ResponseWriter, r *http.Request, limit int64) io.Reader {
	return &steadyBody{
		body: http.MaxBytesReader(w, r.Body, limit), api: a, conn: http.NewResponseController(w), began: a.Now(),
	}
}

func (b *steadyBody) Read(p []byte) (int, error) {
	now := b.api.Now()
	deadline := b.began.Add(stall + time.Duration(b.read)*time.Second/minimumRate)
	if soon := now.Add(stall); deadline.After(soon) {
		deadline = soon
	}
	_ = b.conn.SetReadDeadline(deadline) // not all connections have deadlines
	n, err := b.body.Read(p)
	b.read += int64(n)
	if errors.Is(err, io.EOF) {
		_ = b.conn.SetReadDeadline(time.Time{}) // net/http goes on reading, to see the client disconnect
	}
	return n, err
}

// readJSON decodes the body of a request into v. Members of an object must be among names, exactly and once.
func (a *API) readJSON(w http.ResponseWriter, r *http.Request, v any, names ...string) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "The content type must be application/json")
	}
	data, err := io.ReadAll(a.steady(w, r, maxJSON))
	if err != nil {
		return readError(err)
	}
	return decodeJSON("the body", data, v, names...)
}

// decodeJSON decodes one JSON value. what names it in errors, which never contain any of it: it may be secret.
func decodeJSON(what string, data []byte, v any, names ...string) error {
	if !utf8.Valid(data) || !json.Valid(data) {
		return invalid("%s is not valid JSON", what)
	}
	if len(names) > 0 {
		members, err := strictjson.Object(data)
		if err != nil {
			return invalid("%s must be a JSON object", what)
		}
		for _, m := range members {
			if !slices.Contains(names, m.Name) {
				return invalid("%s has an unknown member; it may have %s", what, strings.Join(names, ", "))
			}
			if string(m.Value) == "null" {
				return invalid("%s must not have null for %s", what, m.Name)
			}
		}
	}
	if len(strictjson.Repeated(data)) > 0 {
		return invalid("%s has a repeated member", what)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid("%s has a value of the wrong type", what)
	}
	return nil
}

// readError is the error for a body that could not be read. Errors with a status of their own stay what they are.
func readError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(http.StatusBadRequest, "The request is incomplete")
	}
	return err
}

// checkText refuses text that is empty, too long, or does something to a terminal or to the text around it.
func checkText(what, text string, most int) error {
	switch {
	case text == "":
		return invalid("%s must not be empty", what)
	case !utf8.ValidString(text):
		return invalid("%s must be valid UTF-8", what)
	case utf8.RuneCountInString(text) > most:
		return invalid("%s must have at most %d characters", what, most)
	case platform.PlainLine(text) != text || strings.Contains(text, "\t"):
		return invalid("%s must not contain control characters", what)
	}
	return nil
}

const (
	maxLabels = 50
	maxLabel  = 100 // characters
)

// checkLabels returns the labels, each once.
func checkLabels(labels []string) ([]string, error) {
	unique := make([]string, 0, len(labels))
	for _, label := range labels {
		if err := checkText("A label", label, maxLabel); err != nil {
			return nil, err
		}
		if !slices.Contains(unique, label) {
			unique = append(unique, label)
		}
		if len(unique) > maxLabels {
			return nil, invalid("A project has at most %d labels", maxLabels)
		}
	}
	return unique, nil
}
