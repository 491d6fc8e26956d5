package secretscmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

func TestImport(t *testing.T) {
	t.Parallel()
	const stored = "# c\nA=1\nEMPTY=\nB='two words'\n"
	for name, tc := range map[string]struct {
		source string
		args   []string
		want   string // of .env; "" is unchanged
		result imported
		code   int
		says   string
	}{
		"dotenv": {
			source: "export NEW=" + canary + "\nA=1\nEMPTY=x\n", want: "# c\nA=1\nEMPTY=x\nB='two words'\nNEW=" + canary + "\n",
			result: imported{Added: []string{"NEW", "EMPTY"}, Replaced: []string{}, Unchanged: []string{"A"}},
		},
		"json": {
			source: "\ufeff {\"NEW\": \"" + canary + "\", \"B\": \"two words\"}\n", want: stored + "NEW=" + canary + "\n",
			result: imported{Added: []string{"NEW"}, Replaced: []string{}, Unchanged: []string{"B"}},
		},
		"nothing new": {
			source: "B=\"two words\"\n", result: imported{Added: []string{}, Replaced: []string{}, Unchanged: []string{"B"}},
		},
		"differs": {source: "NEW=1\nA=" + canary, code: failure.Failed, says: "different values for A"},
		"differs, overwrite": {
			source: "A=" + canary, args: []string{"--overwrite"}, want: "# c\nA=" + canary + "\nEMPTY=\nB='two words'\n",
			result: imported{Added: []string{}, Replaced: []string{"A"}, Unchanged: []string{}},
		},
		"malformed line":    {source: "NEW=1\n=" + canary + "\n", code: failure.Failed, says: "source:2: "},
		"without value":     {source: "NEW\n", code: failure.Failed, says: "no secrets in source"},
		"odd name":          {source: "a-b=" + canary, code: failure.Failed, says: "a-b is not a valid name"},
		"not UTF-8":         {source: "A=\xff", code: failure.Failed, says: "cannot read source"},
		"empty":             {source: "# nothing\n", code: failure.Failed, says: "no secrets in source"},
		"json, number":      {source: `{"NEW": 1}`, code: failure.Failed, says: "value of NEW is not a string"},
		"json, nested":      {source: `{"NEW": {"A": "` + canary + `"}}`, code: failure.Failed, says: "value of NEW is not a string"},
		"json, null":        {source: `{"NEW": null}`, code: failure.Failed, says: "value of NEW is not a string"},
		"json, twice":       {source: `{"NEW": "` + canary + `", "NEW": "2"}`, code: failure.Failed, says: "NEW appears twice"},
		"json, cut off":     {source: `{"NEW": "` + canary + `"`, code: failure.Failed, says: "ends or is invalid after 1"},
		"json, cut value":   {source: `{"NEW": "` + canary, code: failure.Failed, says: "value of NEW cannot be read"},
		"json, two objects": {source: `{"NEW": "` + canary + `"}{}`, code: failure.Failed, says: "more data after it"},
		"json, NUL":         {source: `{"NEW": "` + canary + `\u0000"}`, code: failure.Failed, says: "NUL"},
		"json, not UTF-8":   {source: "{\"NEW\": \"" + canary + "\xff\"}", code: failure.Failed, says: "not UTF-8"},
		"json, empty":       {source: `{}`, code: failure.Failed, says: "no secrets"},
		"too large":         {source: "A=" + strings.Repeat("a", maxSource), code: failure.Failed, says: "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, from := range []string{"source", "-"} {
				r := newFixture(t, map[string]string{".env": stored, "source": tc.source})
				err := r.run(tc.source, append(append([]string{"import", from}, tc.args...), "--json")...)
				r.quiet(err)
				if tc.want == "" {
					tc.want = stored
				}
				if got := r.file(".env"); got != tc.want {
					t.Errorf("from %s: .env is %q, want %q", from, got, tc.want)
				}
				if failure.Code(err) != tc.code {
					t.Fatalf("from %s: %v, want status %d", from, err, tc.code)
				}
				if tc.code != failure.Done {
					says := tc.says
					if from == "-" {
						says = strings.ReplaceAll(says, "source", "standard input")
					}
					if !strings.Contains(err.Error(), says) {
						t.Errorf("from %s: %q is missing in %q", from, says, err)
					}
					continue
				}
				tc.result.File = filepath.Join(r.dir, ".env")
				var got imported
				if err := json.Unmarshal(r.out.Bytes(), &got); err != nil || !reflect.DeepEqual(got, tc.result) {
					t.Errorf("from %s: %v: got %+v, want %+v", from, err, got, tc.result)
				}
			}
		})
	}
}

func TestImportMakesPrivateFile(t *testing.T) {
	t.Parallel()
	r := newFixture(t, nil)
	if err := r.run("A=1\n", "import", "-"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(r.dir, ".env")); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v: %v", err, info.Mode())
	}
	if err := r.run("", "import", "none"); failure.Code(err) != failure.Failed || !strings.Contains(err.Error(), "none") {
		t.Errorf("a missing file: %v", err)
	}
}

// FuzzReadJSON compares with the decoder of the standard library: what we accept is what it reads.
func FuzzReadJSON(f *testing.F) {
	f.Add(`{"A": "1", "B": "\u00fc\ud800"}`)
	f.Add(`{"A": "1", "A": "2"}`)
	f.Add(`{"A": {}}`)
	f.Add("{\"A\":\"\xff\"}")
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, "{") {
			return
		}
		pairs, err := readJSON("x", []byte(text))
		var want map[string]*string
		wantErr := json.Unmarshal([]byte(text), &want)
		if err != nil {
			return
		}
		if wantErr != nil || !utf8.ValidString(text) || len(want) != len(pairs) {
			t.Fatalf("%q: %v, %d pairs", text, wantErr, len(pairs))
		}
		for name, value := range want {
			if value == nil || !slices.ContainsFunc(pairs, func(e entry) bool { return e.Key == name && e.Value == *value }) {
				t.Errorf("%q: %s is missing", text, name)
			}
		}
	})
}
