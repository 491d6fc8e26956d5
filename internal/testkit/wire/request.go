package wire

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// SeenRequest is what the program sent.
type SeenRequest struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Type         string // media type of the body
	Body         any    // JSON value; a string where the body is something else; nil for none
	Form         map[string]any
	Archive      map[string]sum // entries of the file part; nil where there is none
	Mistakes     []string       // what cannot be read, or breaks the shape of an upload
	NewFiles     []string       // in the project while it was sent
	Unscripted   bool
}

type sum [sha256.Size]byte

func see(r *http.Request, body []byte) SeenRequest {
	s := SeenRequest{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header}
	var params map[string]string
	if len(body) == 0 {
		return s
	}
	s.Type, params, _ = mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch s.Type {
	case "multipart/form-data":
		s.upload(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	default:
		var err error
		if s.Body, err = parseJSON(body); err != nil {
			s.Body = string(body)
		}
	}
	return s
}

// upload reads the form of a deployment.
func (s *SeenRequest) upload(form *multipart.Reader) {
	s.Form = map[string]any{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.mistake("multipart body: %v", err)
			return
		}
		data, err := io.ReadAll(part)
		if err != nil {
			s.mistake("part %s: %v", part.FormName(), err)
		}
		name := part.FormName()
		if _, twice := s.Form[name]; twice {
			s.mistake("field %s is sent twice", name)
		}
		if part.FileName() != "" {
			s.file(part, data)
			continue
		}
		s.Form[name] = s.field(name, string(data))
	}
}

func (s *SeenRequest) file(part *multipart.Part, data []byte) {
	if part.FormName() != "files" || part.FileName() != "app.zip" || part.Header.Get("Content-Type") != zipType {
		s.mistake("the archive is sent as %s, %s, %s", part.FormName(), part.FileName(), part.Header.Get("Content-Type"))
	}
	if s.Archive != nil {
		s.mistake("two archives are sent")
	}
	s.Archive = map[string]sum{}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		s.mistake("the archive cannot be read: %v", err)
		return
	}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if _, twice := s.Archive[f.Name]; twice {
			s.mistake("%s is in the archive twice", f.Name)
		}
		h := sha256.New()
		r, err := f.Open()
		if err == nil {
			_, err = io.Copy(h, r)
		}
		if err != nil {
			s.mistake("%s in the archive: %v", f.Name, err)
			continue
		}
		s.Archive[f.Name] = sum(h.Sum(nil))
	}
}

// field reads one value of the form; secrets become a mapping of name to value.
func (s *SeenRequest) field(name, text string) any {
	switch name {
	case "cpu", "ram", "gpu":
		return json.Number(text)
	case "secrets", "labels", "authentication", "authentication_analytics":
	default:
		return text
	}
	v, err := parseJSON([]byte(text))
	if err != nil {
		s.mistake("field %s: %v", name, err)
		return text
	}
	if name != "secrets" {
		return v
	}
	list, ok := v.([]any)
	secrets := map[string]any{}
	for _, e := range list {
		o, _ := e.(map[string]any)
		key, isText := o["key"].(string)
		value, has := o["value"]
		_, twice := secrets[key]
		ok = ok && isText && has && len(o) == 2 && !twice
		secrets[key] = value
	}
	if !ok {
		s.mistake("secrets are not a list of key and value: %s", text)
	}
	return secrets
}

func (s *SeenRequest) mistake(format string, args ...any) {
	s.Mistakes = append(s.Mistakes, fmt.Sprintf(format, args...))
}

// parseJSON keeps numbers as they are written.
func parseJSON(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}
