package platform

import "slices"

// App is an app of a project, and how it is run.
type App struct {
	Framework Framework
	Entry     string // file that is started, from the project's folder with slashes; "" where Command says it
	Object    string // name in Entry of what is served, or of a function that makes it; "" where that is to be found out
	Package   string // module that the requirements have to bring where it is not the framework's own, such as starlette
	Command   string // for the shell; of Shell only
	Runtime   Runtime
	Base      string // path below which the app's settings make it serve, such as /myapp; "" for none
	BaseFrom  string // the setting that says so, and where it is
}

// Recipe returns how a is run on an operating system (a GOOS value); false where there is no way.
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

// String names a for a person.
func (a App) String() string {
	if a.Command != "" {
		return a.Command
	}
	if a.Object != "" {
		return a.Entry + ":" + a.Object
	}
	return a.Entry
}
