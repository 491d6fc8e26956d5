package platform

import (
	"maps"
	"slices"
	"strings"
)

// Runtime is what executes an app.
type Runtime int

// The runtimes that a build can prepare.
const (
	Python Runtime = iota
	R
	Container
	Plain // what the machine has: nothing is prepared
)

// Recipe says how apps of one framework are started and how one sees that they are ready.
//
// Args, Env and Cleanup may hold placeholders: {entry} the file that is started, {port} the port to listen on,
// {root} a private folder of the app outside the project, {secret} a random text that stays the same as long
// as the app is supervised, {image} and {name} of a container. An argument {env} becomes "-e NAME" for each
// variable of the project, so that no value shows up in a process list.
type Recipe struct {
	Runtime  Runtime
	Package  string            // module that the requirements have to bring, "" for none; it contains Program unless Supplied does
	Supplied string            // package that is added when requirements.txt does not bring it, as the platform does
	Program  string            // executable that starts the app
	Entry    string            // file of the project that is started
	AnyName  bool              // another file with the ending of Entry will do where it is the only one
	Args     []string          // for Program
	Env      map[string]string // set unless the project sets them itself
	Cleanup  []string          // arguments for Program once the app has ended
	Ready    string            // path that is cheap to ask for and answers 200 once the app can serve
	Lenient  bool              // any answer at Ready will do, because the page behind it belongs to the app
	Mirror   []string          // patterns of project files that must also be found in {root}, where the framework looks
}

// RecipeFor returns the recipe of a framework on an operating system (a GOOS value); false where there is none.
func RecipeFor(f Framework, goos string) (Recipe, bool) {
	r, ok := recipes(goos)[f]
	return r, ok
}

// Frameworks returns the names of all frameworks with a recipe, sorted.
func Frameworks() []Framework {
	return slices.Sorted(maps.Keys(recipes("linux")))
}

func recipes(goos string) map[Framework]Recipe {
	return map[Framework]Recipe{
		Streamlit: {
			Package: "streamlit", Program: "streamlit", Entry: "app.py",
			Args: words("run {entry} --server.port {port} --server.address 127.0.0.1 --server.headless true " +
				"--browser.gatherUsageStats false"),
			Ready: "/_stcore/health",
		},
		Panel: {
			Package: "panel", Program: "panel", Entry: "app.py",
			Args:  words("serve {entry} --port {port} --address 127.0.0.1"),
			Ready: "/", Lenient: true, // redirects to the app without running it
		},
		Solara: {
			Package: "solara", Program: "solara", Entry: "app.py",
			Args:  words("run {entry} --host 127.0.0.1 --port {port} --production --no-open"),
			Ready: "/readyz",
		},
		Dash:  wsgi(goos, "dash", "app:server"),
		Flask: wsgi(goos, "flask", "app:app"),
		Voila: {
			Package: "voila", Program: "voila", Entry: "app.ipynb", AnyName: true,
			// Every page of Voila keeps a kernel of about 140 MB; those nobody looks at any more are ended.
			Args: words("{entry} --port={port} --no-browser --Voila.ip=127.0.0.1 " +
				"--MappingKernelManager.cull_idle_timeout=600 --MappingKernelManager.cull_interval=60"),
			Ready: "/voila/static/voila.js", // "/" would start a kernel
		},
		Chainlit: {
			Package: "chainlit", Program: "chainlit", Entry: "app.py",
			Args: words("run {entry} --host 127.0.0.1 --port {port} --headless"),
			// Chainlit writes its settings and translations below its root, which is the project by default.
			Env:    map[string]string{"CHAINLIT_AUTH_SECRET": "{secret}", "CHAINLIT_APP_ROOT": "{root}"},
			Mirror: []string{"chainlit*.md", ".chainlit", "public"},
			Ready:  "/health",
		},
		ShinyR: {
			Runtime: R, Program: "Rscript", Entry: "app.R",
			Args:  []string{"-e", `shiny::runApp("{entry}", host="127.0.0.1", port={port}, launch.browser=FALSE)`},
			Ready: "/shared/shiny.min.js",
		},
		Docker: {
			Runtime: Container, Entry: "Dockerfile",
			// Port 80 is where Ploomber Cloud expects the server of a container.
			Args:    words("run --rm --name {name} --publish 127.0.0.1:{port}:80 {env} {image}"),
			Cleanup: words("kill {name}"), // and --rm removes it
			Ready:   "/", Lenient: true,
		},
	}
}

// wsgi serves a WSGI application with gunicorn, which needs fork, or where there is none with waitress.
func wsgi(goos, pkg, app string) Recipe {
	r := Recipe{
		Package: pkg, Supplied: "gunicorn", Program: "gunicorn", Entry: "app.py",
		Args:  []string{app, "--bind", "127.0.0.1:{port}", "--graceful-timeout", "5"},
		Ready: "/", Lenient: true,
	}
	if goos == "windows" {
		r.Supplied, r.Program = "waitress", "waitress-serve"
		r.Args = []string{"--listen=127.0.0.1:{port}", app}
	}
	return r
}

func words(s string) []string { return strings.Fields(s) }
