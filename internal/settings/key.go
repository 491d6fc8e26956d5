package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// keyName is the entry of config.yaml, shared with the reference tool.
const keyName = "cloud_key"

// Key is an API key and where it was found.
type Key struct {
	value  string
	Source string // a variable's name or a file's path
}

// Reveal returns the key itself, for the one place that sends it.
func (k Key) Reveal() string { return k.value }

func (k Key) String() string { return "***" }

// GoString keeps the key out of %#v.
func (k Key) GoString() string { return "***" }

// Masked shows enough of the key to tell two keys apart.
func (k Key) Masked() string {
	if len(k.value) < 12 {
		return "****"
	}
	return "****" + k.value[len(k.value)-4:]
}

// Key finds the API key: the environment (also when set to nothing), the key stored for the platform's host,
// the stored key. Where there is none the error says how to store one.
func (s *Settings) Key() (Key, error) {
	if v, set := s.Lookup(KeyVariable); set {
		if v == "" {
			return Key{}, s.noKey().WithHint("%s is set to nothing: unset it or give it the key", KeyVariable)
		}
		return Key{v, KeyVariable}, checkKey(v, KeyVariable)
	}
	k, err := s.StoredKey()
	if err == nil && k.value == "" {
		err = s.noKey()
	}
	return k, err
}

func (s *Settings) noKey() *failure.Error {
	missing := failure.NotAllowedf("API key not found")
	if s.Hosted() {
		message, hint := Ended()
		return missing.WithHint("%s, and its keys with it: %s, and store its key with 'ploomber-cloud key'", message, hint)
	}
	return missing.WithHint("whoever runs the host that you deploy to gives you one; store it with 'ploomber-cloud key'")
}

// StoredKey finds the stored key alone; without one the Key is zero.
func (s *Settings) StoredKey() (Key, error) {
	dir, err := s.statsDir()
	if err != nil {
		return Key{}, err
	}
	at, err := s.API()
	if err != nil {
		return Key{}, err
	}
	for _, place := range []struct{ file, name string }{
		{filepath.Join(dir, "hosts.yaml"), hostOf(at)},
		{filepath.Join(dir, "config.yaml"), keyName},
	} {
		doc, err := readYAML(place.file)
		if err != nil {
			return Key{}, err
		}
		if v := doc.get(place.name); v != "" {
			return Key{v, place.file}, checkKey(v, place.file)
		}
	}
	return Key{}, nil
}

// StoreKey keeps key for the user, for one host only where --api-url or --local was given, and returns the
// file it is in. Nothing else in that file changes; others lose the right to read it.
func (s *Settings) StoreKey(key string) (path string, err error) {
	key = strings.TrimSpace(key)
	if key == "" {
		return "", failure.Failedf("the API key is empty")
	}
	if err := checkKey(key, "the API key"); err != nil {
		return "", err
	}
	return s.writeKey(key)
}

// RemoveKey forgets the key that StoreKey keeps and returns the file it was in, "" where there was none.
func (s *Settings) RemoveKey() (path string, err error) { return s.writeKey("") }

func (s *Settings) writeKey(key string) (string, error) {
	dir, err := s.statsDir()
	if err != nil {
		return "", err
	}
	path, name := filepath.Join(dir, "config.yaml"), keyName
	if s.Local || s.APIURL != "" {
		at, err := s.API()
		if err != nil {
			return "", err
		}
		path, name = filepath.Join(dir, "hosts.yaml"), hostOf(at)
	}
	doc, err := readYAML(path)
	if err != nil {
		return "", err
	}
	if key == "" && doc.get(name) == "" {
		return "", nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cannot make %s: %w", dir, err)
	}
	data, err := doc.set(name, key)
	if err != nil {
		return "", fmt.Errorf("cannot write %s: %w", path, err)
	}
	return path, fsx.Replace(fsx.File{Path: path, Data: data, Mode: fsx.Private, Tighten: true})
}

func hostOf(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return api
	}
	return u.Host
}

// checkKey refuses a key that no HTTP header can carry; it would fail later and less clearly.
func checkKey(key, source string) error {
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return failure.NotAllowedf("%s holds a space, a line break or a character that no API key has", source)
		}
	}
	return nil
}

// document is a flat YAML mapping as text, so that an edit changes one line.
type document struct {
	text  string
	nodes []*yaml.Node // key, value, key, value…
	block bool         // one entry a line, not {a: b}
}

func readYAML(path string) (document, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return document{block: true}, nil
	}
	if err != nil {
		return document{}, failure.Failedf("cannot read the stored API key: %w", err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return document{}, failure.Failedf("%s is not valid YAML", path).
			WithHint("correct the file, or delete it and run 'ploomber-cloud key'")
	}
	d := document{text: string(data), block: true}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
		return d, nil
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return document{}, failure.Failedf("%s does not hold settings", path).
			WithHint("delete the file and run 'ploomber-cloud key'")
	}
	d.nodes, d.block = top.Content, top.Style&yaml.FlowStyle == 0
	return d, nil
}

// find returns the value of name: of several the last, which other readers of the file take as well.
func (d document) find(name string) *yaml.Node {
	for i := len(d.nodes) - 2; i >= 0; i -= 2 {
		if d.nodes[i].Value == name {
			return d.nodes[i+1]
		}
	}
	return nil
}

func (d document) get(name string) string {
	if v := d.find(name); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return v.Value
	}
	return ""
}

// set returns the text with name's value replaced, or null where value is "". A value in quotes is a text
// for every YAML reader, whatever it looks like.
func (d document) set(name, value string) ([]byte, error) {
	entry := fmt.Sprintf("%s: %q", name, value)
	if value == "" {
		entry = name + ": null"
	}
	old := d.find(name)
	lines := strings.SplitAfter(d.text, "\n")
	switch {
	case d.block && old == nil:
		text := d.text
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return []byte(text + entry + "\n"), nil
	case d.block && old.Line <= len(lines) && isWhole(lines[old.Line-1], name, old.Value):
		if old.LineComment != "" {
			entry += " " + old.LineComment
		}
		lines[old.Line-1] = entry + "\n"
		return []byte(strings.Join(lines, "")), nil
	}
	return d.rewrite(name, value) // an unusual layout: the values are kept, the layout is not
}

// isWhole tells whether the line alone gives name that value, so that replacing it leaves nothing behind.
func isWhole(line, name, value string) bool {
	var alone map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(line), &alone); err != nil || len(alone) != 1 {
		return false
	}
	got, ok := alone[name]
	return ok && got.Kind == yaml.ScalarNode && got.Value == value
}

func (d document) rewrite(name, value string) ([]byte, error) {
	all := map[string]yaml.Node{}
	for i := 0; i+1 < len(d.nodes); i += 2 {
		all[d.nodes[i].Value] = *d.nodes[i+1]
	}
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.DoubleQuotedStyle}
	if value == "" {
		node = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
	all[name] = node
	return yaml.Marshal(all)
}
