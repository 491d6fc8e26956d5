package dotenv

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// environ is the environment of the generated cases; the file's own keys come before it.
var environ = map[string]string{"E": "from env", "A": "env A", "username_main_app": "env user"}

func lookupIn(env map[string]string) Lookup {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestAddThenRemoveRestores(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		file := anyFile().Draw(t, "file")
		added := rapid.SliceOfNDistinct(freshKey(), 1, 3, rapid.ID[string]).Draw(t, "keys")
		values := rapid.SliceOfN(anyValue(), len(added), len(added)).Draw(t, "values")
		removed := rapid.Permutation(added).Draw(t, "removal order")
		checkRestored(t, file, added, values, removed)
	})
}

func checkRestored(t fataler, file string, added, values, removed []string) {
	t.Helper()
	f := parse(file)
	for _, key := range added {
		if f.last(key) >= 0 {
			return // not an addition
		}
	}
	text := file
	for i, key := range added {
		f := reopen(t, text)
		err := f.Set(key, values[i])
		if errors.Is(err, ErrNoPlace) && f.refersTo(key) && string(f.Bytes()) == text {
			return
		}
		if err != nil {
			t.Fatalf("%s=%q in %q: %v", key, values[i], text, err)
		}
		text = string(f.Bytes())
	}
	for i, key := range added {
		if got, ok := reopen(t, text).Get(key, nil); !ok || got != values[i] {
			t.Fatalf("%s in %q reads %q; want %q", key, text, got, values[i])
		}
	}
	with := text
	for _, key := range removed {
		f := reopen(t, text)
		if !f.Unset(key) {
			t.Fatalf("%s is not in %q", key, text)
		}
		text = string(f.Bytes())
	}
	if text != file {
		t.Fatalf("%q became %q, then %q", file, with, text)
	}
}

// refersTo reports whether a value of the file refers to key. Only then can a new key be refused: next to an
// unclosed quote, where the reference would pick it up on one side and the quote on the other.
func (f *File) refersTo(key string) bool {
	return slices.ContainsFunc(f.statements, func(s statement) bool { return refersTo(s.value, key) })
}

func reopen(t fataler, text string) *File {
	t.Helper()
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return f
}

func TestReadsAsPythonDotenv(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	rapid.Check(t, func(t *rapid.T) {
		p.compare(t, anyFile().Draw(t, "file"), environ)
	})
}

// compare has both read file and returns what python-dotenv reads.
func (p *peer) compare(t fataler, file string, env map[string]string) reading {
	t.Helper()
	want := p.read(t, []byte(file), env)
	f, err := Parse([]byte(file))
	if (err != nil) != (want.Error != "") {
		t.Fatalf("%q: error %v; python-dotenv: %q", file, err, want.Error)
	}
	if err != nil {
		return want
	}
	if d := cmp.Diff(pairs(want.Values), f.Values(lookupIn(env))); d != "" {
		t.Fatalf("%q (- python-dotenv, + ours)\n%s", file, d)
	}
	var lines []int
	for _, w := range warnings(f) {
		lines = append(lines, w.line)
	}
	if !slices.Equal(lines, want.Lines) {
		t.Fatalf("%q: malformed lines %v; python-dotenv: %v", file, lines, want.Lines)
	}
	return want
}

// Edits, one upon the other: what was typed is read back by python-dotenv, and nothing else changes.
func TestEditsReadAsPythonDotenv(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	rapid.Check(t, func(t *rapid.T) {
		file := anyFile().Draw(t, "file")
		before := p.compare(t, file, environ)
		for range rapid.IntRange(1, 3).Draw(t, "edits") {
			f := reopen(t, file)
			key := rapid.OneOf(freshKey(), anyKey(), rapid.SampledFrom(append(f.Keys(), "NEW"))).Draw(t, "key")
			had := f.last(key) >= 0
			typed, set := "", rapid.IntRange(0, 3).Draw(t, "set") > 0
			if set {
				typed = anyValue().Draw(t, "typed")
				if err := f.Set(key, typed); err != nil {
					if string(f.Bytes()) != file {
						t.Fatalf("%q: Set failed and changed the file", file)
					}
					continue
				}
			} else if f.Unset(key) != had {
				t.Fatalf("%q: Unset(%q) found it: %v", file, key, !had)
			}
			edited := string(f.Bytes())
			after := p.compare(t, edited, environ)
			checkEdit(t, edit{file, edited, key, typed, set, had}, before, after)
			file, before = edited, after
		}
	})
}

// A key that is set again is read as if only its value had changed, by what refers to it as well.
func TestReplacedKeyIsReferredToAsBefore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := parse(anyFile().Draw(t, "file"))
		if len(f.Keys()) == 0 {
			return
		}
		key, typed := rapid.SampledFrom(f.Keys()).Draw(t, "key"), anyValue().Draw(t, "typed")
		want := &File{statements: slices.Clone(f.statements)}
		s := &want.statements[f.last(key)]
		s.null, s.value = false, strings.ReplaceAll(typed, "${", literalDollarBrace)
		if err := f.Set(key, typed); err != nil {
			return
		}
		byKey := cmpopts.SortSlices(func(a, b Pair) bool { return a.Key < b.Key })
		if d := cmp.Diff(want.Values(lookupIn(environ)), f.Values(lookupIn(environ)), byKey); d != "" {
			t.Fatalf("%q (- wanted, + read)\n%s", f.text, d)
		}
	})
}

type edit struct {
	before, after string
	key, typed    string
	set, had      bool
}

func checkEdit(t fataler, e edit, before, after reading) {
	t.Helper()
	values := asMap(after.Values)
	if got, ok := values[e.key]; ok != e.set || ok && got != (Pair{Key: e.key, Value: e.typed}) {
		t.Fatalf("%+v\npython-dotenv reads %+v", e, got)
	}
	want, got := asMap(before.Raw), asMap(after.Raw)
	if !e.had { // nothing can refer to it yet, so the expanded values stay as well
		want, got = asMap(before.Values), values
	}
	delete(want, e.key)
	delete(got, e.key)
	if !maps.Equal(want, got) {
		t.Fatalf("%+v\n%s", e, cmp.Diff(want, got))
	}
}

func asMap(values [][2]*string) map[string]Pair {
	m := map[string]Pair{}
	for _, p := range pairs(values) {
		m[p.Key] = p
	}
	return m
}
