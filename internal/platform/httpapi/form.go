package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/tier"
)

const (
	maxSecrets    = 1 << 20   // bytes of the field with all secrets
	maxField      = 64 << 10  // bytes of any other field
	maxOverhead   = 2 << 20   // bytes of a form beside the archive
	maxVariable   = 500       // secrets of a deployment
	maxValue      = 100 << 10 // bytes of one: Linux allows 128 KB with the name
	maxMessage    = 500       // characters
	maxPassword   = 1_000     // characters of a user name or a password
	templateAuth0 = "node-auth0"
)

// form is the content of a deployment.
type form struct {
	archive   string // digest; "" until it has arrived
	size      int64
	secrets   platform.Secrets
	resources platform.Resources
	labels    []string // nil if there is no such field
	template  string
	message   string

	limits limits
	seen   map[string]bool   // fields
	amount map[string]string // cpu, ram and gpu as they were sent
}

func (f *form) variables() []string {
	names := make([]string, 0, len(f.secrets.Variables))
	for _, v := range f.secrets.Variables {
		names = append(names, v.Name)
	}
	return names
}

// readForm reads a multipart form part by part, in any order. The archive goes straight to where archives are kept. If another
// part is invalid, an archive stays there that nothing refers to, until unused archives are collected.
func (a *API) readForm(w http.ResponseWriter, r *request) (f *form, err error) {
	f = &form{limits: limitsOf(r.user), seen: map[string]bool{}, amount: map[string]string{}}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, refuse(http.StatusUnsupportedMediaType, "The content type must be multipart/form-data")
	}
	most := f.limits.archive() + maxOverhead
	if r.ContentLength > most {
		return nil, f.tooLarge()
	}
	body := a.steady(w, r.Request, most)
	defer func() {
		if err != nil {
			_, _ = io.Copy(io.Discard, body) // a client that is still sending would not get the response
		}
	}()
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF { // a wrapped io.EOF means that the form was cut off
			return f, f.complete()
		}
		if err != nil {
			return nil, formError(err)
		}
		if err := a.readPart(r.Context(), f, part); err != nil {
			return nil, err
		}
	}
}

func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	var network interface{ Timeout() bool }
	if errors.As(err, &network) {
		return err
	}
	return refuse(http.StatusBadRequest, "The form is incomplete or not valid")
}

func (a *API) readPart(ctx context.Context, f *form, part *multipart.Part) error {
	name := part.FormName()
	set, known := fields()[name]
	switch {
	case name != "files" && !known:
		return invalid("Unknown field %.100q", name)
	case f.seen[name]:
		return invalid("Field %s is given more than once", name)
	}
	f.seen[name] = true
	if name == "files" {
		return a.readArchive(ctx, f, part)
	}
	most := maxField
	if name == "secrets" {
		most = maxSecrets
	}
	data, err := io.ReadAll(io.LimitReader(part, int64(most)+1))
	if err != nil {
		return formError(err)
	}
	if len(data) > most {
		return refuse(http.StatusRequestEntityTooLarge, "Field %s is larger than %d bytes", name, most)
	}
	return set(f, data)
}

func (a *API) readArchive(ctx context.Context, f *form, part io.Reader) (err error) {
	source := &errorReader{Reader: part}
	f.archive, f.size, err = a.Archives.Receive(ctx, source, f.limits.archive())
	switch {
	case source.err != nil:
		return formError(source.err)
	case errors.Is(err, platform.ErrLimit):
		return f.tooLarge()
	}
	return err
}

func (f *form) tooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "The zipped app is larger than the %d MB that are allowed", f.limits.archive()/tier.MB)
}

// errorReader remembers the error of a reader, so that it is told from one of what is done with the bytes.
type errorReader struct {
	io.Reader
	err error
}

func (r *errorReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// complete checks what depends on several fields.
func (f *form) complete() error {
	if f.archive == "" {
		return invalid("Field files is missing")
	}
	f.resources = platform.DefaultResources()
	if len(f.amount) == 0 {
		return nil
	}
	cpu, err := strconv.ParseFloat(f.amount["cpu"], 64)
	ram, ramErr := wholeNumber(f.amount["ram"])
	gpu, gpuErr := wholeNumber(f.amount["gpu"])
	if errors.Join(err, ramErr, gpuErr) != nil || math.IsNaN(cpu) {
		return refuse(http.StatusBadRequest, "Invalid Resource: cpu, ram and gpu must be numbers and are only given together")
	}
	f.resources = platform.Resources{CPU: cpu, RAM: ram, GPU: gpu}
	return f.limits.resources(f.resources)
}

// wholeNumber reads 4 and 4.0.
func wholeNumber(text string) (int, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > math.MaxInt32 {
		return 0, fmt.Errorf("%.20q is not a whole number", text)
	}
	return int(n), nil
}

// fields are the fields of a form beside the archive.
func fields() map[string]func(*form, []byte) error {
	amount := func(name string) func(*form, []byte) error {
		return func(f *form, data []byte) error { f.amount[name] = string(data); return nil }
	}
	return map[string]func(*form, []byte) error{
		"secrets": (*form).setSecrets,
		"cpu":     amount("cpu"),
		"ram":     amount("ram"),
		"gpu":     amount("gpu"),
		"labels": func(f *form, data []byte) (err error) {
			var labels []string
			if err := decodeJSON("Field labels", data, &labels); err != nil {
				return err
			}
			f.labels, err = checkLabels(labels)
			return err
		},
		"template": func(f *form, data []byte) error {
			if f.template = string(data); f.template != "" && f.template != templateAuth0 {
				return invalid("Unknown template; the only one is %s", templateAuth0)
			}
			return nil
		},
		"message": func(f *form, data []byte) error {
			if f.message = string(data); f.message == "" {
				return nil
			}
			return checkText("Field message", f.message, maxMessage)
		},
		"authentication": func(f *form, data []byte) (err error) {
			f.secrets.Login, err = f.credentials("Field authentication", data, tier.Authentication)
			return err
		},
		"authentication_analytics": func(f *form, data []byte) (err error) {
			f.secrets.Analytics, err = f.credentials("Field authentication_analytics", data, tier.Authentication, tier.ViewAnalyticsReport)
			return err
		},
	}
}

// setSecrets reads a list of {"key", "value"}. The Python tool sends null for a key of .env without a value, which is not set.
func (f *form) setSecrets(data []byte) error {
	var secrets []struct {
		Key   *string `json:"key"`
		Value *string `json:"value"`
	}
	if err := decodeJSON("Field secrets", data, &secrets); err != nil {
		return err
	}
	if len(secrets) > 0 {
		if err := f.limits.require(tier.Secrets); err != nil {
			return err
		}
	}
	if len(secrets) > maxVariable {
		return invalid("There are more than %d secrets", maxVariable)
	}
	seen := map[string]bool{}
	for i, s := range secrets {
		switch {
		case s.Key == nil:
			return invalid("Secret %d has no key", i+1)
		case s.Value == nil:
			continue
		case !validVariable(*s.Key):
			return invalid("Secret %d has a name that an environment variable cannot have", i+1)
		case seen[*s.Key]:
			return invalid("Secret %d has the name of another one", i+1)
		case strings.Contains(*s.Value, "\x00"), len(*s.Value) > maxValue:
			return invalid("Secret %d has a value that an environment variable cannot have", i+1)
		}
		seen[*s.Key] = true
		f.secrets.Variables = append(f.secrets.Variables, platform.Variable{Name: *s.Key, Value: *s.Value})
	}
	return nil
}

// validVariable reports whether name can be that of an environment variable and can be shown.
func validVariable(name string) bool {
	return !strings.Contains(name, "=") && checkText("", name, 200) == nil
}

func (f *form) credentials(what string, data []byte, need ...tier.Permission) (*platform.Credentials, error) {
	if err := f.limits.require(need...); err != nil {
		return nil, err
	}
	var c struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if err := decodeJSON(what, data, &c, "username", "password"); err != nil {
		return nil, err
	}
	if err := errors.Join(checkText(what+": the user name", c.Username, maxPassword), checkText(what+": the password", c.Password, maxPassword)); err != nil {
		return nil, err
	}
	return &platform.Credentials{Username: c.Username, Password: c.Password}, nil
}
