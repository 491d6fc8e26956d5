package detect

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// procfile returns the app that the web process of a Procfile starts. A command of a framework that is known here is
// taken as the name of its file, for our own way to start it listens on this machine only and reads no settings of
// the platform that the Procfile was written for.
func (p *project) procfile() (platform.App, bool) {
	line := webProcess(p.read("Procfile"))
	if line == "" {
		return platform.App{}, false
	}
	if app, ok := p.known(line); ok {
		return app, true
	}
	// Reached at another address than this machine's own, the app would be open to others, past the login.
	return p.command(strings.ReplaceAll(line, "0.0.0.0", "127.0.0.1")), true
}

// webProcess returns the command of the process web in a Procfile (lines "NAME: COMMAND"), "" where there is none.
func webProcess(text string) string {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		name, command, found := strings.Cut(strings.TrimSpace(line), ":")
		if found && strings.TrimSpace(name) == "web" {
			return strings.TrimSpace(command)
		}
	}
	return ""
}

// plain matches command lines in which the shell has nothing to do but to put the port in.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_./:=,@+"'() -]*$`) })

// known recognises commands such as "streamlit run main.py --server.port $PORT".
func (p *project) known(line string) (platform.App, bool) {
	if i := strings.LastIndex(line, "&&"); i >= 0 { // what comes before writes settings of a platform
		line = strings.TrimSpace(line[i+2:])
	}
	if !plain().MatchString(regexp.MustCompile(`\$\{?PORT(:-[0-9]+)?\}?`).ReplaceAllString(line, "0")) {
		return platform.App{}, false
	}
	words := strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(line))
	for len(words) > 0 && (words[0] == "exec" || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	if len(words) > 3 && strings.HasPrefix(words[0], "python") && words[1] == "-m" {
		words = words[2:]
	}
	if len(words) < 2 || slices.ContainsFunc(words, moves) {
		return platform.App{}, false
	}
	program := path.Base(words[0])
	switch {
	case program == "gunicorn", program == "waitress-serve", program == "uvicorn", program == "hypercorn", program == "daphne":
		return p.server(words[1:])
	case slices.Contains([]string{"python", "python3"}, program):
		if name := path.Clean(words[1]); p.source(name) != nil {
			g, ok := p.guess(p.source(name), "")
			return g.app, ok && g.sure
		}
		return platform.App{}, false
	}
	for framework, verb := range map[platform.Framework]string{
		platform.Streamlit: "run", platform.Chainlit: "run", platform.Solara: "run", platform.Shiny: "run", platform.Marimo: "run",
		platform.Panel: "serve", platform.Voila: "",
	} {
		if program != string(framework) || verb != "" && words[1] != verb {
			continue
		}
		for _, word := range words[1:] {
			if name := path.Clean(word); p.source(name) != nil {
				return platform.App{Framework: framework, Entry: name}, true
			}
		}
	}
	return platform.App{}, false
}

// moves reports whether an option makes a command work in another folder or below another path; it is run as it is.
func moves(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	return slices.Contains([]string{
		"--chdir", "--app-dir", "--pythonpath", "--prefix", "--root-path", "--base-url", "--server.baseUrlPath", "--Voila.base_url", "--factory",
	}, name)
}

// server recognises the module and object of a command such as "gunicorn app:server --workers 4".
func (p *project) server(words []string) (platform.App, bool) {
	for _, word := range words {
		module, object, found := strings.Cut(word, ":")
		if !found || !identifier().MatchString(module) || !identifier().MatchString(object) {
			continue
		}
		where := strings.ReplaceAll(module, ".", "/")
		for _, name := range []string{where + ".py", where + "/__init__.py"} {
			s := p.source(name)
			if s == nil {
				continue
			}
			app := platform.App{Framework: platform.Flask, Entry: name, Object: strings.TrimSuffix(object, "()")}
			g, known := p.guess(s, "")
			switch {
			case known && slices.Contains([]platform.Framework{platform.Dash, platform.Flask, platform.FastAPI}, g.app.Framework):
				app.Framework, app.Package = g.app.Framework, g.app.Package
			default:
				return platform.App{}, false
			}
			return app, true
		}
	}
	return platform.App{}, false
}
