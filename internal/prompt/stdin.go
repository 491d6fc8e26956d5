package prompt

import (
	"io"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// maxSecretLine bounds what is read as a secret, in bytes.
const maxSecretLine = 64 << 10

// ReadSecret reads the first line of in, as it is but for its line break; what names it for people. All of in is
// used up: it must be read before the first question, whose answer would come from the same place.
func ReadSecret(in io.Reader, what string) (string, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxSecretLine+1))
	if err != nil {
		return "", failure.Failedf("cannot read the %s: %w", what, err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case line == "":
		return "", failure.Failedf("no %s came on standard input", what)
	case len(line) > maxSecretLine:
		return "", failure.Failedf("what came on standard input is too long to be a %s", what)
	}
	return line, nil
}
