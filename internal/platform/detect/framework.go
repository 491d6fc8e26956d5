package detect

import (
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/pysource"
)

// evidence says how one sees in a source which framework it uses.
type evidence struct {
	framework platform.Framework
	module    string   // top-level module that it imports
	calls     []string // what makes an app of it; none where the import says enough
}

// frameworks are in the order in which they count where a source shows several: what brings another one along first.
func frameworks() []evidence {
	return []evidence{
		{platform.Streamlit, "streamlit", nil},
		{platform.Marimo, "marimo", []string{"marimo.App"}},
		{platform.Solara, "solara", nil},
		{platform.FastAPI, "fastapi", []string{"fastapi.FastAPI", "fastapi.applications.FastAPI"}},
		{platform.FastAPI, "starlette", []string{"starlette.applications.Starlette"}},
		{platform.FastAPI, "litestar", []string{"litestar.Litestar"}},
		{platform.FastAPI, "quart", []string{"quart.Quart"}},
		{platform.Chainlit, "chainlit", nil},
		{platform.Shiny, "shiny", []string{"shiny.App"}},
		{platform.Dash, "dash", []string{"dash.Dash", "dash.dash.Dash"}},
		{platform.Dash, "dash_extensions", []string{"dash_extensions.enrich.DashProxy", "dash_extensions.enrich.Dash"}},
		{platform.Dash, "jupyter_dash", []string{"jupyter_dash.JupyterDash"}},
		{platform.Flask, "flask", []string{"flask.Flask"}},
		{platform.Flask, "bottle", []string{"bottle.Bottle", "bottle.default_app"}},
		{platform.Gradio, "gradio", []string{"gradio.Blocks", "gradio.Interface", "gradio.ChatInterface", "gradio.TabbedInterface", "gradio.load"}},
		{platform.Panel, "panel", []string{".servable", "panel.serve"}},
	}
}

// uses returns the frameworks that a source uses, the likeliest first. sure ones make an app; the others are imported.
func uses(f pysource.File) (sure, imported []evidence) {
	for _, e := range frameworks() {
		there := f.ImportsTop(e.module)
		switch {
		case !there:
		case len(e.calls) == 0 || f.CallsAny(e.calls...) || e.framework == platform.Shiny && express(f):
			sure = append(sure, e)
		default:
			imported = append(imported, e)
		}
	}
	// An app that launches Gradio itself serves no other; one that is mounted is a part of another.
	if f.CallsAny("gradio.mount_gradio_app", "chainlit.utils.mount_chainlit") {
		sure = slices.DeleteFunc(sure, func(e evidence) bool { return e.framework == platform.Gradio || e.framework == platform.Chainlit })
	} else if f.CallsAny(".launch") && slices.ContainsFunc(sure, isOf(platform.Gradio)) {
		slices.SortStableFunc(sure, func(a, b evidence) int { return order(a) - order(b) })
	}
	return sure, imported
}

func order(e evidence) int {
	if e.framework == platform.Gradio {
		return 0
	}
	return 1
}

func isOf(f platform.Framework) func(evidence) bool {
	return func(e evidence) bool { return e.framework == f }
}

// express reports whether a source is a Shiny app without an object.
func express(f pysource.File) bool {
	return slices.ContainsFunc(f.Imports, func(i pysource.Import) bool {
		return i.Module == "shiny.express" || strings.HasPrefix(i.Module, "shiny.express.") || i.Module == "shiny" && slices.Contains(i.Names, "express")
	})
}

// guess is what a script is taken for.
type guess struct {
	app  platform.App
	sure bool // it makes an app, itself or in a file that it imports
	own  bool // by itself
}

// guess returns what a script is, as an app of framework where that is given.
func (p *project) guess(s *source, framework platform.Framework) (guess, bool) {
	best := func(list []evidence) (evidence, bool) {
		i := slices.IndexFunc(list, func(e evidence) bool { return framework == "" || fits(e.framework, framework) })
		if i < 0 {
			return evidence{}, false
		}
		return list[i], true
	}
	made := func(e evidence, sure, own bool) guess {
		a := platform.App{Framework: e.framework, Entry: s.path}
		if framework != "" {
			a.Framework = framework
		}
		if string(e.framework) != e.module && framework != platform.Docker {
			a.Package = e.module
		}
		if a.Framework == platform.Shiny {
			a.Object = shinyObject(s.file)
		}
		return guess{a, sure, own}
	}
	sure, imported := uses(s.file)
	if e, ok := best(sure); ok {
		return made(e, true, true), true
	}
	weak, isWeak := best(imported)
	for _, other := range p.sorted(s) { // the app may be made in what it imports
		sure, _ := uses(other.file)
		if e, ok := best(sure); ok && (!isWeak || weak.framework == e.framework) {
			return made(e, true, false), true
		}
	}
	if isWeak {
		return made(weak, false, true), true
	}
	for _, other := range p.sorted(s) {
		_, imported := uses(other.file)
		if e, ok := best(imported); ok {
			return made(e, false, false), true
		}
	}
	return guess{}, false
}

// fits reports whether an app of one framework can be served as one of another: Dash is Flask below.
func fits(found, asked platform.Framework) bool {
	return found == asked || asked == platform.Flask && found == platform.Dash
}

// sorted returns what s imports, directly or not, in the order of names.
func (p *project) sorted(s *source) []*source {
	var all []*source
	for _, other := range p.reach(s) {
		if other != s && other != nil {
			all = append(all, other)
		}
	}
	slices.SortFunc(all, func(a, b *source) int { return strings.Compare(a.path, b.path) })
	return all
}

// shinyObject returns the name of the app that a module makes, where it is not the usual one.
func shinyObject(f pysource.File) string {
	for _, b := range f.Bindings {
		if b.Value == "shiny.App" && b.Call && b.Name != "app" && !slices.ContainsFunc(f.Bindings, func(o pysource.Binding) bool { return o.Name == "app" }) {
			return b.Name
		}
	}
	return ""
}
