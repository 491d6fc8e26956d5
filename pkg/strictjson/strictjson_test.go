package strictjson

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestObject(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"in order":     {`{"b": 1, "a": [2]}`, "b=1 a=[2]"},
		"twice":        {`{"a":1,"a":{"b":2}}`, `a=1 a={"b":2}`},
		"other case":   {`{"a":1,"A":2}`, "a=1 A=2"},
		"empty":        {` {} `, ""},
		"escaped name": {`{"\u0061":1,"a":2}`, "a=1 a=2"},
	} {
		members, err := Object([]byte(tc.text))
		var got []string
		for _, m := range members {
			got = append(got, m.Name+"="+string(m.Value))
		}
		if err != nil || strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
	for _, text := range []string{`[]`, `null`, `"{}"`, `1`} {
		if _, err := Object([]byte(text)); !errors.Is(err, ErrNoObject) {
			t.Errorf("%s: %v, want %v", text, err, ErrNoObject)
		}
	}
	broken, err := Object([]byte(`{"a": 1, "b": tru`))
	if err == nil || len(broken) != 2 || broken[0].End != 7 || broken[1].Name != "b" || broken[1].Value != nil {
		t.Errorf("a broken value: %+v, %v; want a, then b without value", broken, err)
	}
	for _, text := range []string{``, `{`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1`} {
		if _, err := Object([]byte(text)); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`{"a":1,"b":2}`:                             nil,
		`{"a":1,"a":2,"a":3}`:                       {"a"},
		`{"a":{"b":1},"b":{"a":1}}`:                 nil,
		`[{"a":[{"x":1,"y":"x","x":2}]},{"x":"y"}]`: {"x"},
		`{"a":"a","b":["b","b"]}`:                   nil,
		`{"b":1,"a":{"c":0,"c":0},"b":2}`:           {"c", "b"},
		`"a"`:                                       nil,
	} {
		if got := Repeated([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// FuzzObject compares with encoding/json for objects without repeated names.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"a":[{}]}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		members, err := Object(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		seen := map[string]bool{}
		for _, m := range members {
			if seen[m.Name] && !slices.Contains(Repeated(text), m.Name) {
				t.Errorf("%q has %q twice", text, m.Name)
			}
			seen[m.Name] = true
		}
		if len(seen) != len(want) {
			t.Errorf("%q: %d names, want %d", text, len(seen), len(want))
		}
	})
}
