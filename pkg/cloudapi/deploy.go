package cloudapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// Archive is the zip of a deployment. Open is called once for each try, so it must give the same Size bytes every time.
type Archive interface {
	Size() int64 // bytes
	Open() (io.ReadCloser, error)
}

// DeployRequest is everything that a deployment sends.
type DeployRequest struct {
	ProjectID, Type string
	Archive         Archive
	Secrets         []Secret   // of the app, in place of all it had; nil: not sent, which means none as well
	Resources       *Resources // nil: the platform's default
	Labels          []string   // not sent when empty
	Template        string     // not sent when empty
	Message         string     // what is new, for the list of deployments; not sent when empty

	Authentication, AuthenticationAnalytics *Credentials // not sent when nil

	// Progress is told how many bytes of the archive are sent; a new try starts again from 0. It is called from
	// another goroutine, by one at a time, and never after Deploy has returned. May be nil.
	Progress func(sent, total int64)
}

// Secret is an environment variable of the deployed app. Printing it does not show its value.
type Secret struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (s Secret) String() string       { return s.Key + "=***" }
func (s Secret) GoString() string     { return s.String() }
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Credentials protect an app or its analytics. Printing them does not show the password.
type Credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

func (c Credentials) String() string       { return c.Username + ":***" }
func (c Credentials) GoString() string     { return c.String() }
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Resources are what a deployment runs on.
type Resources struct {
	CPU      float64 // cores
	RAM, GPU int     // GB and number of devices
}

// Deployment is a deployment that the platform has accepted.
type Deployment struct {
	ProjectID  string `json:"project_id"`
	ID         string `json:"id"`          // of the job
	StatusPage string `json:"status_page"` // on the dashboard; "" where the platform does not say
}

// Deploy sends an archive with its settings. The archive is streamed: memory use does not depend on its size. Tries
// repeat where nothing reached the platform, where it asks to come back later, and where the connection was lost
// before it answered; a deployment that is received twice replaces itself, or is one where the platform knows the
// Idempotency-Key header.
func (c *Client) Deploy(ctx context.Context, r DeployRequest) (*Deployment, error) {
	kind, err := segment("project type", r.Type)
	if err != nil {
		return nil, err
	}
	if r.ProjectID == "" {
		return nil, fmt.Errorf("the project id is empty")
	}
	if r.Archive == nil {
		return nil, fmt.Errorf("there is no archive to deploy")
	}
	up := newUpload(r)
	defer up.finish()
	q := call{
		method: http.MethodPost, path: "/jobs/webservice/" + kind, query: url.Values{"project_id": {r.ProjectID}},
		header: map[string]string{"Content-Type": up.contentType, idempotencyHeader: idempotencyKey()}, repeat: resend,
	}
	var d Deployment
	err = c.repeat(ctx, q, func() error {
		t := newTry(ctx, c.o.IdleTimeout)
		defer t.idle.Stop()
		return c.upload(t, q, up, &d)
	})
	if err != nil {
		return nil, err
	}
	if d.ID == "" {
		return nil, c.lacks(q, "the id of the new job")
	}
	if d.ProjectID == "" {
		d.ProjectID = r.ProjectID
	}
	return &d, nil
}

func (c *Client) upload(t *try, q call, up *upload, d *Deployment) error {
	open := func() (io.ReadCloser, error) { return up.open(t.idle) }
	again := up.begun()
	body, err := open()
	if err != nil {
		return c.unanswered(t, q, err)
	}
	r, err := c.request(t, q, body)
	if err != nil {
		_ = body.Close()
		return err
	}
	r.GetBody, r.ContentLength = open, up.size()
	if again {
		// A server that refuses an upload before it has read it breaks the connection, and its answer can get lost.
		// Asking first costs a round trip, so only a further try does.
		r.Header.Set("Expect", "100-continue")
	}
	resp, err := c.send(t, q, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return c.decode(q, read(resp, q.maxReply()), d)
}

// form returns the multipart body of r up to the archive, what follows the archive, and the content type. The
// archive comes last, so a server that reads in order knows the settings before it.
func (r DeployRequest) form() (before, after []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	field := func(name string, value []byte) {
		part, _ := w.CreateFormField(name) // a bytes.Buffer takes everything
		_, _ = part.Write(value)
	}
	if r.Secrets != nil {
		field("secrets", encode(r.Secrets))
	}
	if r.Resources != nil {
		cpu := strconv.FormatFloat(r.Resources.CPU, 'f', -1, 64)
		if !strings.Contains(cpu, ".") {
			cpu += ".0" // the platform is used to a float
		}
		field("cpu", []byte(cpu))
		field("ram", strconv.AppendInt(nil, int64(r.Resources.RAM), 10))
		field("gpu", strconv.AppendInt(nil, int64(r.Resources.GPU), 10))
	}
	if len(r.Labels) > 0 {
		field("labels", encode(r.Labels))
	}
	if r.Template != "" {
		field("template", []byte(r.Template))
	}
	if r.Message != "" {
		field("message", []byte(r.Message))
	}
	if r.Authentication != nil {
		field("authentication", encode(r.Authentication))
	}
	if r.AuthenticationAnalytics != nil {
		field("authentication_analytics", encode(r.AuthenticationAnalytics))
	}
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="files"; filename="app.zip"`},
		"Content-Type":        {"application/zip"},
	})
	before = bytes.Clone(b.Bytes())
	b.Reset()
	_ = w.Close()
	return before, b.Bytes(), w.FormDataContentType()
}

// encode makes JSON of texts and structs of texts, which always have one.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("cloudapi: %T has no JSON: %v", v, err))
	}
	return data
}
