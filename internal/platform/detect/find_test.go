package detect

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	streamlit = "import streamlit as st\nst.title('x')\n"
	dash      = "from dash import Dash, html\napp = Dash(__name__)\n"
	flask     = "from flask import Flask\napp = Flask(__name__)\n"
	fastapi   = "from fastapi import FastAPI\napp = FastAPI()\n"
	gradio    = "import gradio as gr\nwith gr.Blocks() as demo:\n  gr.Button('x')\ndemo.launch(share=True)\n"
	marimo    = "import marimo\napp = marimo.App()\n@app.cell\ndef _():\n  return\n"
	shiny     = "from shiny import App, ui\napp = App(ui.page_fluid(), None)\n"
	panel     = "import panel as pn\npn.panel('x').servable()\n"
	notebook  = `{"cells": [{"cell_type": "code", "source": "print(1)"}], "metadata": {}, "nbformat": 4}`
	panelBook = `{"cells": [{"cell_type": "code", "source": ["import panel as pn\n", "pn.panel(1).servable()"]}]}`
)

// given is a project: file, content, file, content ...
func given(files ...string) fstest.MapFS {
	dir := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		dir[files[i]] = &fstest.MapFile{Data: []byte(files[i+1]), Mode: 0o600}
	}
	return dir
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dir  fstest.MapFS
		o    Options
		want string // framework, entry and what else is known of it
		says string // of the error
	}{
		"app.py":                              {dir: given("app.py", streamlit, "main.py", streamlit, "util.py", "x = 1"), want: "streamlit app.py"},
		"streamlit_app.py":                    {dir: given("streamlit_app.py", streamlit, "other.py", "import streamlit"), want: "streamlit streamlit_app.py"},
		"main.py":                             {dir: given("main.py", streamlit, "dashboard.py", streamlit), want: "streamlit main.py"},
		"dashboard.py":                        {dir: given("dashboard.py", dash, "x.py", "import dash"), want: "dash dashboard.py"},
		"the only one that imports it":        {dir: given("hello.py", streamlit, "util.py", "import pandas"), want: "streamlit hello.py"},
		"the one that imports the other":      {dir: given("hello.py", "import streamlit\nimport parts", "parts.py", streamlit), want: "streamlit hello.py"},
		"the one that imports the framework":  {dir: given("hello.py", "from parts import draw\ndraw()", "parts.py", streamlit), want: "streamlit hello.py"},
		"pages are not an app":                {dir: given("Home.py", streamlit, "pages/1_a.py", streamlit, "pages/app.py", streamlit), want: "streamlit Home.py"},
		"pages alone":                         {dir: given("pages/1_a.py", streamlit, "x.py", "1"), says: "no app found"},
		"tests, tools and environments":       {dir: given("web.py", flask, "setup.py", flask, "test_web.py", flask, "tests/app.py", flask, "docs/app.py", flask, "env3/pyvenv.cfg", "", "env3/app.py", flask, ".venv/app.py", flask), want: "flask web.py"},
		"a folder":                            {dir: given("src/app.py", streamlit, "README.md", "x"), want: "streamlit src/app.py"},
		"a package with a factory":            {dir: given("shop/__init__.py", "def create_app():\n  from flask import Flask\n  from . import views\n  return Flask('x')", "shop/views.py", "from flask import Blueprint"), want: "flask shop/__init__.py"},
		"a package and a job":                 {dir: given("shop/__init__.py", flask+"from .models import db\n", "shop/models.py", "from flask import g", "seed.py", "from shop import app, db\ndb.drop_all()"), want: "flask shop/__init__.py"},
		"a package and its server":            {dir: given("shop/__init__.py", "from flask import Flask\ndef create_app(): return Flask('x')", "wsgi.py", "from shop import create_app\napp = create_app()", "seed.py", "import shop"), want: "flask wsgi.py"},
		"an app and its jobs":                 {dir: given("app.py", flask, "seed.py", "from app import db"), want: "flask app.py"},
		"dash in several files":               {dir: given("app.py", dash, "index.py", "from app import app\napp.layout = 1", "callbacks.py", "from app import app"), want: "dash index.py"},
		"fastapi as its guide has it":         {dir: given("app/main.py", fastapi, "app/__init__.py", "", "app/routers/items.py", "from fastapi import APIRouter"), want: "fastapi app/main.py"},
		"starlette":                           {dir: given("main.py", "from starlette.applications import Starlette\napp = Starlette()"), want: "fastapi main.py package=starlette"},
		"bottle":                              {dir: given("main.py", "import bottle\napp = bottle.Bottle()"), want: "flask main.py package=bottle"},
		"gradio":                              {dir: given("app.py", gradio), want: "gradio app.py"},
		"gradio with an API of its own":       {dir: given("app.py", gradio+"from fastapi import FastAPI\napi = FastAPI()\n"), want: "gradio app.py"},
		"gradio in a FastAPI app":             {dir: given("app.py", strings.ReplaceAll(gradio, "demo.launch(share=True)", fastapi+"gr.mount_gradio_app(app, demo, '/x')")), want: "fastapi app.py"},
		"dash on flask":                       {dir: given("app.py", flask+"import dash\napp2 = dash.Dash(server=app)\n"), want: "dash app.py"},
		"shiny":                               {dir: given("app.py", shiny), want: "shiny app.py"},
		"shiny under another name":            {dir: given("app.py", strings.ReplaceAll(shiny, "app = ", "site = ")), want: "shiny app.py object=site"},
		"shiny express":                       {dir: given("x.py", "from shiny.express import ui, input\nui.h1('x')"), want: "shiny x.py"},
		"marimo":                              {dir: given("report.py", marimo), want: "marimo report.py"},
		"panel":                               {dir: given("x.py", panel), want: "panel x.py"},
		"solara and a helper":                 {dir: given("sol.py", "import solara\n@solara.component\ndef Page(): pass", "y.py", ""), want: "solara sol.py"},
		"chainlit":                            {dir: given("chat.py", "import chainlit as cl\n@cl.on_message\nasync def m(x): pass"), want: "chainlit chat.py"},
		"a notebook of any name":              {dir: given("Sales 2024.ipynb", notebook, ".ipynb_checkpoints/x.ipynb", notebook), want: "voila Sales 2024.ipynb"},
		"a panel notebook":                    {dir: given("sales.ipynb", panelBook), want: "panel sales.ipynb"},
		"a panel notebook by type":            {dir: given("sales.ipynb", panelBook, "b.ipynb", notebook), o: Options{Framework: platform.Panel}, want: "panel sales.ipynb"},
		"notebooks beside an app":             {dir: given("main.py", dash, "explore.ipynb", notebook), want: "dash main.py"},
		"app.ipynb among others":              {dir: given("app.ipynb", notebook, "b.ipynb", notebook), want: "voila app.ipynb"},
		"two notebooks":                       {dir: given("a.ipynb", notebook, "b.ipynb", panelBook), says: "a.ipynb (voila), b.ipynb (panel)"},
		"two scripts":                         {dir: given("one.py", streamlit, "two.py", streamlit), says: "one.py (streamlit), two.py (streamlit)"},
		"two frameworks under usual names":    {dir: given("main.py", fastapi, "streamlit_app.py", streamlit), says: "main.py (fastapi), streamlit_app.py (streamlit)"},
		"R":                                   {dir: given("app.R", "x"), want: "shiny-r app.R"},
		"R in two files":                      {dir: given("ui.R", "x", "server.R", "x"), want: "shiny-r ."},
		"R under another name":                {dir: given("sales.R", "shinyApp(ui, server)", "util.R", ""), want: "shiny-r sales.R"},
		"nothing":                             {dir: given("README.md", "x"), says: "no app found in this folder"},
		"a script that listens on $PORT":      {dir: given("serve.py", "import os\nport = int(os.environ['PORT'])"), want: "command [python serve.py]"},
		"words in strings and comments":       {dir: given("x.py", "# import streamlit\ns = 'import dash'"), says: "no app found"},
		"a type and its file":                 {dir: given("app.py", "from lib import x"), o: Options{Framework: platform.Streamlit}, want: "streamlit app.py"},
		"a type and another file":             {dir: given("app.py", "x = 1", "main.py", streamlit), o: Options{Framework: platform.Streamlit}, want: "streamlit main.py"},
		"a type and an app of another":        {dir: given("app.py", dash), o: Options{Framework: platform.Flask}, want: "flask app.py"},
		"a type and no app":                   {dir: given("x.py", "x = 1"), o: Options{Framework: platform.Dash}, says: "no app of type dash"},
		"a type and its notebook":             {dir: given("x.ipynb", notebook, "app.py", streamlit), o: Options{Framework: platform.Voila}, want: "voila x.ipynb"},
		"a Dockerfile":                        {dir: given("Dockerfile", "FROM x", "app.py", fastapi), want: "docker Dockerfile"},
		"a Dockerfile, and no engine":         {dir: given("Dockerfile", "FROM x", "app.py", fastapi), o: Options{NoEngine: true}, want: "fastapi app.py"},
		"a Dockerfile alone, and no engine":   {dir: given("Dockerfile", "FROM x", "x.js", ""), o: Options{NoEngine: true}, want: "docker Dockerfile"},
		"docker without a Dockerfile":         {dir: given("app.py", gradio), o: Options{Framework: platform.Docker}, want: "gradio app.py"},
		"docker with nothing":                 {dir: given("x.py", "1"), o: Options{Framework: platform.Docker}, says: "no Dockerfile"},
		"an entry":                            {dir: given("a.py", streamlit, "b.py", streamlit), o: Options{Entry: "b.py"}, want: "streamlit b.py"},
		"an entry and its object":             {dir: given("a.py", flask), o: Options{Entry: "./a.py:make_app()"}, want: "flask a.py object=make_app"},
		"an entry of a folder":                {dir: given("src/a.py", dash), o: Options{Entry: "src/a.py"}, want: "dash src/a.py"},
		"an entry that is a package":          {dir: given("shop/__init__.py", flask), o: Options{Entry: "shop"}, want: "flask shop/__init__.py"},
		"an entry of no framework":            {dir: given("my server.py", "print(1)"), o: Options{Entry: "my server.py"}, want: "command [python 'my server.py']"},
		"an entry that is a notebook":         {dir: given("a.ipynb", panelBook, "app.py", dash), o: Options{Entry: "a.ipynb"}, want: "panel a.ipynb"},
		"an entry and another type":           {dir: given("a.py", "1"), o: Options{Entry: "a.py", Framework: platform.Panel}, want: "panel a.py"},
		"an entry of a docker project":        {dir: given("a.py", gradio, "Dockerfile", ""), o: Options{Entry: "a.py", Framework: platform.Docker}, want: "gradio a.py"},
		"an entry that is not there":          {dir: given("a.py", dash), o: Options{Entry: "b.py"}, says: `"b.py" is not a file`},
		"an entry outside":                    {dir: given("a.py", dash), o: Options{Entry: "../b.py"}, says: "outside"},
		"an absolute entry":                   {dir: given("a.py", dash), o: Options{Entry: "/etc/passwd"}, says: "outside"},
		"an entry of another kind":            {dir: given("a.txt", ""), o: Options{Entry: "a.txt"}, says: "--command|cannot determine how to start"},
		"a command":                           {dir: given("a.js", ""), o: Options{Command: "node a.js"}, want: "command [node a.js] plain"},
		"a command of Python":                 {dir: given("requirements.txt", ""), o: Options{Command: "hypercorn x"}, want: "command [hypercorn x]"},
		"a Procfile":                          {dir: given("Procfile", "release: x\nweb: node a.js 0.0.0.0:$PORT\n", "a.js", ""), want: "command [node a.js 127.0.0.1:$PORT] plain"},
		"a Procfile for streamlit":            {dir: given("Procfile", "web: sh setup.sh && streamlit run ui.py --server.port=$PORT", "ui.py", streamlit, "app.py", flask), want: "streamlit ui.py"},
		"a Procfile for gunicorn":             {dir: given("Procfile", "web: gunicorn --workers 2 web:site --bind 0.0.0.0:${PORT:-8000}", "web.py", strings.ReplaceAll(dash, "app =", "site =")), want: "dash web.py object=site"},
		"a Procfile for a factory":            {dir: given("Procfile", "web: gunicorn 'shop:create_app()'", "shop/__init__.py", "import flask\ndef create_app(): return flask.Flask('x')"), want: "flask shop/__init__.py object=create_app"},
		"a Procfile for uvicorn":              {dir: given("Procfile", "web: uvicorn api.main:app --host 0.0.0.0 --port $PORT", "api/main.py", fastapi), want: "fastapi api/main.py object=app"},
		"a Procfile for python":               {dir: given("Procfile", "web: python ui.py", "ui.py", gradio), want: "gradio ui.py"},
		"a Procfile for a plain script":       {dir: given("Procfile", "web: python serve.py", "serve.py", "1"), want: "command [python serve.py]"},
		"a Procfile with another folder":      {dir: given("Procfile", "web: gunicorn --chdir src web:app", "src/web.py", flask, "a.py", ""), want: "command [gunicorn --chdir src web:app]"},
		"a Procfile that the shell works for": {dir: given("Procfile", "web: streamlit run $(cat x)", "ui.py", streamlit), want: "command [streamlit run $(cat x)]"},
		"a Procfile of workers":               {dir: given("Procfile", "worker: x", "ui.py", streamlit), want: "streamlit ui.py"},
		"a Procfile and a type":               {dir: given("Procfile", "web: x", "ui.py", streamlit), o: Options{Framework: platform.Streamlit}, want: "streamlit ui.py"},
		"a base path":                         {dir: given("app.py", streamlit, ".streamlit/config.toml", "[server]\nbaseUrlPath = \"/my/app/\""), want: "streamlit app.py base=/my/app (server.baseUrlPath in .streamlit/config.toml)"},
		"a base path, dotted":                 {dir: given("app.py", streamlit, ".streamlit/config.toml", "server.baseUrlPath = 'x' # y"), want: "streamlit app.py base=/x (server.baseUrlPath in .streamlit/config.toml)"},
		"a base path of the user":             {dir: given("app.py", streamlit), o: Options{Home: given(".streamlit/config.toml", "[server]\nbaseUrlPath = \"x\"")}, want: "streamlit app.py base=/x (server.baseUrlPath in ~/.streamlit/config.toml)"},
		"a base path of a variable":           {dir: given("app.py", streamlit, ".streamlit/config.toml", "[server]\nbaseUrlPath = \"x\""), o: Options{Environ: []string{"STREAMLIT_SERVER_BASE_URL_PATH=y"}}, want: "streamlit app.py base=/y (STREAMLIT_SERVER_BASE_URL_PATH)"},
		"a base path of chainlit":             {dir: given("app.py", "import chainlit"), o: Options{Environ: []string{"CHAINLIT_ROOT_PATH=/c"}}, want: "chainlit app.py base=/c (CHAINLIT_ROOT_PATH)"},
		"a base path of voila":                {dir: given("a.ipynb", notebook, "voila.json", `{"Voila": {"base_url": "/v/"}}`), want: "voila a.ipynb base=/v (Voila.base_url in voila.json)"},
		"a base path of voila, in Python":     {dir: given("a.ipynb", notebook, "voila.py", "c.Voila.base_url = '/w/'\n"), want: "voila a.ipynb base=/w (Voila.base_url in voila.py)"},
		"a base path that is invalid":         {dir: given("app.py", streamlit, ".streamlit/config.toml", "[server]\nbaseUrlPath = 5"), want: "streamlit app.py"},
		"settings that cannot be read":        {dir: given("app.py", streamlit, ".streamlit/config.toml", "[server"), want: "streamlit app.py"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, err := Find(tc.dir, tc.o)
			if tc.says == "" {
				if err != nil || described(app) != tc.want {
					t.Errorf("got %q, %v; want %q", described(app), err, tc.want)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %q, want an error", described(app))
			}
			text := err.Error()
			var problem *platform.Problem
			if errors.As(err, &problem) {
				text += " " + problem.Hint
			}
			for word := range strings.SplitSeq(tc.says, "|") {
				if !strings.Contains(text, word) {
					t.Errorf("says %q, want %q", text, word)
				}
			}
		})
	}
}

func described(a platform.App) string {
	text := string(a.Framework)
	if a.Entry != "" {
		text += " " + a.Entry
	}
	if a.Command != "" {
		text += " [" + a.Command + "]"
	}
	if a.Runtime == platform.Plain {
		text += " plain"
	}
	if a.Package != "" {
		text += " package=" + a.Package
	}
	if a.Object != "" {
		text += " object=" + a.Object
	}
	if a.Base != "" {
		text += " base=" + a.Base + " (" + a.BaseFrom + ")"
	}
	return text
}

// Files that import each other, lead out of the project or are no files end nothing.
func TestFindEnds(t *testing.T) {
	t.Parallel()
	dir := given("a.py", "from . import b\nfrom ... import c\nimport a.b.c\nimport streamlit", "b.py", "import a\nfrom ..x import y\nimport streamlit", "c.py/x", "")
	var two *Ambiguous
	if app, err := Find(dir, Options{}); !errors.As(err, &two) || len(two.Apps) != 2 {
		t.Errorf("%+v, %v", app, err)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("web: gunicorn a:b", streamlit, "[server]\nbaseUrlPath='x'", "app.py:x")
	f.Add("web: sh x && streamlit run a.py", dash, "server.x=1", "../x")
	f.Fuzz(func(t *testing.T, procfile, source, config, entry string) {
		dir := given("a.py", source, "b.py", source, ".streamlit/config.toml", config, "voila.py", config)
		for _, o := range []Options{{}, {Entry: entry}, {Framework: platform.Streamlit}, {Framework: platform.Docker}} {
			app, err := Find(dir, o)
			if err == nil && app.Framework == "" {
				t.Errorf("%+v: an app of no framework: %+v", o, app)
			}
			if strings.HasPrefix(app.Entry, "/") || strings.HasPrefix(app.Entry, "../") {
				t.Errorf("%+v: the entry %q is outside", o, app.Entry)
			}
		}
		dir["Procfile"] = given("x", procfile)["x"]
		if app, err := Find(dir, Options{}); err == nil && app.Framework == "" {
			t.Errorf("an app of no framework: %+v", app)
		}
	})
}
