package target

import "strings"

// Place says where a request target is, seen from a base path such as /team/app.
type Place int

// The places.
const (
	Inside  Place = iota
	Bare          // the base path without the slash
	Outside       // elsewhere on the host
)

// Below takes a base path off a target. It has to be there as it is written, without escapes. An empty base is the
// whole host.
func Below(base, target string) (string, Place) {
	rest, ok := strings.CutPrefix(target, base)
	switch {
	case base == "" || ok && strings.HasPrefix(rest, "/"):
		return rest, Inside
	case ok && (rest == "" || rest[0] == '?'):
		return "/" + rest, Bare
	default:
		return target, Outside
	}
}
