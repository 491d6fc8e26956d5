package dotenv

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, value, want string }{
		"empty file":                  {"", "v", "K=v\n"},
		"bom only":                    {"\ufeff", "v", "\ufeffK=v\n"},
		"at the end":                  {"A=1\n", "v", "A=1\nK=v\n"},
		"no final newline":            {"A=1", "v", "A=1\nK=v"},
		"no final newline, crlf":      {"A=1\r\nB=2", "v", "A=1\r\nB=2\r\nK=v"},
		"crlf":                        {"A=1\r\n", "v", "A=1\r\nK=v\r\n"},
		"cr":                          {"A=1\r", "v", "A=1\rK=v\r"},
		"mixed newlines":              {"A=1\r\nB=2\n", "v", "A=1\r\nB=2\nK=v\n"},
		"comments only":               {"# c\n\n# d", "v", "# c\n\n# d\nK=v"},
		"white space only":            {"  ", "v", "  \nK=v"},
		"before an unclosed quote":    {"A=1\n  B=\"x\nC=2", "v", "A=1\nK=v\n  B=\"x\nC=2"},
		"before it, crlf":             {"B='x\r\nC=2", "v", "K=v\r\nB='x\r\nC=2"},
		"behind it, other quote":      {"B='x\nC=${K}\n", "a b", "B='x\nC=${K}\nK=\"a b\"\n"},
		"unquoted":                    {"K=old\n", "new", "K=new\n"},
		"the same":                    {"K= 'v' # c", "v", "K= 'v' # c"},
		"the same, by reference":      {"A=v\nK=${A}\n", "v", "A=v\nK=v\n"},
		"keeps what is around":        {" \texport  K = 'a\nb' # c\r\nA=1", "v", " \texport  K = v # c\r\nA=1"},
		"keeps trailing space":        {"K=old  \n", "new", "K=new  \n"},
		"quoted name":                 {"'K'=old\n", "new", "'K'=new\n"},
		"comment right behind quotes": {"K='old'#c\n", "new", "K=new #c\n"},
		"empty before a comment":      {"K=old # c\n", "", "K='' # c\n"},
		"empty":                       {"K=old\n", "", "K=\n"},
		"was empty":                   {"K=\nA=1", "v", "K=v\nA=1"},
		"was empty, comment":          {"K= # c\n", "v", "K=v # c\n"},
		"was null":                    {"export K\n", "v", "export K=v\n"},
		"was null, comment":           {"K#c\n", "v", "K=v #c\n"},
		"was null, no newline":        {"A=1\nK", "v", "A=1\nK=v"},
		"given twice":                 {"K=1\nA=${K}\nK=2\nB=3\n", "v", "K=1\nA=${K}\nK=v\nB=3\n"},
		"behind an unclosed quote":    {"A='x\nK=1\n", "a b", "A='x\nK=\"a b\"\n"},
		"moves before the quote":      {"A=\"x\nK=1\n", `say "hi"`, "K='say \"hi\"'\nA=\"x\n"},
		"moves, still referred to":    {"A=\"x\nK=1\nB=${K}", `say "hi"`, "K='say \"hi\"'\nA=\"x\nB=${K}"},
		"malformed line of the key":   {"K x\n", "v", "K x\nK=v\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(tc.file)
			if err := f.Set("K", tc.value); err != nil {
				t.Fatal(err)
			}
			if got := string(f.Bytes()); got != tc.want {
				t.Errorf("%q\nwant %q", got, tc.want)
			}
			if got, ok := f.Get("K", nil); !ok || got != tc.value {
				t.Errorf("reads %q, %v; want %q", got, ok, tc.value)
			}
		})
	}
}

func TestUnset(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, want string }{
		"alone":                {"K=v\n", ""},
		"alone, no newline":    {"K=v", ""},
		"first":                {"K=v\nA=1\n", "A=1\n"},
		"last":                 {"A=1\nK=v\n", "A=1\n"},
		"last, no newline":     {"A=1\nK=v", "A=1"},
		"last, crlf":           {"A=1\r\nK=v", "A=1"},
		"blank lines stay":     {"A=1\n\n  K=v # c\n\nB=2\n", "A=1\n\n\nB=2\n"},
		"comments stay":        {"# about K\nK=v\n# end", "# about K\n# end"},
		"several lines":        {"A=1\nK='a\n\nb'\nB=2\n", "A=1\nB=2\n"},
		"given thrice":         {"K=1\nA=1\nexport K\nK='3'", "A=1"},
		"bom":                  {"\ufeffK=1\nA=1\n", "\ufeffA=1\n"},
		"bom in the next line": {"K=1\n\ufeffA=1\n", "\n\ufeffA=1\n"},
		"malformed lines stay": {"K x\nK=1\n'K'y\n", "K x\n'K'y\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(tc.file)
			if !f.Unset("K") {
				t.Fatal("K is not found")
			}
			if got := string(f.Bytes()); got != tc.want {
				t.Errorf("%q\nwant %q", got, tc.want)
			}
			if f.Unset("K") || string(f.Bytes()) != tc.want {
				t.Error("a second Unset changes the file")
			}
		})
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, key, value string
		want             error
	}{
		"no key":                {"", "", "v", ErrKey},
		"space in the key":      {"", "a b", "v", ErrKey},
		"exotic space":          {"", "a\u2003b", "v", ErrKey},
		"equal sign":            {"", "a=b", "v", ErrKey},
		"hash":                  {"", "a#b", "v", ErrKey},
		"quote":                 {"", "'a", "v", ErrKey},
		"newline in the key":    {"", "a\nb", "v", ErrKey},
		"bom in the key":        {"", "\ufeffa", "v", ErrKey},
		"key not UTF-8":         {"", "a\xff", "v", ErrKey},
		"value not UTF-8":       {"", "a", "v\xff", ErrValue},
		"NUL":                   {"", "a", "v\x00", ErrValue},
		"no place":              {"A='x\nB=\"y\nC=${K}\n", "K", "two\nlines", ErrNoPlace},
		"no place in its place": {"A='x\nC=${K}\nB=\"y\nK=1\n", "K", " ' ", ErrNoPlace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(tc.file)
			err := f.Set(tc.key, tc.value)
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v; want %v", err, tc.want)
			}
			if got := string(f.Bytes()); got != tc.file {
				t.Errorf("the file became %q", got)
			}
			if err != nil && tc.value != "v" && strings.Contains(err.Error(), tc.value) {
				t.Errorf("%q holds the value", err)
			}
		})
	}
}

func TestSetKeepsQuotedNames(t *testing.T) {
	t.Parallel()
	f := parse("'a b'=1\n")
	if err := f.Set("a b", "x y"); err != nil {
		t.Fatal(err)
	}
	if got, want := string(f.Bytes()), "'a b'='x y'\n"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	f := parse("A=1\r\n\r\n  two words\r=x\nexport \n''=1\nB='a\nb' c\n'D\nC=\"x\nE=1\n")
	want := []warning{
		{3, noEqualSign}, {4, noName}, {5, noExportName}, {6, emptyName}, {7, textAfter}, {9, unclosedName}, {10, unclosedValue},
	}
	if got := warnings(f); !slices.Equal(got, want) {
		t.Errorf("warnings %v, want %v", got, want)
	}
	if d := cmp.Diff([]string{"A", "E"}, f.Keys()); d != "" {
		t.Error(d)
	}
}

func TestEncodingError(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("A=é\r\nB=2\r\xff=1\n"))
	var encoding *EncodingError
	if !errors.As(err, &encoding) || *encoding != (EncodingError{Line: 3, Offset: 10}) {
		t.Fatalf("error %v; want line 3, offset 10", err)
	}
	if got, want := err.Error(), "line 3: not UTF-8 (byte offset 10)"; got != want {
		t.Errorf("error %q; want %q", got, want)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	f := parse("A=1\nB\nC=${A}${E}${Z:-z}\nA=2\n")
	for key, want := range map[string]struct {
		value string
		ok    bool
	}{
		"A": {"2", true}, "B": {"", false}, "C": {"1from envz", true}, "D": {"", false},
	} {
		if got, ok := f.Get(key, lookupIn(environ)); got != want.value || ok != want.ok {
			t.Errorf("%s reads %q, %v; want %q, %v", key, got, ok, want.value, want.ok)
		}
	}
}
