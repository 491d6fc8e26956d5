package dashboard

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// clean makes text of users and apps safe to look at: characters that a browser does not show, or that change the direction of what
// follows, are replaced by their code. Escaping is done by html/template.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, isHidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isHidden(r) {
			fmt.Fprintf(&b, "<U+%04X>", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isHidden tells control and format characters from those that are shown. Line breaks and tabs are, and the joiners that emoji and
// some scripts need.
func isHidden(r rune) bool {
	const nonJoiner, joiner, lineSeparator, paragraphSeparator = '\u200C', '\u200D', '\u2028', '\u2029'
	switch r {
	case '\n', '\t', nonJoiner, joiner:
		return false
	case lineSeparator, paragraphSeparator:
		return true
	}
	return unicode.Is(unicode.C, r)
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// size writes a number of bytes in the unit that fits.
func size(bytes int64) string {
	switch {
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	case bytes >= 1e3:
		return fmt.Sprintf("%.1f KB", float64(bytes)/1e3)
	default:
		return fmt.Sprintf("%d bytes", bytes)
	}
}
