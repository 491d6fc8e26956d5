package pysource

import (
	"reflect"
	"slices"
	"testing"
)

func TestScan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  string
		want File
	}{
		"nothing": {},
		"imports": {
			src: "import a.b as c, d\nfrom . import e\nfrom ..f import (g as h,\n  i)  # from x import y\n",
			want: File{Imports: []Import{
				{Module: "a.b", Line: 1}, {Module: "d", Line: 1}, {Module: ".", Names: []string{"e"}, Line: 2},
				{Module: "..f", Names: []string{"g", "i"}, Line: 3},
			}},
		},
		"imports that may fail, and some of functions": {
			src: "try:\n  import a\nexcept ImportError: import b\ndef f():\n  from c import *\n",
			want: File{
				Imports: []Import{
					{Module: "a", Line: 2, Try: true}, {Module: "b", Line: 3, Try: true},
					{Module: "c", Names: []string{}, Line: 5, Nested: true},
				},
				Functions: []Function{{Name: "f", Line: 4}},
			},
		},
		"words in strings and comments": {
			src:  "'''\nimport a\n'''\nx = 'import b' # import c\ny = f'{\"import d\"} {{'; z = rb\"\\\"\"\n",
			want: File{Bindings: []Binding{{Name: "x", Line: 4}, {Name: "y", Line: 5}, {Name: "z", Line: 5}}},
		},
		"an app and its server": {
			src: "from dash import Dash as D\napp: D = D(__name__, url_base_pathname='/x/', title=f'{a}')\nserver = app.server\n",
			want: File{
				Imports: []Import{{Module: "dash", Names: []string{"Dash"}, Line: 1}},
				Bindings: []Binding{
					{Name: "app", Value: "dash.Dash", Call: true, Args: map[string]string{"url_base_pathname": "/x/"}, Line: 2},
					{Name: "server", Value: "app.server", Line: 3},
				},
				Calls: []string{"dash.Dash"},
			},
		},
		"a factory": {
			src: "import flask\ndef create_app(a=1, *args, b=lambda: 2, **more):\n  app = flask.Flask(__name__)\n  return app\n" +
				"async def make_app(a, /, b, *, c): pass\n",
			want: File{
				Imports:   []Import{{Module: "flask", Line: 1}},
				Functions: []Function{{Name: "create_app", Line: 2}, {Name: "make_app", Required: 3, Line: 5}},
				Calls:     []string{".Flask", "flask.Flask"},
			},
		},
		"a manager": {
			src: "import gradio as gr\nwith open('x') as f, gr.Blocks() as demo:\n  gr.Button('a').click(f)\nif __name__ == '__main__':\n  demo.launch(share=True)\n",
			want: File{
				Imports: []Import{{Module: "gradio", Line: 1}},
				Bindings: []Binding{
					{Name: "f", Value: "open", Call: true, Args: map[string]string{}, Line: 2},
					{Name: "demo", Value: "gradio.Blocks", Call: true, Args: map[string]string{}, Line: 2},
				},
				Calls: []string{".Blocks", ".Button", ".click", ".launch", "demo.launch", "gradio.Blocks", "gradio.Button", "open"},
			},
		},
		"source that is only begun": {
			src:  "import a\nx = (1,\nimport b\n'",
			want: File{Imports: []Import{{Module: "a", Line: 1}}, Bindings: []Binding{{Name: "x", Line: 2}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Scan([]byte(tc.src)); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got\n%+v, want\n%+v", got, tc.want)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	f := Scan([]byte("import dash.html, os\nfrom .x import y\npn.panel(1).servable()\n"))
	if !f.ImportsTop("dash") || f.ImportsTop("das") || f.ImportsTop("") || !f.CallsAny("nothing", ".servable") || f.CallsAny("servable") {
		t.Errorf("%+v", f)
	}
}

func TestReadNotebook(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, code, language string
		wrong                bool
	}{
		"format 4": {
			file: `{"cells": [{"cell_type": "code", "source": ["import a\n", "%matplotlib inline\n", "x = 1"]}, {"cell_type": "markdown", "source": "import no"},
				{"cell_type": "code", "source": "!pip install b\nimport c"}], "metadata": {"language_info": {"name": "python"}}}`,
			code: "import a\nx = 1\nimport c\n", language: "python",
		},
		"format 3":                  {file: `{"worksheets": [{"cells": [{"cell_type": "code", "input": "import a"}]}]}`, code: "import a\n"},
		"a cell of another program": {file: `{"cells": [{"cell_type": "code", "source": "%%bash\nimport a"}, {"cell_type": "code", "source": "%%time\nimport b"}]}`, code: "import b\n"},
		"another language":          {file: "\ufeff" + `{"metadata": {"kernelspec": {"language": "R"}}}`, language: "r"},
		"source that is invalid":    {file: `{"cells": [{"cell_type": "code", "source": 5}]}`, code: "\n"},
		"no notebook":               {file: `import a`, wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadNotebook([]byte(tc.file))
			if string(got.Code) != tc.code || got.Language != tc.language || (err != nil) != tc.wrong {
				t.Errorf("got %q, %q, %v", got.Code, got.Language, err)
			}
		})
	}
}

// Whatever a file holds, reading it ends, and what is found lies in it.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"", "import a\n", "f'{x!r:{y}}' \"\"\"", "def f(a, b=1, *c, d): pass", "with (a() as b, c() as d): x = y = z()", "\\\r\n\t(", "async", "from . import", "x: int = 1; import y",
		"rb'\\", "if x: import y; z = w()", "\u00a0import a", "f\"{f'{f\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		before := slices.Clone(src)
		got := Scan(src)
		if !slices.Equal(before, src) {
			t.Error("the source has changed")
		}
		for _, i := range got.Imports {
			if i.Module == "" || i.Line < 1 {
				t.Errorf("import %+v", i)
			}
		}
		for _, b := range got.Bindings {
			if b.Name == "" || b.Line < 1 || b.Call && b.Value == "" {
				t.Errorf("binding %+v", b)
			}
		}
		for _, function := range got.Functions {
			if function.Name == "" || function.Required < 0 {
				t.Errorf("function %+v", function)
			}
		}
	})
}

func FuzzReadNotebook(f *testing.F) {
	f.Add([]byte(`{"cells": [{"cell_type": "code", "source": ["%%time\n", "import a"]}]}`))
	f.Add([]byte(`{"worksheets": [{"cells": [{"cell_type": "code", "input": "!x"}]}]}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if n, err := ReadNotebook(data); err == nil {
			Scan(n.Code)
		}
	})
}

func TestDistribution(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{
		"PIL": "pillow", "PIL.Image": "pillow", "pandas.core": "pandas", "sklearn": "scikit-learn", "dash_bootstrap_components": "dash-bootstrap-components",
		"google.cloud.storage.blob": "google-cloud-storage", "google.nothing": "google", "": "",
	} {
		if got := Distribution(module); got != want {
			t.Errorf("%q comes with %q, want %q", module, got, want)
		}
	}
}
