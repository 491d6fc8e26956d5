package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Object is a wanted mapping; the order of its keys is compared where it is a JSON file of the project.
type Object struct {
	Keys   []string
	Values map[string]any
}

// Matchers stand in a case where the value is not known beforehand.
type (
	Gone      struct{}              // !gone: nothing may be there
	Number    struct{}              // !number: any number
	Contains  struct{ Of []any }    // !contains [a, b]: a text that holds all of these
	Unordered struct{ Of []any }    // !unordered [a, b]: these, in any order
	Token     struct{ Name string } // !token name: 43 URL-safe characters, the same wherever name stands in a case
)

// value turns a node of a case into what diff compares with.
func value(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!gone":
		return Gone{}, nil
	case "!number":
		return Number{}, nil
	case "!token":
		return Token{n.Value}, nil
	case "!contains", "!unordered":
		all, err := items(n)
		if n.Tag == "!contains" {
			return Contains{all}, err
		}
		return Unordered{all}, err
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return nil, fmt.Errorf("line %d: unknown tag %s", n.Line, n.Tag)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return object(n)
	case yaml.SequenceNode:
		return items(n)
	default:
		return scalar(n)
	}
}

func object(n *yaml.Node) (Object, error) {
	o := Object{Values: map[string]any{}}
	for k, v := range pairs(n) {
		if _, twice := o.Values[k]; twice {
			return o, fmt.Errorf("line %d: %s stands twice", v.Line, k)
		}
		x, err := value(v)
		if err != nil {
			return o, err
		}
		o.Keys, o.Values[k] = append(o.Keys, k), x
	}
	return o, nil
}

func items(n *yaml.Node) ([]any, error) {
	all := []any{}
	for _, c := range n.Content {
		x, err := value(c)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

// scalar keeps numbers as they are written, because 1.0 and 1 are different things in a JSON file.
func scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strconv.ParseBool(n.Value)
	case "!!int", "!!float":
		return json.Number(n.Value), nil
	default:
		return n.Value, nil
	}
}

// pairs yields the keys and values of a mapping in the order they are written.
func pairs(n *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// jsonText writes a node as the reference tool writes JSON: four spaces, keys in order, ASCII only.
func jsonText(n *yaml.Node) (string, error) {
	v, err := value(n)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	writeJSON(&b, v, "\n")
	return b.String(), nil
}

func writeJSON(b *strings.Builder, v any, line string) {
	inner := line + "    "
	switch v := v.(type) {
	case Object:
		for i, k := range v.Keys {
			b.WriteString(open(i, "{") + inner + quoted(k) + ": ")
			writeJSON(b, v.Values[k], inner)
		}
		b.WriteString(closed(len(v.Keys), "{}", line))
	case []any:
		for i, x := range v {
			b.WriteString(open(i, "[") + inner)
			writeJSON(b, x, inner)
		}
		b.WriteString(closed(len(v), "[]", line))
	case string:
		b.WriteString(quoted(v))
	case nil:
		b.WriteString("null")
	default: // bool and json.Number
		fmt.Fprint(b, v)
	}
}

func open(i int, bracket string) string {
	if i > 0 {
		return ","
	}
	return bracket
}

func closed(n int, brackets, line string) string {
	if n == 0 {
		return brackets
	}
	return line + brackets[1:]
}

// quoted writes a JSON string in ASCII.
func quoted(s string) string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always has a JSON form
	var b strings.Builder
	for _, r := range strings.TrimSuffix(text.String(), "\n") {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
