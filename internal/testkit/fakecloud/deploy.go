package fakecloud

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// A Deployment is one that was accepted.
type Deployment struct {
	Project, Type string
	Fields        map[string]string // of the form, but for the archive
	Archive       []byte
	Files         map[string]string // content by name, of the archive
}

// String is the deployment for a comparison: its fields, then its files, each in the order of names.
func (d Deployment) String() string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s %s\n", d.Project, d.Type)
	for _, name := range sorted(d.Fields) {
		fmt.Fprintf(b, "%s: %s\n", name, d.Fields[name])
	}
	for _, name := range sorted(d.Files) {
		fmt.Fprintln(b, name)
	}
	return b.String()
}

// Secrets returns the secrets of the form.
func (d Deployment) Secrets() map[string]string {
	var list []struct{ Key, Value string }
	_ = json.Unmarshal([]byte(d.Fields["secrets"]), &list) // a missing list means no secrets
	secrets := map[string]string{}
	for _, s := range list {
		secrets[s.Key] = s.Value
	}
	return secrets
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Deployments returns what was deployed so far, oldest first.
func (c *Cloud) Deployments() []Deployment {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.deployments)
}

func (c *Cloud) deploy(w http.ResponseWriter, r *http.Request, kind string) {
	p := c.find(r.URL.Query().Get("project_id"))
	if p == nil {
		refuse(w, http.StatusNotFound, "Project was not found")
		return
	}
	d, err := readForm(r)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	d.Project, d.Type = p.ID, kind
	c.deployments = append(c.deployments, d)
	id := c.addJob(p, r, d.Fields["message"])
	p.Secrets = sorted(d.Secrets())
	accepted := map[string]string{"project_id": p.ID, "id": id}
	if c.own {
		accepted["status_page"] = Dashboard + "/applications/" + p.ID + "/" + id
	}
	reply(w, accepted)
}

func readForm(r *http.Request) (Deployment, error) {
	d := Deployment{Fields: map[string]string{}, Files: map[string]string{}}
	parts, err := r.MultipartReader()
	if err != nil {
		return d, err
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return d, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return d, err
		}
		if part.FormName() == "files" {
			d.Archive = data
			continue
		}
		d.Fields[part.FormName()] = string(data)
	}
	d.Files, err = Unzip(d.Archive)
	return d, err
}

// Unzip returns the files of an archive.
func Unzip(data []byte) (map[string]string, error) {
	files := map[string]string{}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files[f.Name] = string(text)
	}
	return files, nil
}

// Zip makes an archive of files.
func Zip(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range sorted(files) {
		f, err := w.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(f, files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
