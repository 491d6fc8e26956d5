package wire

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (l *loader) outcome(f outcomeForm) (o Outcome, err error) {
	o = Outcome{Exit: f.Exit, Says: f.Says}
	for i := range f.Requests {
		r, err := request(&f.Requests[i])
		if err != nil {
			return o, err
		}
		o.Requests = append(o.Requests, r)
	}
	if o.Project, err = l.contents(&f.Files); err != nil {
		return o, err
	}
	o.Home, err = l.contents(&f.HomeFiles)
	return o, err
}

func (l *loader) contents(n *yaml.Node) (all []Content, err error) {
	if n, err = l.resolve(n); err != nil {
		return nil, err
	}
	for name, v := range pairs(n) {
		x, err := value(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, Content{name, x})
	}
	return all, nil
}

// request reads "METHOD PATH?QUERY", alone or as the key of what else the request must carry.
func request(n *yaml.Node) (r Request, err error) {
	head := n.Value
	var carries struct {
		Authorization string
		JSON          yaml.Node `yaml:"json"`
		Form          yaml.Node
		Zip           []string
	}
	for k, v := range pairs(n) {
		head = k
		if err := known(v, "authorization", "json", "form", "zip"); err != nil {
			return r, fmt.Errorf("request %s: %w", head, err)
		}
		if err := v.Decode(&carries); err != nil {
			return r, fmt.Errorf("request %s: %w", head, err)
		}
	}
	method, target, ok := strings.Cut(head, " ")
	u, err := url.Parse(target)
	if err != nil || !ok {
		return r, fmt.Errorf("request %q: method and path expected (%w)", head, err)
	}
	r = Request{Method: method, Path: u.Path, Query: u.Query(), Authorization: carries.Authorization, Zip: carries.Zip}
	if carries.JSON.Kind != 0 {
		if r.JSON, err = value(&carries.JSON); err != nil {
			return r, err
		}
	}
	if carries.Form.Kind != 0 || r.Zip != nil {
		form, err := object(&carries.Form)
		if err != nil {
			return r, err
		}
		r.Form = form.Values
	}
	return r, nil
}

// known refuses a mapping with other keys than these.
func known(n *yaml.Node, keys ...string) error {
	for k, v := range pairs(n) {
		if !slices.Contains(keys, k) {
			return fmt.Errorf("line %d: unknown key %s", v.Line, k)
		}
	}
	return nil
}

// zipOf makes an archive of names and texts.
func zipOf(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, v := range pairs(n) {
		w, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(v.Value)); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}
