package proxycmd

import (
	"errors"
	"strings"
)

// sqlitePath returns the file of a session store, "" for sessions in memory.
func sqlitePath(store string) (string, error) {
	path, isFile := strings.CutPrefix(store, "sqlite:")
	switch {
	case store == "memory":
		return "", nil
	case isFile && path != "":
		return path, errors.New("sqlite is not available yet")
	default:
		return "", errors.New("must be memory, or sqlite: and the path of a file")
	}
}
