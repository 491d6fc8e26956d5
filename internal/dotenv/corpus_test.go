package dotenv

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testdata = "../../testdata/dotenv"

// recorded is a file of the corpus with what python-dotenv reads from it; see record.py in its folder.
type recorded struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Data []byte `json:"base64"`
	reading
}

func (r recorded) file() string {
	if r.Data != nil {
		return string(r.Data)
	}
	return r.Text
}

//go:generate sh -c "$PLOOMBER_TEST_PYTHON ../../testdata/dotenv/record.py > ../../testdata/dotenv/corpus.jsonl"

func corpus(t testing.TB) (files []recorded, env map[string]string) {
	t.Helper()
	in, err := os.Open(filepath.Join(testdata, "corpus.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	decoder := json.NewDecoder(bufio.NewReader(in))
	var head struct {
		Env map[string]string `json:"env"`
	}
	if err := decoder.Decode(&head); err != nil {
		t.Fatal(err)
	}
	for decoder.More() {
		var r recorded
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		files = append(files, r)
	}
	if len(files) < 300 {
		t.Fatalf("the corpus has %d files; want at least 300", len(files))
	}
	return files, head.Env
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	files, env := corpus(t)
	for _, r := range files {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			f, err := Parse([]byte(r.file()))
			if r.Error != "" {
				var encoding *EncodingError
				if !errors.As(err, &encoding) {
					t.Fatalf("error %v; want an *EncodingError", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(f.Bytes()); got != r.file() {
				t.Errorf("bytes %q; want %q", got, r.file())
			}
			if d := cmp.Diff(pairs(r.Values), f.Values(lookupIn(env))); d != "" {
				t.Errorf("%q (- python-dotenv, + ours)\n%s", r.file(), d)
			}
			var lines []int
			for _, w := range warnings(f) {
				lines = append(lines, w.line)
			}
			if !slices.Equal(lines, r.Lines) {
				t.Errorf("%q: malformed lines %v; python-dotenv: %v", r.file(), lines, r.Lines)
			}
		})
	}
}

// awkward values are typed into every file of the corpus.
var awkward = []string{
	"", "plain", "00123", "+5", " lead", "trail ", "a b", "a # b", "#a", "a#b", "it's", `say "hi"`, `"q'`, `'q"`,
	"$HOME", "${A}", "${A:-b}", "$${", "${", "}", "${:-x}", "a${A", "$(x)", "`x`", `C:\new\table`, `C:\dir\`, `\`, `\\`,
	`a b\`, `'\`, `"\`, "two\nlines", "cr\rlf\r\n", "\n", "tab\t", "\v\f\x1c\u0085\u00a0\u2028", "\x01\x1b", "日本 é 🔑", "\ufeff",
	`${A}\`, `${\`, "'\"$`\\ #\n${A:-'}", "a=b", "-", "~", "!", "null", `\n`, `\"`, `\'`, "x\\\ny", "${A}\r'\"",
}

func TestCorpusIsRestored(t *testing.T) {
	t.Parallel()
	files, _ := corpus(t)
	keys := []string{"username_api", "password_api"}
	for i, r := range files {
		if r.Error != "" {
			continue
		}
		step := 1
		if strings.HasPrefix(r.Name, "crossed ") || strings.HasPrefix(r.Name, "generated ") {
			step = 7 // there are many of a kind
		}
		for j := i % step; j < len(awkward); j += step {
			values := []string{awkward[j], awkward[(i+j)%len(awkward)]}
			checkRestored(t, r.file(), keys, values, keys)
			checkRestored(t, r.file(), keys, values, []string{keys[1], keys[0]})
		}
	}
}

func TestCorpusAgainstPythonDotenv(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	files, env := corpus(t)
	for i, r := range files {
		before := p.compare(t, r.file(), env)
		if d := cmp.Diff(r.Values, before.Values); d != "" {
			t.Errorf("%s is recorded differently (- recorded, + python-dotenv)\n%s", r.Name, d)
		}
		if r.Error != "" {
			continue
		}
		keys := reopen(t, r.file()).Keys()
		for _, key := range append(keys[:min(len(keys), 6)], "username_api") {
			f := reopen(t, r.file())
			had, typed := f.last(key) >= 0, awkward[i%len(awkward)]
			i++
			if err := f.Set(key, typed); err != nil {
				if !errors.Is(err, ErrNoPlace) && !errors.Is(err, ErrKey) || !had {
					t.Errorf("%s: %s=%q: %v", r.Name, key, typed, err)
				}
				continue
			}
			e := edit{before: r.file(), after: string(f.Bytes()), key: key, typed: typed, set: true, had: had}
			set := p.compare(t, e.after, env)
			checkEdit(t, e, before, set)

			if f.Unset(key) {
				e := edit{before: e.after, after: string(f.Bytes()), key: key, had: true}
				checkEdit(t, e, set, p.compare(t, e.after, env))
			}
		}
	}
}

// warning is a line that python-dotenv skips. reason never holds text of the file, which may be a secret.
type warning struct {
	line   int // counted from 1
	reason string
}

// warnings returns the malformed lines, in the order of the file.
func warnings(f *File) []warning {
	var list []warning
	line, counted := 1, 0
	for _, s := range f.statements {
		if !s.malformed() {
			continue
		}
		line += countLines(f.text[counted:s.start])
		counted = s.start
		list = append(list, warning{line: line, reason: s.problem})
	}
	return list
}
