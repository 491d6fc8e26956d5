package cli

import "github.com/ploomber/ploomber-cloud/internal/cli/exportcmd"

// export is what writing the login down for other programs needs.
func (e *env) export() exportcmd.Options {
	return exportcmd.Options{IO: e.io, Folder: e.folder(), Lookup: e.system.Lookup}
}
