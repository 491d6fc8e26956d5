package build

import (
	"io"
	"strings"
)

// redact hides user name and password in the addresses of a line.
func redact(line string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(line, "://")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteString("://")
		authority := rest
		if end := strings.IndexAny(rest, "/?# \t\"'<>"); end >= 0 {
			authority = rest[:end]
		}
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			out.WriteString("***")
			rest = rest[at:]
		}
		line = rest
	}
}

// redactor applies redact to lines that are written one at a time.
type redactor struct{ w io.Writer }

func (r redactor) Write(line []byte) (int, error) {
	if _, err := io.WriteString(r.w, redact(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}
