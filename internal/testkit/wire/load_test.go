package wire

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestLoadRefusesMistakes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"an unknown key":       {"- {name: a, run: x, exti: 1}", "exti"},
		"a name twice":         {"- {name: a, run: x}\n- {name: a, run: y}", "stands twice"},
		"an unknown fixture":   {"- {name: a, run: x, from: [nope]}", `no fixture "nope"`},
		"an unknown tag":       {"- {name: a, run: x, files: {f: !gnoe }}", "unknown tag !gnoe"},
		"a key twice":          {"- {name: a, run: x, files: {f.json: {b: 1, b: 2}}}", "stands twice"},
		"a reply to nothing":   {"- {name: a, run: x, replies: [{GET: {}}]}", "method and path"},
		"an unknown kind":      {"- {name: a, run: x, replies: [{GET /x tar: {}}]}", `unknown kind "tar"`},
		"a request to nothing": {"- {name: a, run: x, requests: [GET]}", "method and path"},
		"an unknown carriage":  {"- {name: a, run: x, requests: [{GET /x: {jsn: 1}}]}", "jsn"},
		"an unknown date":      {"- {name: a, run: x, given: {f: !dated {linux: 1}}}", "linux"},
		"no list":              {"name: a", "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(fstest.MapFS{"x.yaml": {Data: []byte(tc.text)}, "fixtures.yaml": {Data: []byte("a: b")}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not tell %q", err, tc.want)
			}
		})
	}
}

// A mapping becomes JSON as the reference tool writes it: four spaces, keys as they stand, ASCII.
func TestGivenJSON(t *testing.T) {
	t.Parallel()
	cases, err := Load(fstest.MapFS{
		"fixtures.yaml": {Data: []byte("a: b")},
		"x.yaml":        {Data: []byte(`- {name: a, run: x, given: {c.json: {z: 1.0, a: ["ü\\x", {}], e: [], n: null, 😀: true}}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n    \"z\": 1.0,\n    \"a\": [\n        \"\\u00fc\\\\x\",\n        {}\n    ],\n    \"e\": [],\n" +
		"    \"n\": null,\n    \"\\ud83d\\ude00\": true\n}"
	if got := cases[0].Project[0].Text; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
