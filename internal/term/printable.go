package term

import "strconv"

// Printable is text as it may be shown on a terminal: quoted where it holds a character that would do
// something there, such as moving the cursor.
func Printable(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}
