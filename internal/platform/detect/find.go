// Package detect finds the app of a project: the file that starts it, its framework and the path below which its
// settings make it serve. It reads the project's files and runs none of them. It does not know how an app is
// started.
package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Options are what is already known about the app.
type Options struct {
	Framework platform.Framework // from the configuration or the command line; "" to detect it
	Entry     string             // FILE or FILE:NAME; "" to detect it
	Command   string             // for the shell, instead of an app's file
	NoEngine  bool               // containers cannot be run on this machine
	Environ   []string           // the app's variables, NAME=value, for settings of a base path
	Home      fs.FS              // the user's home folder, for settings that are kept there; nil for none
}

// Ambiguous is the error for a project with several files that may start its app.
type Ambiguous struct {
	Apps []platform.App // sorted by entry; at least two
}

func (a *Ambiguous) Error() string {
	names := make([]string, len(a.Apps))
	for i, app := range a.Apps {
		names[i] = fmt.Sprintf("%s (%s)", app.Entry, app.Framework)
	}
	return "several files may start the app: " + strings.Join(names, ", ")
}

// Find finds the app of the project in dir. The error is an *Ambiguous if the user has to choose, a
// *platform.Problem if there is no app.
func Find(dir fs.FS, o Options) (platform.App, error) {
	p := newProject(dir)
	app, err := p.find(o)
	if err != nil {
		return app, err
	}
	app.Base, app.BaseFrom = p.base(app, o)
	return app, nil
}

func (p *project) find(o Options) (platform.App, error) {
	switch {
	case o.Command != "":
		return p.command(o.Command), nil
	case o.Entry != "":
		return p.entry(o)
	case o.Framework == platform.Docker && p.exists("Dockerfile"):
		return platform.App{Framework: platform.Docker, Entry: "Dockerfile"}, nil
	case o.Framework != "" && o.Framework != platform.Docker:
		return p.search(o)
	case p.exists("Dockerfile") && !o.NoEngine:
		return platform.App{Framework: platform.Docker, Entry: "Dockerfile"}, nil
	}
	if app, ok := p.procfile(); ok {
		return app, nil
	}
	app, err := p.search(Options{})
	var missing *platform.Problem
	switch {
	case !errors.As(err, &missing):
	case p.exists("Dockerfile"):
		return platform.App{Framework: platform.Docker, Entry: "Dockerfile"}, nil
	case o.Framework == platform.Docker: // what is deployed as docker may run locally without a container
		return app, &platform.Problem{
			Msg:  "no app found in this folder: there is no Dockerfile, and no app that runs without one",
			Hint: "add a Dockerfile, or pass --entry FILE or --command COMMAND",
		}
	}
	return app, err
}

// search looks for an app that was not named.
func (p *project) search(o Options) (platform.App, error) {
	if o.Framework == "" || o.Framework == platform.ShinyR {
		if app, ok := p.shinyR(); ok {
			return app, nil
		}
	}
	if o.Framework == platform.Voila {
		return p.notebook(o.Framework)
	}
	var aside []guess
	for depth := range maxDepth + 1 {
		found, doubtful := p.guesses(p.files(depth, ".py"), o.Framework)
		aside = append(aside, doubtful...)
		if len(found) > 0 {
			return p.choose(found)
		}
		if depth > 0 {
			continue
		}
		if recipe, ok := platform.RecipeFor(o.Framework, "linux"); ok && recipe.Entry == "app.py" && p.exists("app.py") {
			return platform.App{Framework: o.Framework, Entry: "app.py"}, nil // as the platform does
		}
		if len(p.notebooks(o.Framework)) > 0 {
			return p.notebook(o.Framework)
		}
	}
	if len(aside) > 0 {
		return p.choose(aside)
	}
	if app, ok := p.listener(o.Framework); ok {
		return app, nil
	}
	return platform.App{}, p.none(o.Framework)
}

// guesses returns what those of files that use a framework are taken for. What imports the app of a package may as
// well be a job that fills its database, so it is doubtful unless its name says that it serves.
func (p *project) guesses(files []string, framework platform.Framework) (found, doubtful []guess) {
	for _, name := range files {
		s := p.source(name)
		if s == nil {
			continue
		}
		g, ok := p.guess(s, framework)
		switch {
		case !ok:
		case !g.own && rank(g.app) == len(usual) && slices.Contains([]platform.Framework{platform.Flask, platform.Dash, platform.FastAPI}, g.app.Framework):
			doubtful = append(doubtful, g)
		default:
			found = append(found, g)
		}
	}
	return found, doubtful
}

// usual are the names that files have which start an app, the likeliest first; %s stands for the framework.
var usual = []string{
	"app.py", "%s_app.py", "main.py", "dashboard.py", "home.py", "server.py", "application.py", "wsgi.py", "asgi.py", "index.py",
	"run.py", "__init__.py",
}

// rank is the place of a file among the usual names; len(usual) for none of them.
func rank(app platform.App) int {
	name := strings.ToLower(path.Base(app.Entry))
	i := slices.IndexFunc(usual, func(u string) bool {
		return name == strings.ReplaceAll(u, "%s", strings.ReplaceAll(string(app.Framework), "-", "_"))
	})
	if i < 0 {
		return len(usual)
	}
	return i
}

// choose takes the app among guesses that are all of one depth.
func (p *project) choose(found []guess) (platform.App, error) {
	slices.SortStableFunc(found, func(a, b guess) int { return rank(a.app) - rank(b.app) })
	first := found[0].app
	// Dash apps of several files are started by index.py, which imports app.py.
	if first.Entry == "app.py" && (first.Framework != platform.Dash || !p.imports("index.py", "app.py")) {
		return first, nil
	}
	rest := slices.DeleteFunc(slices.Clone(found), func(g guess) bool {
		return slices.ContainsFunc(found, func(by guess) bool {
			return p.imports(by.app.Entry, g.app.Entry) && !p.imports(g.app.Entry, by.app.Entry)
		})
	})
	if sure := slices.DeleteFunc(slices.Clone(rest), func(g guess) bool { return !g.sure }); len(sure) > 0 {
		rest = sure
	}
	frameworks := map[platform.Framework]bool{}
	for _, g := range rest {
		frameworks[g.app.Framework] = true
	}
	named := slices.DeleteFunc(slices.Clone(rest), func(g guess) bool { return rank(g.app) == len(usual) })
	switch {
	case len(rest) == 1:
		return rest[0].app, nil
	case len(named) == 1, len(named) > 1 && len(frameworks) == 1 && rank(named[0].app) < rank(named[1].app):
		return named[0].app, nil
	}
	return platform.App{}, ambiguous(rest)
}

// imports reports whether a file of the project imports another, directly or not.
func (p *project) imports(from, to string) bool {
	s := p.source(from)
	return s != nil && from != to && p.reach(s)[to] != nil
}

func ambiguous(found []guess) *Ambiguous {
	a := &Ambiguous{}
	for _, g := range found {
		a.Apps = append(a.Apps, g.app)
	}
	slices.SortFunc(a.Apps, func(x, y platform.App) int { return strings.Compare(x.Entry, y.Entry) })
	return a
}

// none is the error for a project without an app.
func (p *project) none(framework platform.Framework) *platform.Problem {
	if framework != "" {
		recipe, _ := platform.RecipeFor(framework, "linux")
		return &platform.Problem{
			Msg: fmt.Sprintf("no app of type %s found in this folder: looked for %s and for a file that imports %s", framework, recipe.Entry,
				recipe.Package),
			Hint: "pass the file that starts the app with --entry FILE",
		}
	}
	return &platform.Problem{
		Msg: "no app found in this folder: looked for a script or notebook that uses a framework, app.R, a Dockerfile and a Procfile",
		Hint: "pass the file that starts it with --entry FILE or a command that listens on $PORT with --command, " +
			"or start from an example with 'ploomber-cloud examples'",
	}
}
