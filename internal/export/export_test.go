package export

// Target is target, for tests.
type Target = target

// Targets is targets, for tests.
func Targets() []target { return targets() }

// NameTargets is nameTargets, for tests.
func NameTargets() []target { return nameTargets() }

// ClearedHeaders is clearedHeaders, for tests.
func ClearedHeaders() []string { return clearedHeaders() }
