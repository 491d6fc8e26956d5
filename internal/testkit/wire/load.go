package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const fixturesFile = "fixtures.yaml"

// The form on disk; yaml.Node stands where the order of keys or a tag carries meaning.
type (
	caseForm struct {
		Name, About string
		Key         yaml.Node // absent: StoredKey; null: none
		From        []string  // fixtures that given is added to
		Given       yaml.Node
		HomeFrom    []string `yaml:"home-from"`
		Home        yaml.Node
		stepForm    `yaml:",inline"`
		Then        []stepForm
	}
	stepForm struct {
		Run         yaml.Node
		Stdin       string
		Env         map[string]string
		Tier        string // answers GET /users/me
		Replies     []yaml.Node
		outcomeForm `yaml:",inline"`
		Or          []outcomeForm
		Departs     []string
	}
	outcomeForm struct {
		Exit      int
		Says      []string
		Requests  []yaml.Node
		Files     yaml.Node
		HomeFiles yaml.Node `yaml:"home-files"`
	}
)

// loader holds the fixtures while the cases are read.
type loader struct{ fixtures yaml.Node }

// Load reads every case of a folder. The group of a case is the name of its file.
func Load(dir fs.FS) ([]Case, error) {
	var l loader
	if err := decode(dir, fixturesFile, &l.fixtures); err != nil {
		return nil, err
	}
	l.fixtures = *l.fixtures.Content[0]
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, name := range slices.DeleteFunc(names, func(s string) bool { return s == fixturesFile }) {
		var forms []caseForm
		if err := decode(dir, name, &forms); err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, f := range forms {
			c, err := l.read(strings.TrimSuffix(name, ".yaml"), f)
			if err == nil && seen[f.Name] {
				err = errors.New("the name stands twice")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: case %q: %w", name, f.Name, err)
			}
			seen[f.Name] = true
			cases = append(cases, c)
		}
	}
	return cases, nil
}

func decode(dir fs.FS, name string, into any) error {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (l *loader) read(group string, f caseForm) (c Case, err error) {
	c = Case{Group: group, Name: f.Name, About: f.About, Key: StoredKey}
	if f.Key.Kind != 0 {
		c.Key = f.Key.Value
		if f.Key.Tag == "!!null" {
			c.Key = ""
		}
	}
	if c.Project, err = l.tree(f.From, &f.Given); err != nil {
		return c, err
	}
	if c.Home, err = l.tree(f.HomeFrom, &f.Home); err != nil {
		return c, err
	}
	if c.Key != "" {
		c.Home = append(c.Home, File{Path: configPath, Text: configText(c.Key)})
	}
	for _, s := range append([]stepForm{f.stepForm}, f.Then...) {
		step, err := l.step(s)
		if err != nil {
			return c, err
		}
		c.Steps = append(c.Steps, step)
	}
	return c, nil
}

// tree reads files, those of the fixtures first.
func (l *loader) tree(from []string, own *yaml.Node) (files []File, err error) {
	nodes := []*yaml.Node{}
	for _, name := range from {
		n, err := l.fixture(name)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	for _, n := range append(nodes, own) {
		for name, v := range pairs(n) {
			f, err := file(name, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			files = append(files, f)
		}
	}
	return files, nil
}

func file(name string, n *yaml.Node) (f File, err error) {
	f = File{Path: name, Text: n.Value}
	switch n.Tag {
	case "!link":
		f.Text, f.Link = "", n.Value
	case "!random", "!zeros":
		f.Text, f.Zeros = "", n.Tag == "!zeros"
		_, err = fmt.Sscan(n.Value, &f.Size)
	case "!dated":
		var d struct {
			Unix int64
			Text string
		}
		if err = known(n, "unix", "text"); err == nil {
			err = n.Decode(&d)
		}
		f.Text, f.ModTime = d.Text, time.Unix(d.Unix, 0)
	case "!!binary":
		err = n.Decode(&f.Text)
	default:
		if n.Kind != yaml.ScalarNode {
			f.Text, err = jsonText(n)
		}
	}
	return f, err
}

func (l *loader) fixture(name string) (*yaml.Node, error) {
	for k, v := range pairs(&l.fixtures) {
		if k == name {
			return v, nil
		}
	}
	return nil, fmt.Errorf("no fixture %q", name)
}

// resolve replaces a node !fixture NAME by that fixture.
func (l *loader) resolve(n *yaml.Node) (*yaml.Node, error) {
	if n.Tag == "!fixture" {
		return l.fixture(n.Value)
	}
	return n, nil
}

func (l *loader) step(f stepForm) (s Step, err error) {
	s = Step{Stdin: f.Stdin, Env: f.Env, Departs: f.Departs}
	if f.Run.Kind == yaml.SequenceNode {
		err = f.Run.Decode(&s.Args)
	} else {
		s.Args = strings.Fields(f.Run.Value)
	}
	if err != nil {
		return s, err
	}
	if f.Tier != "" {
		body := fmt.Appendf(nil, `{"_model": {"type": %q, "email": "dev@example.com"}}`, f.Tier)
		s.Replies = append(s.Replies, Reply{"GET", mePath, 200, jsonType, body})
	}
	for i := range f.Replies {
		for head, body := range pairs(&f.Replies[i]) {
			r, err := l.reply(head, body)
			if err != nil {
				return s, fmt.Errorf("reply %s: %w", head, err)
			}
			s.Replies = append(s.Replies, r)
		}
	}
	for _, o := range append([]outcomeForm{f.outcomeForm}, f.Or...) {
		want, err := l.outcome(o)
		if err != nil {
			return s, err
		}
		s.Wants = append(s.Wants, want)
	}
	return s, nil
}

// reply reads "METHOD PATH [STATUS] [text|zip]" and a body: JSON unless the last word says otherwise.
func (l *loader) reply(head string, body *yaml.Node) (Reply, error) {
	words := strings.Fields(head)
	if len(words) < 2 {
		return Reply{}, errors.New("method and path expected")
	}
	r := Reply{Method: words[0], Path: words[1], Status: 200, Type: jsonType}
	kind := ""
	for _, w := range words[2:] {
		if _, err := fmt.Sscan(w, &r.Status); err != nil {
			kind = w
		}
	}
	body, err := l.resolve(body)
	if err != nil {
		return r, err
	}
	switch kind {
	case "text":
		r.Type, r.Body = "text/plain", []byte(body.Value)
	case "zip":
		r.Type = zipType
		r.Body, err = zipOf(body)
	case "":
		var text string
		if body.Tag == "!project" {
			body = project(path.Base(r.Path), body)
		}
		text, err = jsonText(body)
		r.Body = []byte(text)
	default:
		err = fmt.Errorf("unknown kind %q", kind)
	}
	return r, err
}

// project fills a project as the platform shows it with what a case leaves out.
func project(id string, given *yaml.Node) *yaml.Node {
	null := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	full := map[string]*yaml.Node{
		"id": {Kind: yaml.ScalarNode, Tag: "!!str", Value: id}, "name": null, "type": null, "labels": null, "secrets": null,
		"jobs": {Kind: yaml.SequenceNode, Tag: "!!seq"},
	}
	for k, v := range pairs(given) {
		full[k] = v
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for k, v := range full {
		out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: k}, v)
	}
	return out
}
