package authproxy

// LocalTarget is localTarget, for fuzzing from outside.
func LocalTarget(target string) string { return localTarget(target) }
