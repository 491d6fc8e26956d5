package dotenv

import (
	"strings"
	"testing"
	"unicode"

	"github.com/joho/godotenv"
	"pgregory.net/rapid"
)

func TestEncoding(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                      "",
		"00123":                 "00123",
		"postgres://u:p@h/db,x": "postgres://u:p@h/db,x",
		"é日本":                   "é日本",
		"a b":                   "'a b'",
		"a#b":                   "'a#b'",
		`say "hi"`:              `'say "hi"'`,
		"$HOME":                 "'$HOME'",
		`C:\new\table`:          `'C:\new\table'`,
		`C:\dir\`:               `C:\dir\`,
		"it's":                  `"it's"`,
		`\\host\share`:          `"\\\\host\\share"`,
		"two\nlines\r":          `"two\nlines\r"`,
		"$A\nb":                 "'$A\nb'",
		"'$A'\rb":               `"'$A'\rb"`,
		"${A}":                  "'${:-$}{A}'",
		"${":                    "'${'",
		`it's #\`:               `"it's #${:-\\}"`,
	} {
		if got := encodings(value)[0]; got != want {
			t.Errorf("%q is written %s; want %s", value, got, want)
		}
	}
}

// godotenv reads what Set writes as python-dotenv does, but for the few values for which no notation reads alike.
func TestGodotenvReadsWhatSetWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := anyValue().Draw(t, "value")
		if !alike(value) {
			return
		}
		f := parse("# c\nA='1' # d\n")
		for _, key := range []string{"A", "K"} {
			if err := f.Set(key, value); err != nil {
				t.Fatalf("%v", err)
			}
		}
		got, err := godotenv.UnmarshalBytes(f.Bytes())
		if err != nil || got["A"] != value || got["K"] != value {
			t.Fatalf("%q: godotenv reads %q, %v", f.Bytes(), got, err)
		}
	})
}

// alike reports whether there is a notation of value that python-dotenv and godotenv read alike. A value that
// single quotes do not carry goes into double quotes, where godotenv expands $NAME.
func alike(value string) bool {
	_, expands := nextReference(value, 0)
	single := !strings.ContainsAny(value, "'\r") && !strings.Contains(value, `\\`) && !strings.HasSuffix(value, `\`)
	double := !strings.Contains(value, "$") && !strings.HasSuffix(value, `"`) && !strings.HasSuffix(value, `\`)
	return !expands && (single || double || bareable(value) && !strings.Contains(value, "$") && strings.HasSuffix(value, `\`))
}

// Files that use nothing but common notation are read alike by godotenv.
func TestGodotenvReadsPlainFiles(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[A-Za-z0-9_./:@%+,-]{1,8}`)
	words := rapid.StringMatching(`[a-z0-9]{1,4}( [a-z#=;]{1,4}){0,3}`)
	value := rapid.OneOf(
		word,
		rapid.Map(words, func(s string) string { return "'" + s + "'" }),
		rapid.Map(words, func(s string) string { return `"` + s + `\n` + s + `"` }),
		rapid.Map(word, func(s string) string { return s + " # comment" }),
	)
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for _, v := range rapid.SliceOfN(value, 0, 6).Draw(t, "values") {
			b.WriteString(rapid.SampledFrom([]string{"", "export ", "# c\n\n"}).Draw(t, "before"))
			b.WriteString(rapid.StringMatching(`[A-Z][A-Z0-9_]{0,3}`).Draw(t, "key") + "=" + v + "\n")
		}
		want, err := godotenv.Unmarshal(b.String())
		if err != nil {
			t.Fatalf("%q: %v", b.String(), err)
		}
		got := map[string]string{}
		for _, p := range parse(b.String()).Values(nil) {
			got[p.Key] = p.Value
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %q; godotenv: %q", b.String(), got, want)
		}
		for k, v := range want {
			if got[k] != v {
				t.Fatalf("%q: %s is %q; godotenv: %q", b.String(), k, got[k], v)
			}
		}
	})
}

// docker's --env-file takes everything behind "=" as the value.
func TestPlainValuesAreWrittenBare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[A-Za-z0-9_./:@%+,=-]{0,12}`).Draw(t, "value")
		f := parse("")
		if err := f.Set("K", value); err != nil || string(f.Bytes()) != "K="+value+"\n" {
			t.Fatalf("%q is written %q, %v", value, f.Bytes(), err)
		}
	})
}

func TestSpaceIsPythonsSpace(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		// Python counts the four information separators besides what Unicode calls White_Space
		if want := unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f; isSpace(r) != want {
			t.Errorf("%U: %v; want %v", r, isSpace(r), want)
		}
	}
}
