package settings

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// keyFile is a YAML mapping. Changing one entry keeps the others, their order and all comments.
type keyFile struct{ doc yaml.Node }

// readKeyFile reads the file at path; one that does not exist is empty.
func readKeyFile(path string) (*keyFile, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, failure.Failedf("cannot read the stored API key: %w", err)
	}
	f, err := parseKeyFile(data)
	if err != nil {
		return nil, failure.Failedf("%s %w", path, err).WithHint("correct the file, or delete it and run 'ploomber-cloud key'")
	}
	return f, nil
}

var (
	errSyntax   = errors.New("is not valid YAML")
	errSettings = errors.New("does not hold settings")
)

func parseKeyFile(data []byte) (*keyFile, error) {
	if !utf8.Valid(data) { // the library takes some such comments, and panics when it writes them
		return nil, errSyntax
	}
	f := &keyFile{}
	documents := yaml.NewDecoder(bytes.NewReader(data))
	switch err := documents.Decode(&f.doc); {
	case errors.Is(err, io.EOF): // nothing, or comments alone, which the decoder drops
		f.doc = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}, HeadComment: string(bytes.TrimSpace(data))}
		return f, nil
	case err != nil:
		return nil, errSyntax // the library's error would quote the file
	}
	top := f.doc.Content[0]
	if top.Tag == "!!null" {
		top.Kind, top.Tag, top.Value = yaml.MappingNode, "", ""
	}
	if second := documents.Decode(&yaml.Node{}); top.Kind != yaml.MappingNode || !errors.Is(second, io.EOF) {
		return nil, errSettings
	}
	return f, nil
}

// find returns the value of name, nil where there is none. Of several it is the last one, as for PyYAML.
func (f *keyFile) find(name string) *yaml.Node {
	entries := f.doc.Content[0].Content // key, value, key, value...
	for i := len(entries) - 2; i >= 0; i -= 2 {
		if entries[i].Value == name {
			return entries[i+1]
		}
	}
	return nil
}

// get returns the text of name's value, "" for null and where there is none.
func (f *keyFile) get(name string) string {
	if v := f.find(name); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return v.Value
	}
	return ""
}

// set gives name a value; "" is written as null. Others are quoted, as YAML would read some keys as numbers.
func (f *keyFile) set(name, value string) {
	v := f.find(name)
	if v == nil {
		v = &yaml.Node{}
		top := f.doc.Content[0]
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, v)
	}
	v.Kind, v.Tag, v.Value, v.Style, v.Content, v.Alias = yaml.ScalarNode, "!!str", value, yaml.DoubleQuotedStyle, nil, nil
	if value == "" {
		v.Tag, v.Value, v.Style = "!!null", "null", 0
	}
}

// encode returns the text of the file. The library writes some rare YAML with another meaning, such as the null in {a: },
// so what it wrote is read again; an error leaves the file to the user.
func (f *keyFile) encode() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&f.doc), e.Close()); err != nil {
		return nil, err
	}
	if again, err := parseKeyFile(b.Bytes()); err != nil || !equal(&f.doc, &again.doc) {
		return nil, errors.New("its other entries would change; add the key by hand")
	}
	return b.Bytes(), nil
}

func equal(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && a.Value == b.Value && a.Anchor == b.Anchor &&
		slices.EqualFunc(a.Content, b.Content, equal)
}
