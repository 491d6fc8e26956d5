//go:build !unix

package settings

import "io/fs"

// own relies on the access list of the user's profile folder, which files in it inherit.
func own(fs.FileInfo) bool { return true }
