package build

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// TestSources looks at what is found in projects as people have them.
func TestSources(t *testing.T) {
	t.Parallel()
	py := python(t)
	streamlit := "import streamlit as st\n"
	for name, tc := range map[string]struct {
		files   map[string]string
		source  string
		lines   string // separated by "|"; {} is the project's folder
		pins    string
		warning string // a part of the only one
		problem string
		hint    string
	}{
		"requirements.txt before all others": {
			files:  map[string]string{"requirements.txt": "six\n", "pyproject.toml": "[project]\nname='x'\ndependencies=['seven']\n", "Pipfile": ""},
			source: "requirements.txt",
		},
		"pyproject.toml": {
			files:  map[string]string{"pyproject.toml": "[project]\nname = 'x'\nversion = '1'\ndependencies = ['streamlit>=1', 'pandas ; python_version > \"3\"']\n"},
			source: "pyproject.toml", lines: `streamlit>=1|pandas ; python_version > "3"`,
		},
		"pyproject.toml with a byte order mark": {
			files:  map[string]string{"pyproject.toml": "\xef\xbb\xbf[project]\nname = 'x'\ndependencies = ['streamlit']\n"},
			source: "pyproject.toml", lines: "streamlit",
		},
		"pyproject.toml of tools alone": {
			files:  map[string]string{"pyproject.toml": "[tool.black]\nline-length = 99\n", "app.py": streamlit},
			source: "the imports of the code", lines: "streamlit", warning: "installed: streamlit.",
		},
		"pyproject.toml that is broken": {
			files: map[string]string{"pyproject.toml": "[project\n"}, problem: "pyproject.toml cannot be read", hint: "correct it",
		},
		"dependencies in requirement files": {
			files: map[string]string{
				"pyproject.toml": "[project]\nname = 'x'\ndynamic = ['dependencies']\n[tool.setuptools.dynamic]\ndependencies = {file = ['deps.txt']}\n",
				"deps.txt":       "six\n",
			},
			source: "pyproject.toml", lines: "-r {}/deps.txt",
		},
		"dependencies that a backend computes": {
			files:   map[string]string{"pyproject.toml": "[project]\nname = 'x'\ndynamic = ['dependencies']\n"},
			problem: "leaves its dependencies to the build backend", hint: "requirements.txt",
		},
		"another Python": {
			files:   map[string]string{"pyproject.toml": "[project]\nname = 'x'\nrequires-python = '>=3.99'\ndependencies = []\n"},
			problem: "pyproject.toml requires Python >=3.99", hint: "install a matching Python version",
		},
		"uv.lock": {
			files: map[string]string{
				"pyproject.toml": "[project]\nname = 'x'\nversion = '1'\ndependencies = ['pandas']\n",
				"uv.lock": "version = 1\n[[package]]\nname = 'pandas'\nversion = '2.1'\nsource = { registry = 'https://host.example/simple' }\n" +
					"[[package]]\nname = 'numpy'\nversion = '1.26'\nsource = { registry = 'https://host.example/simple' }\nresolution-markers = [\"python_version < '3.12'\"]\n" +
					"[[package]]\nname = 'numpy'\nversion = '2.0'\nsource = { registry = 'https://host.example/simple' }\nresolution-markers = [\"python_version >= '3.12'\"]\n" +
					"[[package]]\nname = 'x'\nversion = '1'\nsource = { virtual = '.' }\n",
			},
			source: "pyproject.toml and uv.lock", lines: "pandas",
			pins: "pandas==2.1|numpy==1.26 ; (python_version < '3.12')|numpy==2.0 ; (python_version >= '3.12')",
		},
		"sources of uv": {
			files: map[string]string{
				"pyproject.toml": "[project]\nname = 'x'\nversion = '1'\ndependencies = ['lib', 'tool[a]>=1', 'other', 'six']\n[tool.uv.sources]\n" +
					"lib = { path = 'lib', editable = true }\ntool = { git = 'https://host.example/tool.git', tag = 'v1', subdirectory = 'py' }\nother = { url = 'https://host.example/other.whl' }\n",
				"lib/pyproject.toml": "[project]\nname = 'lib'\nversion = '1'\n",
			},
			source: "pyproject.toml",
			lines:  "-e {}/lib|tool @ git+https://host.example/tool.git@v1#subdirectory=py|other @ https://host.example/other.whl|six",
		},
		"Poetry": {
			files: map[string]string{
				"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.8'\npandas = '^2.1.3'\nflask = '~3.0'\nsix = '*'\nold = '^0.2.3'\nexact = '1.2'\n" +
					"extra = { version = '>=1,<3', extras = ['a', 'b'] }\nwin = { version = '^1', markers = \"sys_platform == 'win32'\" }\n" +
					"lib = { path = '../lib', develop = true }\nmaybe = { version = '1', optional = true }\nfork = { git = 'https://host.example/f.git', branch = 'main' }\n",
				"poetry.lock": "[[package]]\nname = 'pandas'\nversion = '2.1.4'\n[[package]]\nname = 'fork'\nversion = '1'\n[package.source]\ntype = 'git'\n",
			},
			source: "pyproject.toml and poetry.lock",
			lines: "pandas>=2.1.3,<3|flask>=3.0,<3.1|six|old>=0.2.3,<0.3|exact==1.2|extra[a,b]>=1,<3|win>=1,<2 ; (sys_platform == 'win32')|" +
				"-e {}/../lib|fork @ git+https://host.example/f.git@main",
			pins: "pandas==2.1.4",
		},
		"pylock.toml": {
			files: map[string]string{"pylock.toml": "lock-version = '1.0'\n[[packages]]\nname = 'six'\nversion = '1.0'\nmarker = \"python_version > '3'\"\n" +
				"wheels = [{ url = 'https://host.example/six.whl', hashes = { sha256 = 'aa' } }]\n[[packages]]\nname = 'seven'\nversion = '2.0'\n" +
				"sdist = { url = 'https://host.example/seven.tar.gz', hashes = { sha256 = 'bb' } }\n"},
			source: "pylock.toml", lines: "six==1.0 ; python_version > '3' --hash=sha256:aa|seven==2.0 --hash=sha256:bb",
		},
		"pylock.toml without hashes": {
			files: map[string]string{"pylock.toml": "lock-version = '1.0'\n[[packages]]\nname = 'six'\nversion = '1.0'\n[[packages]]\nname = 'lib'\n" +
				"directory = { path = 'lib', editable = true }\n[[packages]]\nname = 'git'\nvcs = { type = 'git', url = 'https://host.example/g.git', commit-id = 'abc' }\n"},
			source: "pylock.toml", lines: "six==1.0|-e {}/lib|git @ git+https://host.example/g.git@abc",
		},
		"Pipfile": {
			files: map[string]string{"Pipfile": "[[source]]\nname = 'pypi'\nurl = 'https://host.example/simple'\n[packages]\nsix = '*'\nseven = '>=1'\n" +
				"dash = { version = '==2.0', extras = ['celery'] }\nlib = { path = './lib', editable = true }\n[dev-packages]\npytest = '*'\n"},
			source: "Pipfile", lines: "six|seven>=1|dash[celery]==2.0|-e {}/lib",
		},
		"Pipfile.lock": {
			files: map[string]string{
				"Pipfile":      "[packages]\nsix = '*'\n",
				"Pipfile.lock": `{"default": {"six": {"version": "==1.0", "hashes": ["sha256:aa"], "markers": "python_version > '3'"}}, "develop": {"pytest": {"version": "==1"}}}`,
			},
			source: "Pipfile.lock", lines: "six==1.0 ; python_version > '3' --hash=sha256:aa",
		},
		"Pipfile.lock that is broken": {
			files: map[string]string{"Pipfile.lock": "<<<<<<< HEAD"}, problem: "Pipfile.lock cannot be read", hint: "pipenv lock",
		},
		"requirements/base.txt": {
			files: map[string]string{"requirements/base.txt": "six\n", "requirements/dev.txt": "pytest\n"}, source: "requirements/base.txt",
		},
		"the only file in requirements": {files: map[string]string{"requirements/web.txt": "six\n"}, source: "requirements/web.txt"},
		"requirements.in":               {files: map[string]string{"requirements.in": "six\n"}, source: "requirements.in"},
		"environment.yml": {
			files: map[string]string{
				"environment.yml": "name: x\nchannels: [conda-forge]\ndependencies:\n  - python>=3.8\n  - conda-forge::pandas=2.1\n  - gdal\n  - pip\n  - pip:\n    - streamlit>=1\n    - -rmore.txt # why\n",
				"more.txt":        "six\n", "app.py": streamlit + "import pandas\n",
			},
			source: "environment.yml", lines: "streamlit>=1|-r {}/more.txt|pandas==2.1.*", warning: "in place of conda: pandas==2.1.*; these are not installed: gdal",
		},
		"environment.yml without a pip part": {
			files: map[string]string{
				"environment.yaml": "dependencies:\n  - scikit-learn=1.4=py311_0\n  - streamlit\n  - python 3.*\n",
				"app.py":           streamlit + "from sklearn import svm\n",
			},
			source: "environment.yaml", lines: "scikit-learn==1.4.*|streamlit", warning: "in place of conda: scikit-learn==1.4.*, streamlit.",
		},
		"environment.yml that is broken": {files: map[string]string{"environment.yml": "a: [\n"}, problem: "cannot read", hint: "write a requirements.txt"},
		"setup.cfg": {
			files:  map[string]string{"setup.cfg": "[metadata]\nname = x\n[options]\ninstall_requires =\n    six\n    seven>=1\n"},
			source: "setup.cfg", lines: "six|seven>=1",
		},
		"setup.py": {
			files:  map[string]string{"setup.py": "import os\nfrom setuptools import setup\nDEPS = ['six', 'seven']\nos.remove('app.py')\nsetup(name='x', install_requires=DEPS)\n", "app.py": ""},
			source: "setup.py", lines: "six|seven",
		},
		"setup.py that computes": {
			files:   map[string]string{"setup.py": "from setuptools import setup\nsetup(install_requires=open('x').read().split())\n"},
			problem: "setup.py computes its dependencies", hint: "requirements.txt",
		},
		"imports": {
			files: map[string]string{
				"app.py": "import os, json, streamlit as st\nfrom sklearn.svm import SVC\nimport cv2, yaml\nfrom PIL import Image\nimport helper, utils.tools\nfrom . import x\n" +
					"from google.cloud import storage\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import boto3\ntry:\n    import torch\nexcept ImportError:\n    torch = None\n" +
					"if st.button('x'):\n    import bs4\ndef f():\n    from dotenv import load_dotenv\n",
				"helper.py": "import plotly_express\n", "utils/tools.py": "import dateutil.parser\n", "streamlit/readme.py": "", "tests/test_x.py": "import pytest\n",
				"venv/pyvenv.cfg": "", "venv/lib/x.py": "import nothing_like_it\n", ".hidden/x.py": "import hidden\n", "broken.py": "import (",
				"nb.ipynb": `{"cells": [{"cell_type": "code", "source": ["%matplotlib inline\n", "import seaborn\n", "!pip list\n"]}, {"cell_type": "markdown", "source": ["import words"]}]}`,
			},
			source:  "the imports of the code",
			lines:   "beautifulsoup4|google-cloud-storage|opencv-python-headless|pillow|plotly-express|python-dateutil|python-dotenv|pyyaml|scikit-learn|seaborn|streamlit",
			warning: "(left out, since the code can do without: torch)",
		},
		"nothing at all": {source: "the imports of the code", warning: "nothing besides the framework"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := project(t, platform.Streamlit, tc.files)
			b := &Builder{CacheDir: t.TempDir(), Environ: os.Environ(), Now: time.Now, Run: execute}
			r, err := b.inspectWith(context.Background(), p, py, time.Time{})
			if err == nil && r.Requires != "" {
				_, err = b.inspect(context.Background(), p, wanted{})
			}
			if problem := problemOf(err); tc.problem != "" {
				if problem == nil || !strings.Contains(problem.Error(), tc.problem) || !strings.Contains(problem.Hint, tc.hint) {
					t.Errorf("error %v, want %q with hint %q", err, tc.problem, tc.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []struct{ what, got, want string }{
				{"source", r.Source, tc.source}, {"lines", strings.Join(r.Lines, "|"), tc.lines}, {"pins", strings.Join(r.Pins, "|"), tc.pins},
			} {
				want := strings.ReplaceAll(strings.ReplaceAll(part.want, "{}/..", parent(p.Dir)), "{}", p.Dir)
				if part.got != want {
					t.Errorf("%s %q\nwant %q", part.what, part.got, want)
				}
			}
			if said := strings.Join(r.Warnings, "|"); !strings.Contains(said, tc.warning) || (said == "") != (tc.warning == "") {
				t.Errorf("warning %q, want %q", said, tc.warning)
			}
		})
	}
}

func parent(dir string) string { return dir[:strings.LastIndexAny(dir, `/\`)] }

// TestSourcesAreInstalled installs from those that installers do not read themselves.
func TestSourcesAreInstalled(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files, also map[string]string
		entry       string
		want        string
	}{
		"pyproject.toml and uv.lock": {
			files: map[string]string{
				"pyproject.toml": "[project]\nname = 'x'\nversion = '1'\ndependencies = ['six']\n",
				"uv.lock":        "version = 1\n[[package]]\nname = 'six'\nversion = '1.0'\nsource = { registry = 'https://host.example/simple' }\n",
			},
			want: "six==1.0",
		},
		"sources of uv": {
			files: withFiles(local("lib", "lib", "1.0", "seven"), "pyproject.toml",
				"[project]\nname = 'x'\nversion = '1'\ndependencies = ['lib', 'six<2']\n[tool.uv.sources]\nlib = { path = 'lib' }\n"),
			want: "lib==1.0 seven==2.0 six==1.0",
		},
		"Pipfile": {files: map[string]string{"Pipfile": "[packages]\nsix = '<2'\n"}, want: "six==1.0"},
		"environment.yml": {
			files: map[string]string{"environment.yml": "dependencies:\n  - pip:\n    - -r sub/base.txt\n", "sub/base.txt": "six\n"}, want: "six==2.0",
		},
		"imports": {files: map[string]string{"app.py": "import six, os\n"}, want: "six==2.0"},
		"the folder of the app": {
			files: map[string]string{"web/requirements.txt": "-r more.txt\n./lib\n", "web/more.txt": "six<2\n", "web/main.py": ""},
			entry: "web/main.py", also: local("web/lib", "lib", "1.0"), want: "lib==1.0 six==1.0",
		},
		"a folder above that of the app": {
			files: map[string]string{"web/pyproject.toml": "[project]\nname = 'x'\ndependencies = ['seven']\n", "web/src/main.py": ""},
			entry: "web/src/main.py", want: "seven==2.0",
		},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReal(t, Auto)
			write(t, r.dir, tc.files)
			write(t, r.dir, tc.also)
			r.entry = tc.entry
			r.expect("first", true, strings.Fields(tc.want)...)
			r.expect("again", false, strings.Fields(tc.want)...)
			if entries, err := os.ReadDir(r.dir); err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".egg-info") }) {
				t.Errorf("the project holds %v now, %v", entries, err)
			}
		})
	}
}

func withFiles(files map[string]string, name, content string) map[string]string {
	files[name] = content
	return files
}

// TestAddedFramework installs what starts the app though the project does not ask for it, in versions that fit.
func TestAddedFramework(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ requirements, want string }{
		"not listed":       {"six<2\n", "frame==1.0 six==1.0"},
		"listed":           {"frame\n", "frame==2.0 six==2.0"},
		"pinned":           {"Frame==1.0\n", "frame==1.0 six==1.0"},
		"listed elsewhere": {"-r base.txt\n", "frame==1.0 six==1.0"},
		"hashes":           {"six==1.0 --hash=sha256:SIX\n", "frame==1.0 six==1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReal(t, Auto)
			r.index.add(t, "frame", "1.0", "six<2")
			r.index.add(t, "frame", "2.0", "six>=2")
			r.framework = "frame"
			_, six := wheelOf(t, "six", "1.0")
			write(t, r.dir, map[string]string{
				"requirements.txt": strings.ReplaceAll(tc.requirements, "SIX", fmt.Sprintf("%x", sha256.Sum256(six))), "base.txt": "frame<2\n",
			})
			r.expect("first", true, strings.Fields(tc.want)...)
		})
	}
}
