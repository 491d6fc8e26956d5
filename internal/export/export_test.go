package export

// Targets is targets, for tests.
func Targets() []target { return targets() }

// ClearedHeaders is clearedHeaders, for tests.
func ClearedHeaders() []string { return clearedHeaders() }
