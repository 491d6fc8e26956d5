package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/spelling"
	"github.com/ploomber/ploomber-cloud/pkg/strictjson"
)

// Invalid is a configuration file with mistakes, all of them.
type Invalid struct {
	Path     string // "" when parsed from bytes
	Problems []string

	keys []string // for each problem, the key whose value is wrong, "" for other mistakes
}

// Only reports whether nothing but the values of keys is wrong, so that setting them again repairs the file.
func (e *Invalid) Only(keys ...string) bool {
	return len(e.keys) == len(e.Problems) && !slices.ContainsFunc(e.keys, func(k string) bool { return !slices.Contains(keys, k) })
}

func (e *Invalid) Error() string {
	path := e.Path
	if path == "" {
		path = FileName
	}
	if len(e.Problems) == 1 {
		return path + ": " + e.Problems[0]
	}
	return fmt.Sprintf("%s has %d mistakes:\n  - %s", path, len(e.Problems), strings.Join(e.Problems, "\n  - "))
}

// Parse reads a configuration file strictly: an unknown key, a repeated one at any level, an empty string, a null
// or a wrong type is a mistake. Mistakes are returned as one *Invalid together with the valid parts, so that a
// repair can keep them; the Config is empty if no part is valid.
func Parse(data []byte) (*Config, error) {
	c := &Config{raw: map[string]json.RawMessage{}}
	if !utf8.Valid(data) {
		return c, &Invalid{Problems: []string{fmt.Sprintf("not UTF-8 text (line %d)", lineOfBadUTF8(data))}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return c, &Invalid{Problems: []string{"the file is empty"}}
	}
	if !json.Valid(data) {
		return c, &Invalid{Problems: []string{syntaxProblem(data)}}
	}
	p := &parser{config: c, data: data}
	for _, k := range strictjson.Repeated(data) {
		p.problem("key %s appears twice", p.quote(k))
	}
	members, err := strictjson.Object(data)
	if err != nil {
		p.problem("the file must hold a JSON object, not %s", kind(data))
		return c, &Invalid{Problems: p.problems}
	}
	for _, m := range members {
		p.at = m.Name
		p.key(m.Name, m.Value)
	}
	p.at = ""
	p.required()
	if len(p.problems) > 0 {
		return c, &Invalid{Problems: p.problems, keys: p.keys}
	}
	return c, nil
}

type parser struct {
	config   *Config
	data     []byte
	at       string // the key being read, "" at the top level
	problems []string
	keys     []string // see Invalid
}

func (p *parser) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
	p.keys = append(p.keys, p.at)
}

func (p *parser) key(key string, value json.RawMessage) {
	c := p.config
	if !slices.Contains(keys(), key) {
		if near := spelling.Nearest(key, keys()); near != "" {
			p.problem("unknown key %s (did you mean %q?)", p.quote(key), near)
		} else {
			p.problem("unknown key %s; known keys: %s", p.quote(key), strings.Join(keys(), ", "))
		}
		return
	}
	if !slices.Contains(c.order, key) {
		c.order = append(c.order, key)
	}
	switch key {
	case "id":
		c.ID = p.text(key, value)
	case "type":
		c.Type = p.projectType(value)
	case "template":
		c.Template = p.text(key, value)
	case "resources":
		c.Resources = p.resources(value)
	case "labels":
		c.Labels = p.texts(key, value)
	case "secret-keys":
		c.SecretKeys = p.texts(key, value)
	case "ignore":
		c.Ignore = p.rules(key, value)
	case "include":
		c.Include = p.rules(key, value)
	case "authentication":
		c.Authentication = p.credentials(key, value)
	case "authentication_analytics":
		c.AuthenticationAnalytics = p.credentials(key, value)
	}
}

func (p *parser) required() {
	for _, k := range []string{"id", "type"} {
		if !slices.Contains(p.config.order, k) {
			p.problem("key %q is missing", k)
		}
	}
}

func (p *parser) text(key string, value json.RawMessage) string {
	var s string
	switch {
	case kind(value) != "text":
		p.problem("%q must be a string, not %s", key, kind(value))
	case json.Unmarshal(value, &s) != nil || s == "":
		p.problem("%q is empty", key)
	}
	return s
}

func (p *parser) projectType(value json.RawMessage) string {
	s := p.text("type", value)
	if s == "" || slices.Contains(Types(), s) {
		return s
	}
	hint := ""
	if near := spelling.Nearest(s, Types()); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	shown := `the value of "type"`
	if hint != "" || looksLikeKey(s) {
		shown = strconv.Quote(s)
	}
	p.problem("%s is not a project type%s; the types are %s", shown, hint, strings.Join(Types(), ", "))
	return ""
}

func (p *parser) texts(key string, value json.RawMessage) []string {
	if kind(value) != "a list" {
		p.problem("%q must be a list of strings, not %s", key, kind(value))
		return nil
	}
	var items []json.RawMessage
	_ = json.Unmarshal(value, &items) // already known to be a list
	out := make([]string, 0, len(items))
	for i, item := range items {
		var s string
		if kind(item) != "text" {
			p.problem("%q must be a list of strings, but entry %d is %s", key, i+1, kind(item))
			continue
		}
		_ = json.Unmarshal(item, &s) // already known to be a string
		out = append(out, s)
	}
	return out
}

// rules keeps a list as it is, since the reference tool does not check its entries.
func (p *parser) rules(key string, value json.RawMessage) []string {
	if kind(value) != "a list" {
		p.problem("%q must be a list, not %s", key, kind(value))
		return nil
	}
	p.config.raw[key] = value
	var items []any
	_ = json.Unmarshal(value, &items) // already known to be a list
	out := make([]string, 0, len(items))
	for _, item := range items {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (p *parser) resources(value json.RawMessage) *Resources {
	members, err := strictjson.Object(value)
	if err != nil {
		p.problem(`"resources" must be an object with cpu, ram and gpu, not %s`, kind(value))
		return nil
	}
	var r Resources
	before, seen := len(p.problems), map[string]bool{}
	for _, m := range members {
		seen[m.Name] = true
		switch m.Name {
		case "cpu":
			r.CPU = p.float(m.Value)
		case "ram":
			r.RAM = p.integer("ram", m.Value)
		case "gpu":
			r.GPU = p.integer("gpu", m.Value)
		default:
			p.problem(`"resources" has the unknown key %s; it takes cpu, ram and gpu`, p.quote(m.Name))
		}
	}
	for _, k := range []string{"cpu", "ram", "gpu"} {
		if !seen[k] {
			p.problem(`"resources" lacks %q (set it again with 'ploomber-cloud resources --force')`, k)
		}
	}
	if len(p.problems) > before {
		return nil
	}
	return &r
}

// float requires a decimal point, like the reference tool: a file that it refuses should not work here.
func (p *parser) float(value json.RawMessage) float64 {
	s := string(value)
	f, err := strconv.ParseFloat(s, 64)
	if kind(value) != "a number" || err != nil || !strings.ContainsAny(s, ".eE") {
		p.problem(`"resources": cpu must be a number with a decimal point, such as 1.0, not %s`, shown(value))
		return 0
	}
	return f
}

func (p *parser) integer(key string, value json.RawMessage) int {
	n, err := strconv.Atoi(string(value))
	if kind(value) != "a number" || err != nil {
		p.problem(`"resources": %s must be a whole number, such as 2, not %s`, key, shown(value))
	}
	return n
}

func (p *parser) credentials(key string, value json.RawMessage) *Credentials {
	members, err := strictjson.Object(value)
	if err != nil {
		p.problem("%q must be an object with username and password, not %s", key, kind(value))
		return nil
	}
	var c Credentials
	seen := map[string]bool{}
	for _, m := range members {
		seen[m.Name] = true
		switch m.Name {
		case "username":
			c.Username = p.credential(key, m.Name, m.Value)
		case "password":
			c.Password = p.credential(key, m.Name, m.Value)
		default:
			p.problem("%q has the unknown key %s; it takes username and password", key, p.quote(m.Name))
		}
	}
	for _, k := range []string{"username", "password"} {
		if !seen[k] {
			p.problem("%q lacks %q; run 'ploomber-cloud auth --add' to set it again", key, k)
		}
	}
	return &c
}

func (p *parser) credential(key, part string, value json.RawMessage) Value {
	var v Value
	switch kind(value) {
	case "text":
		_ = json.Unmarshal(value, &v.Text) // already known to be a string
		if v.Text == "" {
			p.problem("%q: the %s is empty", key, part)
		}
		return v
	case "an object":
		members, _ := strictjson.Object(value)
		if len(members) == 1 && members[0].Name == "secret" && kind(members[0].Value) == "text" {
			_ = json.Unmarshal(members[0].Value, &v.Secret) // already known to be a string
		}
	}
	if v.Secret == "" {
		p.problem(`%q: the %s must be a string or {"secret": NAME}`, key, part)
	}
	return v
}

// kind describes the kind of a JSON value, for messages.
func kind(value []byte) string {
	switch b := bytes.TrimSpace(value); {
	case len(b) == 0:
		return "nothing"
	case b[0] == '"':
		return "text"
	case b[0] == '{':
		return "an object"
	case b[0] == '[':
		return "a list"
	case b[0] == 'n':
		return "null"
	case b[0] == 't' || b[0] == 'f':
		return "true or false"
	default:
		return "a number"
	}
}

// shown is a number as written, otherwise its kind: the value may be long, or a misplaced secret.
func shown(value []byte) string {
	if kind(value) == "a number" && len(value) < 20 {
		return string(value)
	}
	return kind(value)
}

// quote names a key in messages: by itself if it looks like a key, otherwise by its line, since it may be a
// misplaced secret.
func (p *parser) quote(key string) string {
	if looksLikeKey(key) {
		return strconv.Quote(key)
	}
	if at := bytes.Index(p.data, []byte(key)); at >= 0 {
		return fmt.Sprintf("in line %d", 1+bytes.Count(p.data[:at], []byte("\n")))
	}
	return fmt.Sprintf("of %d characters", utf8.RuneCountInString(key))
}

// looksLikeKey reports whether text consists of words: letters of one case, or beginning with a capital.
func looksLikeKey(text string) bool {
	upper, lower := 0, 0 // letters since the beginning of a word
	mixed := strings.ToUpper(text) != text && strings.ToLower(text) != text
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z':
			lower++
		case r >= 'A' && r <= 'Z':
			if mixed && upper > 0 && lower == 0 {
				return false
			}
			upper, lower = 1, 0
		case r == '_' || r == '-' || r == '.' || r == ' ':
			upper, lower = 0, 0
		default:
			return false
		}
	}
	const longest = 40
	return len(text) <= longest
}

func syntaxProblem(data []byte) string {
	var any json.RawMessage
	err := json.Unmarshal(data, &any)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return "not valid JSON"
	}
	before := data[:min(int(syntax.Offset), len(data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return fmt.Sprintf("not valid JSON at line %d, column %d: %s", line, max(column, 1), syntax)
}

func lineOfBadUTF8(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return line
}
