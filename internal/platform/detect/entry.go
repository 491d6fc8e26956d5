package detect

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*(\(\))?$`) })

// entry returns the app in the file that the user named.
func (p *project) entry(o Options) (platform.App, error) {
	name, object := strings.ReplaceAll(o.Entry, `\`, "/"), ""
	if before, after, found := cutLast(name, ":"); found && identifier().MatchString(after) && !p.exists(name) {
		name, object = before, strings.TrimSuffix(after, "()")
	}
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return platform.App{}, &platform.Problem{
			Msg: fmt.Sprintf("the entry %q is outside the project", o.Entry), Hint: "name a file from the project's folder, such as src/app.py",
		}
	}
	if info, err := fs.Stat(p.dir, name); err == nil && info.IsDir() && p.exists(path.Join(name, "__init__.py")) {
		name = path.Join(name, "__init__.py")
	}
	if !p.exists(name) {
		return platform.App{}, &platform.Problem{
			Msg: fmt.Sprintf("the entry %q is not a file in the project", o.Entry), Hint: "name a file from the project's folder, such as src/app.py",
		}
	}
	if base := path.Base(name); o.Framework == platform.Docker && base != "Dockerfile" {
		o.Framework = "" // the file runs here without a container
	}
	switch app := (platform.App{Framework: o.Framework, Entry: name, Object: object}); {
	case path.Base(name) == "Dockerfile":
		app.Framework = platform.Docker
		return app, nil
	case strings.EqualFold(path.Ext(name), ".R"):
		app.Framework = platform.ShinyR
		return app, nil
	case path.Base(name) == "Procfile":
		if found, ok := p.procfile(); ok {
			return found, nil
		}
	case path.Ext(name) == ".ipynb" && o.Framework == "":
		app.Framework = p.notebookOf(name)
		return app, nil
	case path.Ext(name) == ".py":
		return p.script(app), nil
	case o.Framework != "":
		return app, nil
	}
	return platform.App{}, &platform.Problem{
		Msg:  fmt.Sprintf("cannot determine how to start %s", name),
		Hint: "pass its type with --type, or the command that starts it with --command",
	}
}

// script completes an app that is a Python file. One that uses no framework listens by itself.
func (p *project) script(app platform.App) platform.App {
	g, ok := p.guess(p.source(app.Entry), app.Framework)
	switch {
	case ok:
		if app.Object != "" {
			g.app.Object = app.Object
		}
		return g.app
	case app.Framework != "":
		return app
	case app.Object != "":
		app.Framework, app.Package = platform.Flask, "" // something that is served has to be named
		return app
	}
	return p.command("python " + quoted(app.Entry))
}

// command makes an app of a command line.
func (p *project) command(line string) platform.App {
	app := platform.App{Framework: platform.Shell, Command: line, Runtime: platform.Plain}
	if p.isPython() {
		app.Runtime = platform.Python
	}
	return app
}

// isPython reports whether the project's commands need an environment of Python.
func (p *project) isPython() bool {
	for _, name := range []string{"requirements.txt", "pyproject.toml", "uv.lock", "pylock.toml", "Pipfile", "environment.yml", "environment.yaml"} {
		if p.exists(name) {
			return true
		}
	}
	return len(p.files(0, ".py")) > 0
}

// listener returns a script that takes the port to listen on from the variable PORT, where there is only one.
func (p *project) listener(framework platform.Framework) (platform.App, bool) {
	if framework != "" {
		return platform.App{}, false
	}
	var found []string
	for _, name := range p.files(0, ".py") {
		if text := p.read(name); strings.Contains(text, `"PORT"`) || strings.Contains(text, `'PORT'`) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return platform.App{}, false
	}
	return p.command("python " + quoted(found[0])), true
}

// notebooks returns the notebooks of the project that a framework can serve.
func (p *project) notebooks(framework platform.Framework) []string {
	return slices.DeleteFunc(p.files(0, ".ipynb"), func(name string) bool {
		return p.source(name) == nil || framework != "" && framework != platform.Voila && p.notebookOf(name) != framework
	})
}

// notebookOf returns the framework that shows a notebook.
func (p *project) notebookOf(name string) platform.Framework {
	s := p.source(name)
	switch {
	case s == nil:
	case s.file.ImportsTop("panel") && s.file.CallsAny(".servable", "panel.serve"):
		return platform.Panel
	case s.file.ImportsTop("solara") && !s.file.ImportsTop("ipywidgets"):
		return platform.Solara
	}
	return platform.Voila
}

// notebook takes the app among the project's notebooks.
func (p *project) notebook(framework platform.Framework) (platform.App, error) {
	names := p.notebooks(framework)
	made := func(name string) platform.App {
		app := platform.App{Framework: framework, Entry: name}
		if framework == "" {
			app.Framework = p.notebookOf(name)
		}
		return app
	}
	for _, usual := range []string{"app.ipynb", "main.ipynb", "index.ipynb", "dashboard.ipynb"} {
		if slices.Contains(names, usual) {
			return made(usual), nil
		}
	}
	switch len(names) {
	case 0:
		return platform.App{}, p.none(framework)
	case 1:
		return made(names[0]), nil
	}
	a := &Ambiguous{}
	for _, name := range names {
		a.Apps = append(a.Apps, made(name))
	}
	return platform.App{}, a
}

// shinyR finds an app in R: one file of any name, or two with names of their own.
func (p *project) shinyR() (platform.App, bool) {
	for _, name := range []string{"app.R", "app.r"} {
		if p.exists(name) {
			return platform.App{Framework: platform.ShinyR, Entry: name}, true
		}
	}
	if (p.exists("ui.R") || p.exists("ui.r")) && (p.exists("server.R") || p.exists("server.r")) {
		return platform.App{Framework: platform.ShinyR, Entry: "."}, true
	}
	var found []string
	for _, name := range p.files(0, ".R", ".r") {
		if text := p.read(name); strings.Contains(text, "shinyApp(") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return platform.App{}, false
	}
	return platform.App{Framework: platform.ShinyR, Entry: found[0]}, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// quoted is a file name as the shell of any system takes it for one word.
func quoted(name string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./-]*$`).MatchString(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
