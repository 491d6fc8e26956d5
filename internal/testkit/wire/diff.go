package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// missing stands for a key or an entry that is not there.
type missing struct{}

func (missing) String() string { return "nothing" }

// differ compares wanted values with seen ones. tokens holds what each named token was at first sight.
type differ struct {
	tokens map[string]string
	strict bool // a number must be written as the case writes it: 1.0 is not 1
}

// diff lists the differences, each as "where: wanted ..., saw ...".
func (d *differ) diff(at string, want, seen any) []string {
	switch w := want.(type) {
	case Gone:
		want = missing{}
	case Number:
		if _, ok := seen.(json.Number); ok {
			return nil
		}
		return differs(at, "a number", seen)
	case Token:
		return d.token(at, w, seen)
	case Contains:
		return contains(at, w, seen)
	case Unordered:
		return d.unordered(at, w, seen)
	case Object:
		if s, ok := seen.(map[string]any); ok {
			return d.mapping(at, w.Values, s)
		}
	case map[string]any:
		if s, ok := seen.(map[string]any); ok {
			return d.mapping(at, w, s)
		}
	case []any:
		if s, ok := seen.([]any); ok {
			return d.list(at, w, s)
		}
	case json.Number:
		if s, ok := seen.(json.Number); ok && d.sameNumber(w, s) {
			return nil
		}
		return differs(at, want, seen)
	}
	if same(want, seen) {
		return nil
	}
	return differs(at, want, seen)
}

func same(a, b any) bool {
	switch a.(type) {
	case nil, bool, string, missing:
		return a == b // a seen map or list has another type, and is never equal
	default:
		return false
	}
}

func (d *differ) sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return okX && okY && x.Cmp(y) == 0 &&
		(!d.strict || strings.Contains(a.String(), ".") == strings.Contains(b.String(), "."))
}

func (d *differ) mapping(at string, want, seen map[string]any) (found []string) {
	keys := slices.Collect(maps.Keys(want))
	for k := range seen {
		if _, ok := want[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		found = append(found, d.diff(at+"."+k, entry(want, k), entry(seen, k))...)
	}
	return found
}

func entry(m map[string]any, k string) any {
	if v, ok := m[k]; ok {
		return v
	}
	return missing{}
}

func (d *differ) list(at string, want, seen []any) (found []string) {
	if len(want) != len(seen) {
		return differs(at, want, seen)
	}
	for i := range want {
		found = append(found, d.diff(fmt.Sprintf("%s[%d]", at, i), want[i], seen[i])...)
	}
	return found
}

func (d *differ) token(at string, t Token, seen any) []string {
	s, _ := seen.(string)
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(s) {
		return differs(at, "43 URL-safe characters", seen)
	}
	if known, ok := d.tokens[t.Name]; ok && known != s {
		return differs(at, "the same "+t.Name+" as before", seen)
	}
	d.tokens[t.Name] = s
	return nil
}

func contains(at string, c Contains, seen any) (found []string) {
	s, ok := seen.(string)
	for _, part := range c.Of {
		if !ok || !strings.Contains(s, fmt.Sprint(part)) {
			found = append(found, differs(at, fmt.Sprintf("a text with %q", part), seen)...)
		}
	}
	return found
}

func (d *differ) unordered(at string, u Unordered, seen any) []string {
	s, ok := seen.([]any)
	left := slices.Clone(s)
	for _, w := range u.Of {
		i := slices.IndexFunc(left, func(x any) bool { return len(d.diff(at, w, x)) == 0 })
		if ok = ok && i >= 0; !ok {
			break
		}
		left = slices.Delete(left, i, i+1)
	}
	if !ok || len(left) > 0 {
		return differs(at, u.Of, seen)
	}
	return nil
}

func differs(at string, want, seen any) []string {
	return []string{fmt.Sprintf("%s: wanted %s, saw %s", at, show(want), show(seen))}
}

// show writes a value on one line, cut where it is long.
func show(v any) string {
	var text string
	switch v := v.(type) {
	case missing:
		return "nothing"
	case Object, map[string]any, []any, string, json.Number, nil, bool:
		var b strings.Builder
		writeLine(&b, v)
		text = b.String()
	default:
		text = fmt.Sprint(v)
	}
	const limit = 300
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return text
}

func writeLine(b *strings.Builder, v any) {
	switch v := v.(type) {
	case Object:
		writeLine(b, v.Values)
	case map[string]any:
		for i, k := range slices.Sorted(maps.Keys(v)) {
			b.WriteString([]string{"{", ", "}[min(i, 1)] + k + ": ")
			writeLine(b, v[k])
		}
		b.WriteString(closed(len(v), "{}", ""))
	case []any:
		for i, x := range v {
			b.WriteString([]string{"[", ", "}[min(i, 1)])
			writeLine(b, x)
		}
		b.WriteString(closed(len(v), "[]", ""))
	case string:
		fmt.Fprintf(b, "%q", v)
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprintf(b, "%v", v)
	}
}
