package dashboard

import "testing"

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain é 日本 👩‍💻\ttext\n": "plain é 日本 👩‍💻\ttext\n",
		"\x1b[31mred\x1b[0m":     "<U+001B>[31mred<U+001B>[0m",
		"a\x00b\rc\x7f\u009b":    "a<U+0000>b<U+000D>c<U+007F><U+009B>",
		"\u202eexe\u2066\u200b":  "<U+202E>exe<U+2066><U+200B>",
		"a\u2028b\ufeff":         "a<U+2028>b<U+FEFF>",
		"bad \xff\xfe bytes":     "bad \uFFFD bytes",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", hostile, "\u202e\x1b]8;;http://x\x07", "a\nb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		for _, r := range got {
			if isHidden(r) {
				t.Errorf("%q: %q has %U", s, got, r)
			}
		}
		if clean(got) != got {
			t.Errorf("%q: cleaned twice: %q", s, clean(got))
		}
	})
}
