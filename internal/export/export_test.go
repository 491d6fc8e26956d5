package export

// Targets is targets, for tests.
func Targets() []target { return targets() }
