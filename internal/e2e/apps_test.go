package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/pyenv"
)

// notebook is a Jupyter notebook of one cell.
func notebook(code string) string {
	return fmt.Sprintf(`{"cells": [{"cell_type": "code", "source": %q, "metadata": {}, "outputs": [], "execution_count": null}],
		"metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}, "nbformat": 4, "nbformat_minor": 4}`, code)
}

// Apps as people have them, which nobody has made fit for us: up finds and runs them, and a browser shows them.
func TestFrameworkAppsAsTheyAre(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		entry string
		base  string // path of the printed address
		shown string
		save  string // file whose "first" becomes "second" while the app runs
		page  string // path of what says so without a browser
	}{
		"streamlit": {
			files: map[string]string{
				"main.py":                "import streamlit as st\nst.title('streamlit says first')\n",
				"pages/1_More.py":        "import streamlit as st\nst.title('more')\n",
				"requirements.txt":       "streamlit\n",
				".streamlit/config.toml": "[server]\nbaseUrlPath = \"team/app\"\nport = 9\nsslCertFile = \"missing.pem\"\nsslKeyFile = \"missing.pem\"\n",
			},
			entry: "main.py", base: "/team/app/", shown: "streamlit says first",
		},
		"dash": {
			files: map[string]string{
				"dashboard.py": "from dash import Dash, html\nboard = Dash(__name__, url_base_pathname='/b/')\nboard.layout = html.H1('dash says first')\n" +
					"if __name__ == '__main__':\n    board.run(debug=True)\n",
				"requirements.txt": "dash\n",
			},
			entry: "dashboard.py", base: "/b/", shown: "dash says first", save: "dashboard.py", page: "/b/_dash-layout",
		},
		"flask": {
			files: map[string]string{
				"shop/__init__.py": "import flask\ndef create_app(config=None):\n    from .views import pages\n    app = flask.Flask(__name__)\n" +
					"    app.register_blueprint(pages)\n    return app\n",
				"shop/views.py":    "import flask\npages = flask.Blueprint('pages', __name__)\n@pages.get('/')\ndef index():\n    return 'flask says first'\n",
				"requirements.txt": "flask\n",
			},
			entry: "shop/__init__.py", shown: "flask says first", save: "shop/views.py", page: "/",
		},
		"panel": {
			files: map[string]string{"sales.ipynb": notebook("import panel as pn\npn.extension()\npn.pane.Markdown('panel says first').servable()"),
				"requirements.txt": "panel\nnbconvert\nipykernel\n"},
			entry: "sales.ipynb", shown: "panel says first",
		},
		"voila": {
			files: map[string]string{"Sales of 2024.ipynb": notebook("print('voila says', 'first')"), "requirements.txt": "voila\n"},
			entry: "Sales of 2024.ipynb", shown: "voila says first",
		},
		"gradio": {
			files: map[string]string{
				"chat.py": "import gradio as gr\nwith gr.Blocks() as demo:\n    gr.Markdown('gradio says first')\n" +
					"demo.queue().launch(server_name='0.0.0.0', server_port=7860, share=True)\n",
				"requirements.txt": "gradio\n",
			},
			entry: "chat.py", shown: "gradio says first",
		},
		"fastapi": {
			files: map[string]string{
				"app/__init__.py":  "",
				"app/words.py":     "WORDS = 'fastapi says first'\n",
				"app/main.py":      "from fastapi import FastAPI\nfrom .words import WORDS\napi = FastAPI()\n@api.get('/')\ndef index():\n    return WORDS\n",
				"requirements.txt": "fastapi\n",
			},
			entry: "app/main.py", shown: "fastapi says first", save: "app/words.py", page: "/",
		},
		"shiny": {
			files: map[string]string{"app.py": "from shiny.express import render\n@render.text\ndef words():\n    return 'shiny says first'\n",
				"requirements.txt": "shiny\n"},
			entry: "app.py", shown: "shiny says first",
		},
		"marimo": {
			files: map[string]string{
				"report.py": "import marimo\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    import marimo as mo\n    mo.md('marimo says ' + 'first')\n    return\n\n\n" +
					"if __name__ == '__main__':\n    app.run()\n",
				"requirements.txt": "marimo\n",
			},
			entry: "report.py", shown: "marimo says first",
		},
	} {
		t.Run(name, func(t *testing.T) {
			wanted(t, name)
			dir := t.TempDir()
			for file, text := range tc.files {
				path := filepath.Join(dir, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			home := t.TempDir()
			s := startUp(t, dir, []string{"HOME=" + home, "USERPROFILE=" + home, "PLOOMBER_CLOUD_CACHE=" + filepath.Join(os.Getenv(pyenv.Variable), "up")},
				"--public", "--port", fmt.Sprint(freeport.For(t)))
			if s.Type != name || s.Entry != tc.entry || tc.base != "" && !strings.HasSuffix(s.URL, tc.base) {
				t.Errorf("it runs %s (%s) at %s", s.Entry, s.Type, s.URL)
			}
			root := strings.TrimSuffix(s.URL, tc.base)
			v := &viewer{t: t}
			v.openTab(startBrowser(t, true), root+"/") // which leads to the base
			v.sees(tc.shown)
			if tc.base != "" {
				v.at(tc.base)
			}
			s.onlyLoopback(t)
			if tc.save == "" {
				return
			}
			path := filepath.Join(dir, filepath.FromSlash(tc.save))
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(tc.files[tc.save], "first", "second")), 0o600); err != nil {
				t.Fatal(err)
			}
			second, client := strings.ReplaceAll(tc.shown, "first", "second"), newClient(t)
			eventually(t, "the saved file takes effect", func() bool {
				return strings.Contains(client.open(root+tc.page).Body, second)
			})
		})
	}
}
