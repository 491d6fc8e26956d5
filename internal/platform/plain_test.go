package platform

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPlainLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ line, want string }{
		"plain":                      {"GET / 200\tok", "GET / 200\tok"},
		"other languages":            {"naïve 日本語 ✓ 👩‍💻", "naïve 日本語 ✓ 👩‍💻"},
		"colours":                    {"\x1b[1;31merror\x1b[0m: x", "error: x"},
		"title of the window":        {"a\x1b]0;evil\x07b", "ab"},
		"link":                       {"\x1b]8;;http://evil.example\x1b\\text\x1b]8;;\x1b\\", "text"},
		"string without an end":      {"a\x1b]52;c;ZXZpbA==", "a52;c;ZXZpbA=="},
		"sequence without an end":    {"a\x1b[31", "a31"},
		"sequence cut by a control":  {"a\x1b[3\x001m", "a31m"},
		"character set":              {"\x1b(0lqk", "lqk"},
		"reset":                      {"\x1bca", "a"},
		"escape at the end":          {"a\x1b", "a"},
		"escape before an escape":    {"a\x1b\x1b[2Jb", "ab"},
		"control sequence in 8 bits": {"a\u009b2Jb", "a2Jb"},
		"progress bar":               {"\r 10%\r 55%\r100%\r\n", "100%"},
		"backspaces":                 {"abc\b\b\bxyz", "abcxyz"},
		"invalid UTF-8":              {"a\xffb\xc3", "a\uFFFDb\uFFFD"},
		"null":                       {"a\x00b", "ab"},
		"reversed text":              {"a\u202egpj.exe", "agpj.exe"},
		"line separators":            {"a\u2028b\u2029c\u0085d\vf", "a b cdf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := PlainLine(tc.line); got != tc.want {
				t.Errorf("%q becomes %q, want %q", tc.line, got, tc.want)
			}
		})
	}
}

func FuzzPlainLine(f *testing.F) {
	for _, seed := range []string{"a", "\x1b[31mred\x1b[0m", "\x1b]0;t\x07", "\x1b\x1b[", "\xff\r\n", "\u202e\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got := PlainLine(line)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
			t.Errorf("%q becomes %q", line, got)
		}
		if again := PlainLine(got); again != got {
			t.Errorf("%q becomes %q, then %q", line, got, again)
		}
	})
}
