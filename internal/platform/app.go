package platform

import "slices"

// App is an app of a project, and how to run it.
type App struct {
	Framework Framework
	Entry     string // file to start, relative to the project folder with slashes; "" if Command is used
	Object    string // object in Entry to serve, or a function that creates it; "" to detect it
	Package   string // module that the requirements must include if it differs from the framework's, such as starlette
	Command   string // for the shell; only for the framework Shell
	Runtime   Runtime
	Base      string // path below which the app's settings make it serve, such as /myapp; "" for the root
	BaseFrom  string // the setting of BasePath, and where it is
}

// Recipe returns how to run a on an operating system (a GOOS value); false if it cannot be run there.
func (a App) Recipe(goos string) (Recipe, bool) {
	r, ok := RecipeFor(a.Framework, goos)
	if !ok {
		return r, false
	}
	r.Object, r.Base, r.Command = a.Object, a.Base, a.Command
	if a.Entry != "" {
		r.Entry = a.Entry
	}
	if a.Package != "" {
		r.Package = a.Package
	}
	if a.Framework == Shell {
		r.Runtime, r.Entry = a.Runtime, ""
	}
	if a.Framework == Shiny && a.Object != "" {
		r.Args = slices.Clone(r.Args)
		r.Args[slices.Index(r.Args, "{entry}")] = "{entry}:{object}"
	}
	return r, true
}

// String describes a for messages.
func (a App) String() string {
	if a.Command != "" {
		return a.Command
	}
	if a.Object != "" {
		return a.Entry + ":" + a.Object
	}
	return a.Entry
}
