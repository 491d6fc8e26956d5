package dotenv

import (
	"strings"
	"unicode"
)

// python-dotenv expands "${" inside every kind of quote and knows no escape for it. A reference without a name
// always reads as its fallback, so these two stand for the plain characters.
const (
	literalDollarBrace = "${:-$}{"
	literalBackslash   = `${:-\}`
)

// encodings returns the ways to write value so that python-dotenv reads it back, the most widely understood
// first: godotenv agrees with the first wherever it can agree with any, docker's --env-file (which knows no
// quotes) with the unquoted ones.
func encodings(value string) []string {
	if plain(value) {
		return []string{value, "'" + value + "'", `"` + value + `"`}
	}
	text, oneLine := quotable(value), !strings.ContainsAny(value, "\r\n")
	single, asIs := singleQuoted(text)
	var list []string
	if strings.HasSuffix(value, `\`) && bareable(value) { // no quotes carry it to every reader
		list = append(list, bare(value))
	}
	if asIs && oneLine {
		list = append(list, single)
	}
	// godotenv expands $NAME within double quotes, and cuts off a quote at their end
	if asIs && (strings.Contains(value, "$") || strings.HasSuffix(value, `"`)) {
		list = append(list, single)
	}
	list = append(list, doubleQuoted(text))
	if !strings.Contains(value, "\r") { // a bare CR in a file reads as LF
		list = append(list, single)
	}
	if bareable(value) {
		list = append(list, bare(value))
	}
	return list
}

// plain reports whether value needs no quotes in any reader, nor in a shell.
func plain(value string) bool {
	for _, r := range value {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_./:@%+,=-", r) {
			return false
		}
	}
	return true
}

// bareable reports whether value survives without quotes.
func bareable(value string) bool {
	return value != "" &&
		!strings.ContainsAny(value, "\r\n") &&
		!strings.ContainsAny(value[:1], `#'"`) &&
		strings.TrimFunc(value, isSpace) == value &&
		cutComment(value) == value
}

func bare(value string) string {
	if _, expands := nextReference(value, 0); expands {
		return strings.ReplaceAll(value, "${", literalDollarBrace)
	}
	return value
}

// quotable returns text that expands to value and does not end in a backslash: python-dotenv before 1.2.3 and
// godotenv take an escaped backslash before the closing quote for an escaped quote.
func quotable(value string) string {
	body, hasBackslash := strings.CutSuffix(value, `\`)
	tail := ""
	if hasBackslash {
		tail = literalBackslash
	}
	if _, expands := nextReference(body+tail, 0); expands {
		body = strings.ReplaceAll(body, "${", literalDollarBrace)
	}
	return body + tail
}

// singleQuoted quotes text. asIs reports whether nothing in it had to be escaped.
func singleQuoted(text string) (quoted string, asIs bool) {
	if !strings.Contains(text, "'") && unescape(text, '\'') == text {
		return "'" + text + "'", true
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'", false
}

func doubleQuoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(text) + `"`
}
