package dotenv

import (
	"strings"

	"pgregory.net/rapid"
)

// Generators that know where .env files are delicate: every piece below is one that some rule looks at.
// They are made anew for each use, because a generator must not be shared between tests that run at once.

func anyKey() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"A", "B", "C", "username_main_app", "password_main_app", "É", "a.b-c", "export", `K\`, `"q"`, "x:y", "$A", "\ufeffB",
	})
}

func freshKey() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"username_main_app", "password_main_app", "NEW", "AUTH_SECRET"})
}

func anyBlank() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "", "", " ", "\t", "  ", "\u00a0", "\u3000", "\v", "\x1c", "\u0085", "\u2028", "\f"})
}

func lineEnds() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n \r\n", ""})
}

func anyPiece() *rapid.Generator[string] { return rapid.SampledFrom(pieces) }

func anyPieces() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(anyPiece(), 0, 8).Draw(t, "pieces"), "")
	})
}

var pieces = []string{
	"a", "b", "A", "n", "t", "r", "x", "0", "1", " ", " ", "\t", "#", " #", "=", "'", `"`, `\`, `\\`, `\'`, `\"`, `\n`, `\r`, `\t`, `\a`, `\x`,
	"$", "${", "}", "${A}", "${B:-b}", "${A:-}", "${:-x}", ":", ":-", "${NOPE}", "${E}", "$A", "-", "export ", "export",
	"\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1f", "\u0085", "\u00a0", "\u1680", "\u2003", "\u200b", "\u2028", "\u3000", "é", "日本", "🔑", "\ufeff",
	"\x01", "\x7f", "`", "!", "00123", "/", "@", ",", ";", "&", "(", "%",
}

// anyValue is text that Set takes: anything but NUL.
func anyValue() *rapid.Generator[string] {
	return rapid.OneOf(
		anyPieces(),
		rapid.Map(rapid.String(), func(s string) string {
			return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
		}),
	)
}

func anyLine() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		key := rapid.OneOf(anyKey(), rapid.Map(anyPieces(), func(s string) string { return "'" + s + "'" })).Draw(t, "key")
		value := rapid.OneOf(
			anyPieces(),
			rapid.Map(anyPieces(), func(s string) string { return `"` + s + `"` }),
			rapid.Map(anyPieces(), func(s string) string { return "'" + s + "'" }),
			rapid.Map(anyValue(), func(s string) string { return encodings(s)[0] }),
			rapid.SampledFrom([]string{"", "${A}", "${B:-x}", "'${A}'", `"${A}"`, "${E}", "${username_main_app}"}),
		).Draw(t, "value")
		blanks := func(label string) string { return anyBlank().Draw(t, label) }
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return anyPieces().Draw(t, "junk")
		case 1:
			return blanks("indent") + "#" + anyPieces().Draw(t, "comment")
		case 2:
			return blanks("indent") + key + blanks("behind")
		case 3:
			return blanks("indent") + "export" + blanks("export") + key + "=" + value
		case 4:
			return key + blanks("before =") + "=" + blanks("behind =") + value + blanks("before #") + "#" + anyPieces().Draw(t, "comment")
		default:
			return blanks("indent") + key + blanks("before =") + "=" + blanks("behind =") + value
		}
	})
}

// anyFile is a .env file of delicate lines, valid UTF-8.
func anyFile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"", "", "", "\ufeff", "\n", " "}).Draw(t, "start"))
		for _, line := range rapid.SliceOfN(anyLine(), 0, 7).Draw(t, "lines") {
			b.WriteString(line)
			b.WriteString(lineEnds().Draw(t, "line end"))
		}
		return b.String()
	})
}
