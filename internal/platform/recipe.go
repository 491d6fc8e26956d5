package platform

import (
	_ "embed"
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
	Plain // installed on the machine: nothing to prepare
)

// Recipe says how apps of one framework are started and how one sees that they are ready.
//
// Args, Reload, Env, Must, Launcher and Cleanup may hold placeholders: {entry} the file that is started, {object} what is
// served of it, both also as the literal {..._text} of Python and R, {port} the port to listen on, {root} a private folder of the app outside the project, {secret} a random text that stays the same as
// long as the app is supervised, {base} the path below which the app serves, "" or one such as /myapp, {image} and
// {name} of a container. An argument {env} becomes "-e NAME" for each variable of the project, so that no value shows
// up in a process list.
type Recipe struct {
	Runtime  Runtime
	Package  string            // module that the requirements have to bring, "" for none; it contains Program unless Supplied does
	Supplied string            // package that is added when the requirements do not bring it, as the platform does
	Program  string            // executable that starts the app
	Entry    string            // file of the project that is started
	Object   string            // name in Entry of what is served, or of a function that makes it; "" leaves it to the framework
	Args     []string          // for Program
	Command  string            // for the shell, in place of Program and Args
	Reload   []string          // further Args where saved files are to take effect at once, if the framework sees to that
	Reloads  bool              // the framework sees saved files by itself; others are started again
	Launcher string            // last line of LauncherSource, which is written to {root} as LauncherName and can be imported
	Env      map[string]string // set unless the project sets them itself
	Must     map[string]string // set whatever the project says: what would lead the app elsewhere or make it speak https
	Cleanup  []string          // arguments for Program once the app has ended
	Base     string            // path below which the app serves where its settings say so, such as /myapp; "" for none
	Ready    string            // path, below Base, that is cheap to ask for and answers 200 once the app can serve
	Lenient  bool              // any answer at Ready will do, because the page behind it belongs to the app
	Freezes  Freezing          // whether an app survives being frozen, as was tried
	Mirror   []string          // patterns of project files that must also be found in {root}, where the framework looks
}

// Freezing says when an app survives being frozen for a long time: when its processes get no CPU time.
type Freezing int

// The ways.
const (
	FreezeNever       Freezing = iota // or not tried
	FreezeUnconnected                 // while no client has a WebSocket to it
	FreezeAlways
)

// LauncherName is the module of a Launcher.
const LauncherName = "ploomber_cloud_app"

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
			Package: "streamlit", Program: "streamlit", Entry: "app.py", Reloads: true,
			// Empty values override the same settings in files and variables: TLS is terminated by the proxy in
			// front.
			Args: words("run {entry} --server.port {port} --server.address 127.0.0.1 --server.headless true " +
				"--browser.gatherUsageStats false --server.baseUrlPath={base} --server.sslCertFile= --server.sslKeyFile= " +
				"--global.developmentMode false"),
			Reload:  words("--server.runOnSave true"),
			Ready:   "/_stcore/health",
			Freezes: FreezeAlways,
		},
		Panel: {
			Package: "panel", Program: "panel", Entry: "app.py",
			Args:  words("serve {entry} --port {port} --address 127.0.0.1"),
			Must:  blank("BOKEH_SSL_CERTFILE", "BOKEH_SSL_KEYFILE", "BOKEH_SSL_PASSWORD", "BOKEH_ALLOW_WS_ORIGIN"),
			Ready: "/", Lenient: true, // redirects to the app without running it
			Freezes: FreezeAlways,
		},
		Solara: {
			Package: "solara", Program: "solara", Entry: "app.py",
			Args: words("run {entry} --host 127.0.0.1 --port {port} --production --no-open"),
			Must: blank("SOLARA_ROOT_PATH", "SOLARA_BASE_URL"),
			// Solara takes a port in X-Forwarded-Host for part of the host, and warns at every page that it does not fit.
			Env:     map[string]string{"PYTHONWARNINGS": "ignore:Origin as determined by starlette"},
			Ready:   "/readyz",
			Freezes: FreezeAlways,
		},
		Dash:  wsgi(goos, "dash"),
		Flask: wsgi(goos, "flask"),
		Voila: {
			Package: "voila", Supplied: "ipykernel", Program: "python", Entry: "app.ipynb", Reloads: true, // each page runs the notebook again
			// Every page of Voila keeps a kernel of about 140 MB; idle ones are ended.
			Args: words("{root}/" + LauncherName + ".py {entry} --port={port} --no-browser --Voila.ip=127.0.0.1 --Voila.base_url={base}/ " +
				"--MappingKernelManager.cull_idle_timeout=600 --MappingKernelManager.cull_interval=60"),
			Launcher: "run(voila)",
			Ready:    "/voila/static/voila.js", // "/" would start a kernel
			Freezes:  FreezeAlways,
		},
		Chainlit: {
			Package: "chainlit", Program: "chainlit", Entry: "app.py",
			Args: words("run {entry} --host 127.0.0.1 --port {port} --headless"),
			// Chainlit writes its settings and translations below its root, which is the project by default.
			Env:     map[string]string{"CHAINLIT_AUTH_SECRET": "{secret}", "CHAINLIT_APP_ROOT": "{root}"},
			Must:    with(blank("CHAINLIT_SSL_CERT", "CHAINLIT_SSL_KEY"), "CHAINLIT_ROOT_PATH", "{base}"),
			Mirror:  []string{"chainlit*.md", ".chainlit", "public"},
			Ready:   "/health",
			Freezes: FreezeUnconnected, // its page connects again and again to a server that does not answer
		},
		ShinyR: {
			Runtime: R, Program: "Rscript", Entry: "app.R",
			Args:    []string{"-e", `shiny::runApp({entry_text}, host="127.0.0.1", port={port}, launch.browser=FALSE)`},
			Ready:   "/shared/shiny.min.js",
			Freezes: FreezeAlways,
		},
		Docker: {
			Runtime: Container, Entry: "Dockerfile", Reloads: true, // the image holds a copy
			// Port 80 is where Ploomber Cloud expects the server of a container.
			Args:    words("run --rm --name {name} --publish 127.0.0.1:{port}:80 {env} {image}"),
			Cleanup: words("kill {name}"), // and --rm removes it
			Ready:   "/", Lenient: true,
		},
		FastAPI: {
			Package: "fastapi", Supplied: "uvicorn", Program: "uvicorn", Entry: "main.py",
			Args:     words(LauncherName + ":application --host 127.0.0.1 --port {port}"),
			Launcher: "application = run(asgi, {entry_text}, {object_text})",
			Must: blank("UVICORN_UDS", "UVICORN_FD", "UVICORN_SSL_KEYFILE", "UVICORN_SSL_CERTFILE", "UVICORN_SSL_KEYFILE_PASSWORD",
				"UVICORN_ROOT_PATH", "UVICORN_FACTORY", "UVICORN_RELOAD", "UVICORN_APP_DIR"),
			Ready: "/", Lenient: true,
		},
		Gradio: {
			Package: "gradio", Program: "python", Entry: "app.py",
			Args:     words("{root}/" + LauncherName + ".py"),
			Launcher: "run(gradio, {entry_text}, {object_text}, {port})",
			Env:      map[string]string{"GRADIO_ANALYTICS_ENABLED": "False"},
			Must: with(with(blank("GRADIO_ROOT_PATH", "GRADIO_SHARE"),
				"GRADIO_SERVER_NAME", "127.0.0.1"), "GRADIO_SERVER_PORT", "{port}"),
			Ready: "/", Lenient: true,
		},
		Shiny: {
			Package: "shiny", Program: "shiny", Entry: "app.py",
			Args:  words("run {entry} --host 127.0.0.1 --port {port}"),
			Ready: "/", Lenient: true,
		},
		Marimo: {
			Package: "marimo", Program: "marimo", Entry: "app.py",
			Args:  words("run {entry} --host 127.0.0.1 --port {port} --headless --no-token"),
			Ready: "/health",
		},
		Shell: {
			Must: map[string]string{
				"PORT": "{port}", "HOST": "127.0.0.1",
				// Programs that listen on every address by default would be reachable without the login.
				"GUNICORN_CMD_ARGS": "--bind 127.0.0.1:{port}", "UVICORN_HOST": "127.0.0.1", "UVICORN_PORT": "{port}",
				"FLASK_RUN_HOST": "127.0.0.1", "FLASK_RUN_PORT": "{port}", "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": "{port}",
				"STREAMLIT_SERVER_ADDRESS": "127.0.0.1", "STREAMLIT_SERVER_PORT": "{port}", "STREAMLIT_SERVER_HEADLESS": "true",
				"CHAINLIT_HOST": "127.0.0.1", "CHAINLIT_PORT": "{port}", "SHINY_HOST": "127.0.0.1", "SHINY_PORT": "{port}",
				"XDG_RUNTIME_DIR": "{root}",
			},
			Ready: "/", Lenient: true,
		},
	}
}

// wsgi serves a WSGI application with gunicorn, which needs fork, or with waitress on systems without it.
func wsgi(goos, pkg string) Recipe {
	r := Recipe{
		Package: pkg, Supplied: "gunicorn", Program: "gunicorn", Entry: "app.py",
		// Empty files override those set in the project's gunicorn.conf.py.
		Args:     words(LauncherName + ":application --bind 127.0.0.1:{port} --graceful-timeout 5 --certfile= --keyfile="),
		Launcher: "application = run(wsgi, {entry_text}, {object_text})",
		// gunicorn 27 creates a control socket in this folder, which all apps of a user would share.
		Must:  map[string]string{"XDG_RUNTIME_DIR": "{root}"},
		Ready: "/", Lenient: true,
		Freezes: FreezeAlways,
	}
	if goos == "windows" {
		r.Supplied, r.Program = "waitress", "waitress-serve"
		r.Args = []string{"--listen=127.0.0.1:{port}", LauncherName + ":application"}
	}
	return r
}

//go:embed launch.py
var launch string

// LauncherSource is the Python module of a Launcher, without its last line.
func LauncherSource() string { return launch }

func words(s string) []string { return strings.Fields(s) }

func blank(names ...string) map[string]string {
	set := map[string]string{}
	for _, name := range names {
		set[name] = ""
	}
	return set
}

func with(set map[string]string, name, value string) map[string]string {
	set[name] = value
	return set
}
