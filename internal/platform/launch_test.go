package platform

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asked prints what the launcher finds: what a WSGI or ASGI application says of itself, or why there is none.
const asked = `
import asyncio
try:
    found = KIND(ENTRY, NAME)
    if is_asgi(found):
        print(asyncio.run(found({}, None, None)))
    else:
        print(found({}, None))
except NoApplication as e:
    print("none:", e)
`

// findPython returns the path of the Python on PATH.
func findPython(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("no Python here")
	}
	return python
}

// Modules are as people write them; frameworks are stood in for by classes that look the same.
func TestLauncherFindsTheApp(t *testing.T) {
	t.Parallel()
	python := findPython(t)
	const (
		flask = "class Flask:\n  def __init__(self, name): self.name = name\n  def wsgi_app(self): pass\n  def __call__(self, environ, start): return self.name\n"
		dash  = flask + "class Config(dict): pass\nclass Dash:\n  def __init__(self, server, **config): self.server, self.config = server, config\n"
		proxy = "class Proxy:\n  def __getattribute__(self, name): raise RuntimeError('outside of a request')\n  def __call__(self): pass\nrequest = Proxy()\n"
		fast  = "class FastAPI:\n  def __init__(self, name): self.name = name\n  async def __call__(self, scope, receive, send): return self.name\n"
	)
	for name, tc := range map[string]struct {
		files             map[string]string
		kind, entry, name string
		want              string
	}{
		"app":                                {files: map[string]string{"app.py": flask + "app = Flask('a')"}, want: "a"},
		"application":                        {files: map[string]string{"app.py": flask + "application = Flask('a')\nother = Flask('b')"}, want: "a"},
		"another name":                       {files: map[string]string{"app.py": flask + "site = Flask('a')"}, want: "a"},
		"a plain function":                   {files: map[string]string{"app.py": "def application(environ, start_response): return 'plain'"}, want: "plain"},
		"dash without its server":            {files: map[string]string{"app.py": dash + "app = Dash(Flask('s'))"}, want: "s"},
		"dash and its server":                {files: map[string]string{"app.py": dash + "app = Dash(Flask('s'))\nserver = app.server"}, want: "s"},
		"dash on flask":                      {files: map[string]string{"app.py": dash + "app = Flask('f')\nboard = Dash(app)"}, want: "f"},
		"a factory":                          {files: map[string]string{"app.py": flask + "def create_app(config=None, **more): return Flask('made')"}, want: "made"},
		"another factory":                    {files: map[string]string{"app.py": flask + "def make_app(): return Flask('made')"}, want: "made"},
		"a factory with a name":              {files: map[string]string{"app.py": flask + "def mine(): return Flask('made')"}, name: "mine()", want: "made"},
		"a factory of a class":               {files: map[string]string{"app.py": flask + "class Site:\n  app = Flask('inner')\nsite = Site()"}, name: "site.app", want: "inner"},
		"a factory that needs more":          {files: map[string]string{"app.py": flask + "def create_app(config): return Flask('made')"}, want: "none: create_app of app.py is neither a WSGI application nor a function that creates one without arguments"},
		"a factory that makes none":          {files: map[string]string{"app.py": "def create_app(): return 5"}, want: "none: create_app() of app.py returns no WSGI application"},
		"a factory beside flask.request":     {files: map[string]string{"app.py": flask + proxy + "def create_app(): return Flask('made')"}, want: "made"},
		"another name beside flask.request":  {files: map[string]string{"app.py": flask + proxy + "site = Flask('a')"}, want: "a"},
		"a usual name for what flask defers": {files: map[string]string{"app.py": flask + proxy + "server = request\nsite = Flask('a')"}, want: "a"},
		"asgi beside quart.request":          {kind: "asgi", files: map[string]string{"app.py": fast + proxy + "site = FastAPI('f')"}, want: "f"},
		"several":                            {files: map[string]string{"app.py": flask + "one = Flask('a')\ntwo = Flask('b')"}, want: "none: app.py has several applications (one, two); name one with --entry app.py:NAME"},
		"none":                               {files: map[string]string{"app.py": "app = 5\nserver = str"}, want: "none: no WSGI application in app.py; name it with --entry app.py:NAME"},
		"a name that is not there":           {files: map[string]string{"app.py": flask}, name: "x", want: "none: app.py has no x"},
		"a module called app":                {files: map[string]string{"main.py": "import app\nfrom app import made as site", "app.py": flask + "made = Flask('a')"}, entry: "main.py", want: "a"},
		"a package":                          {files: map[string]string{"shop/__init__.py": flask + "from . import x\ndef create_app(): return Flask(x.NAME)", "shop/x.py": "NAME = 'pkg'"}, entry: "shop/__init__.py", want: "pkg"},
		"a module of a package":              {files: map[string]string{"shop/__init__.py": "", "shop/web.py": flask + "from .x import NAME\napp = Flask(NAME)", "shop/x.py": "NAME = 'pkg'"}, entry: "shop/web.py", want: "pkg"},
		"a folder that is not a package":     {files: map[string]string{"src/web.py": flask + "from x import NAME\napp = Flask(NAME)", "src/x.py": "NAME = 'src'"}, entry: "src/web.py", want: "src"},
		"a name that no module has":          {files: map[string]string{"my-app.py": flask + "app = Flask('dashes')"}, entry: "my-app.py", want: "dashes"},
		"a name that Python has":             {files: map[string]string{"site.py": flask + "app = Flask('mine')"}, entry: "site.py", want: "mine"},
		"asgi":                               {kind: "asgi", files: map[string]string{"app.py": fast + "app = FastAPI('f')"}, want: "f"},
		"asgi under another name":            {kind: "asgi", files: map[string]string{"app.py": fast + "site = FastAPI('f')"}, want: "f"},
		"asgi by a factory":                  {kind: "asgi", files: map[string]string{"app.py": fast + "def create_app(): return FastAPI('f')"}, want: "f"},
		"asgi, and a wsgi app":               {kind: "asgi", files: map[string]string{"app.py": fast + flask + "app = Flask('w')\nsite = FastAPI('f')"}, want: "f"},
		"asgi that is a function":            {kind: "asgi", files: map[string]string{"app.py": "async def app(scope, receive, send): return 'fn'"}, want: "fn"},
		"wsgi, and an asgi app":              {files: map[string]string{"app.py": fast + flask + "app = FastAPI('f')\nsite = Flask('w')"}, want: "w"},
		"the current folder is a file":       {files: map[string]string{"__init__.py": "", "app.py": flask + "app = Flask('a')"}, want: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, root := t.TempDir(), t.TempDir()
			for file, text := range tc.files {
				path := filepath.Join(dir, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if tc.kind == "" {
				tc.kind = "wsgi"
			}
			if tc.entry == "" {
				tc.entry = "app.py"
			}
			text := LauncherSource() + strings.NewReplacer("KIND", tc.kind, "ENTRY,", `"`+tc.entry+`",`, "NAME)", `"`+tc.name+`")`).Replace(asked)
			script := filepath.Join(root, LauncherName+".py")
			if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			run := exec.Command(python, script)
			run.Dir = dir
			out, err := run.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != tc.want {
				t.Errorf("found %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// A Dash app says below which path it serves, and a prefix that only browsers see is taken off, as a proxy would.
func TestLauncherTellsTheBase(t *testing.T) {
	t.Parallel()
	python := findPython(t)
	dir, root := t.TempDir(), t.TempDir()
	app := `
class Flask:
  wsgi_app = None
  def __call__(self, environ, start): return environ["SCRIPT_NAME"] + " " + environ["PATH_INFO"]
class Dash:
  config = {"requests_pathname_prefix": "/a/x/", "routes_pathname_prefix": "/x/"}
  server = Flask()
app = Dash()
`
	text := LauncherSource() + `
found = wsgi("app.py", "")
print(found({"PATH_INFO": "/a/x/y", "SCRIPT_NAME": ""}, None), "|", found({"PATH_INFO": "/b", "SCRIPT_NAME": ""}, None))
`
	script := filepath.Join(root, LauncherName+".py")
	for path, content := range map[string]string{filepath.Join(dir, "app.py"): app, script: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command(python, script)
	run.Dir = dir
	out, err := run.CombinedOutput()
	base, _ := os.ReadFile(filepath.Join(root, "base"))
	if got := strings.TrimSpace(string(out)); err != nil || got != "/a /x/y |  /b" || string(base) != "/a/x/" {
		t.Errorf("%q, %v, base %q", got, err, base)
	}
}

// An error before anything of the app runs looks like every other, so that its cause is found.
func TestLauncherHeadsItsOwnErrors(t *testing.T) {
	t.Parallel()
	python := findPython(t)
	script := filepath.Join(t.TempDir(), LauncherName+".py")
	text := LauncherSource() + "\nrun(lambda: importlib.import_module('no_such_module'))\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, script).CombinedOutput()
	const want = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'no_such_module'"
	if got := strings.ReplaceAll(strings.TrimSpace(string(out)), "\r\n", "\n"); err == nil || got != want {
		t.Errorf("printed %q, %v; want %q", got, err, want)
	}
}
