package dotenv

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

var (
	// ErrKey is wrapped by the error of Set for a key that python-dotenv could not read back.
	ErrKey = errors.New("not a key that a .env file can hold")
	// ErrValue is wrapped by the error of Set for a value that no quoting can carry.
	ErrValue = errors.New("not a value that a .env file can hold")
	// ErrNoPlace is wrapped by the error of Set where unclosed quotes in the file leave no place in which the
	// value would be read back without changing another key.
	ErrNoPlace = errors.New("unclosed quotes leave no safe place for the value")
)

// EncodingError says that a file is not UTF-8, which python-dotenv refuses as a whole.
type EncodingError struct {
	Line   int // of the first wrong byte, counted from 1
	Offset int // of the first wrong byte, counted from 0
}

func (e *EncodingError) Error() string {
	return fmt.Sprintf("line %d: not UTF-8 (byte offset %d)", e.Line, e.Offset)
}

func newEncodingError(data []byte) *EncodingError {
	offset := 0
	for offset < len(data) {
		r, size := utf8.DecodeRune(data[offset:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	return &EncodingError{Line: 1 + countLines(string(data[:offset])), Offset: offset}
}
