package dotenv

import (
	"fmt"
	"strings"
	"testing"
)

// files of a megabyte each; the pathological ones take quadratic time where a rule is followed carelessly.
func megabytes() map[string]string {
	fill := func(piece string) string { return strings.Repeat(piece, 1<<20/len(piece)) }
	var ordinary strings.Builder
	for i := 0; ordinary.Len() < 1<<20; i++ {
		fmt.Fprintf(&ordinary, "# the key %d\nexport KEY_%d='a value # %d' # comment\nREF_%d=${KEY_%d}/x\n", i, i, i, i, i)
	}
	return map[string]string{
		"ordinary":         ordinary.String(),
		"one value":        "A='" + fill("x") + "'\n",
		"spaces":           "A=" + fill(" ") + "#\n",
		"inner spaces":     "A=x" + fill(" ") + "x\n",
		"blank lines":      fill("\n"),
		"open references":  "A='" + fill("${") + "'\n",
		"colon references": "A='" + fill("${") + ":}'\n",
		"open fallbacks":   "A='" + fill("${:-") + "'\n",
		"unclosed quotes":  fill("A=\"x\nB='y\n"),
		"odd lines":        fill("A='x' y\n"),
		"backslashes":      "A=\"" + fill(`\`) + "\"\n",
		"one key":          fill("A=1\n"),
		"bare keys":        fill("A\n"),
		"no newline":       fill("A= # "),
	}
}

func BenchmarkParseAndValues(b *testing.B) {
	for name, file := range megabytes() {
		data := []byte(file)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				f, err := Parse(data)
				if err != nil {
					b.Fatal(err)
				}
				_ = f.Values(nil)
			}
		})
	}
}

func BenchmarkSetAndUnset(b *testing.B) {
	for name, file := range megabytes() {
		f := parse(file)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				if err := f.Set("username_main_app", "it's ann"); err != nil || !f.Unset("username_main_app") {
					b.Fatal(err)
				}
			}
		})
	}
}
