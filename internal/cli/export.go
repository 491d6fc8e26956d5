package cli

import "github.com/ploomber/ploomber-cloud/internal/cli/exportcmd"

// export returns the dependencies of the export command.
func (e *env) export() exportcmd.Options {
	return exportcmd.Options{IO: e.io, Folder: e.folder(), Lookup: e.system.Lookup}
}
