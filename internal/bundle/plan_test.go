package bundle_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

// project makes a folder of files. A content "-> x" makes a symbolic link to x.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), content)
	}
	return dir
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if target, isLink := strings.CutPrefix(content, "-> "); isLink {
		err = os.Symlink(target, file)
	} else {
		err = os.WriteFile(file, []byte(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func names(content ...string) map[string]string {
	files := make(map[string]string)
	for _, name := range content {
		files[name] = "x"
	}
	return files
}

func plan(t *testing.T, dir string, rules bundle.Rules) *bundle.Listing {
	t.Helper()
	l, err := bundle.Plan(t.Context(), dir, rules)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// listed joins the names of entries that ship, or that do not.
func listed(l *bundle.Listing, ships bool) string {
	var out []string
	for _, e := range l.Entries {
		if e.Ships == ships {
			out = append(out, e.Name)
		}
	}
	return strings.Join(out, " ")
}

func ruleOf(t *testing.T, l *bundle.Listing, name string) bundle.Rule {
	t.Helper()
	for _, e := range l.Entries {
		if e.Name == name {
			return e.Rule
		}
	}
	t.Errorf("%s is not listed", name)
	return bundle.Rule{}
}

// TestConfigRules fixes how ignore and include are read; each answer was taken from the Python tool.
func TestConfigRules(t *testing.T) {
	t.Parallel()
	tree := names("app.py", "data/a.csv", "data/raw/b.csv", "other/data/c.csv", "notes.txt", "sub/notes.txt", ".git/HEAD",
		"__pycache__/app.pyc", "__pycache__/keep.txt", ".DS_Store", "sub/.DS_Store", ".gitignore", ".streamlit/config.toml",
		"lib/.git/config", "zz/data", "q/.DS_Store/f", "q/ploomber-cloud.json", "q/ploomber-cloud.json2", " s/f", "d..d/f")
	tree["ploomber-cloud.json"] = `{"id": "a", "type": "docker"}`
	plain := []string{" s/f", ".gitignore", ".streamlit/config.toml", "__pycache__/keep.txt", "app.py", "d..d/f", "data/a.csv",
		"data/raw/b.csv", "notes.txt", "other/data/c.csv", "q/.DS_Store/f", "q/ploomber-cloud.json2", "sub/notes.txt", "zz/data"}
	for name, tc := range map[string]struct {
		ignore, include string // elements, split at commas
		less, more      []string
	}{
		"nothing":                  {},
		"name":                     {ignore: "data", less: []string{"data/a.csv", "data/raw/b.csv", "other/data/c.csv", "zz/data"}},
		"name of a file":           {ignore: "notes.txt", less: []string{"notes.txt", "sub/notes.txt"}},
		"name with slash":          {ignore: "data/", less: []string{"data/a.csv", "data/raw/b.csv", "other/data/c.csv"}},
		"path":                     {ignore: "data/raw", less: []string{"data/raw/b.csv"}},
		"path with slash":          {ignore: "other/data/", less: []string{"other/data/c.csv"}},
		"path of a file":           {ignore: "sub/notes.txt", less: []string{"sub/notes.txt"}},
		"file with slash":          {ignore: "notes.txt/"},
		"path of a file and slash": {ignore: "sub/notes.txt/"},
		"path not from the top":    {ignore: "raw/b.csv"},
		"dot":                      {ignore: "./data", less: []string{"data/a.csv", "data/raw/b.csv"}},
		"dot and slash":            {ignore: "./data/", less: []string{"data/a.csv", "data/raw/b.csv"}},
		"dot behind":               {ignore: "data/.", less: []string{"data/a.csv", "data/raw/b.csv"}},
		"dot between":              {ignore: "data/./raw", less: []string{"data/raw/b.csv"}},
		"two slashes between":      {ignore: "data//raw", less: []string{"data/raw/b.csv"}},
		"two slashes behind":       {ignore: "data//", less: []string{"data/a.csv", "data/raw/b.csv"}},
		"dot before a file":        {ignore: "./notes.txt", less: []string{"notes.txt"}},
		"two dots":                 {ignore: "../x,other/../data,.."},
		"absolute":                 {ignore: "/data"},
		"glob":                     {ignore: "*.txt,data/*,no*"},
		"empty":                    {ignore: ""},
		"case":                     {ignore: "Data,NOTES.TXT"},
		"space":                    {ignore: " s", less: []string{" s/f"}},
		"the whole folder":         {ignore: ".", less: plain},
		"slash alone":              {ignore: "/", less: plain},
		"dot slash":                {ignore: "./", less: plain},
		"include wins":             {ignore: "data/", include: "data"},
		"include deeper":           {ignore: "data/", include: "raw", less: []string{"data/a.csv", "other/data/c.csv"}},
		"include path":             {ignore: "data", include: "data/raw,./data,data/,.", less: []string{"data/a.csv", "data/raw/b.csv", "other/data/c.csv", "zz/data"}},
		"include built-in":         {include: ".DS_Store", more: []string{".DS_Store", "sub/.DS_Store"}},
		"include git":              {include: ".git", more: []string{".git/HEAD", "lib/.git/config"}},
		"include below git":        {include: "config", more: []string{"lib/.git/config"}},
		"include folder":           {include: "sub,lib", more: []string{"lib/.git/config", "sub/.DS_Store"}},
		"include pyc":              {include: "app.pyc", more: []string{"__pycache__/app.pyc"}},
		"include config":           {include: "ploomber-cloud.json", more: []string{"ploomber-cloud.json", "q/ploomber-cloud.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, tree)
			for _, full := range []bool{false, true} {
				l := plan(t, dir, bundle.Rules{Ignore: strings.Split(tc.ignore, ","), Include: split(tc.include), Full: full})
				want := slices.DeleteFunc(append(slices.Clone(plain), tc.more...), func(n string) bool { return slices.Contains(tc.less, n) })
				slices.Sort(want)
				if got := listed(l, true); got != strings.Join(want, " ") {
					t.Errorf("full %v: got  %s\nwant %s", full, got, strings.Join(want, " "))
				}
				if full && len(l.Entries) != len(tree) {
					t.Errorf("%d of %d files listed", len(l.Entries), len(tree))
				}
			}
		})
	}
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// realKey is one that nobody uses (Ed25519).
const realKey = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n"

const pemKey = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"

// TestSecretsStay covers "secrets in the upload" (docs/security.md). Every file is also asked for by include,
// which must not help; only its own name does.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		".env": "A=1", "sub/.env": "A=1", ".ENV": "A=1", "x/.Env.Local": "A=1", ".env.local": "A=1", "a/b/.env.dev": "A=1", ".env-prod": "A=1",
		".env_old": "A=1", ".env~": "A=1", ".envrc": "A=1", ".envs/.production": "A=1", ".env.d/x": "A=1", ".env.example.local": "A=1", ".env.": "A=1",
		"copy_.env": "A=1", "sub/copy_.env": "A=1", "COPY_.ENV": "A=1",
		".streamlit/secrets.toml": "a='1'", "app/.streamlit/secrets.toml": "a='1'", ".streamlit/SECRETS.toml": "a='1'",
		"id_rsa": "x", "keys/id_ed25519": "x", "server.p12": "x", "server.PFX": "x", "store.jks": "x", "k.ppk": "x", ".ssh/known_hosts": "x",
		"server.key": pemKey, "server.pem": "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n" + pemKey, "deploy_key": pemKey, "a.crt": pemKey,
		"o.key": "-----BEGIN OPENSSH PRIVATE KEY-----\nAA\n", "gpg.asc": "-----BEGIN PGP PRIVATE KEY BLOCK-----\nAA\n", ".hidden": pemKey,
		"sa.json": `{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\n-----END PRIVATE KEY-----\n"}`,
		".netrc":  "x", "_netrc": "x", "home/.pypirc": "x", ".pgpass": "x", ".git-credentials": "x", ".aws/credentials": "x", ".docker/config.json": "{}",
		".htpasswd": "ann:x", "nginx/app.main_app.htpasswd": "ann:x", "sub/.HTPASSWD": "ann:x",
		".npmrc": "//x/:_authToken=1", ".ploomber/stats/config.yaml": "cloud_key: x", ".git/config": "url = https://a:b@example.com/x",
		"ploomber-cloud.json": `{"authentication": {"username": "u", "password": "p"}}`, "app-0a1b2c3d.zip": "old", "APP-0A1B2C3D.ZIP": "old",
		"sub/.ploomber-cloud-0011223344556677.tmp": "x", "venv/pyvenv.cfg": "x", "pyvenv.cfg": "x",
		".ploomber-cloud-123.tmp/new/config.py": "x", "sub/.PLOOMBER-CLOUD-123.TMP/old/0": "x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{name: content, "app.py": "x"})
			include := strings.Split(name, "/")
			for _, full := range []bool{true, false} {
				l := plan(t, dir, bundle.Rules{Include: include, Full: full, Search: true})
				if got := listed(l, true); got != "app.py" {
					t.Errorf("ships %s", got)
				}
			}
			l := plan(t, dir, bundle.Rules{AllowSecrets: []string{"./" + name}})
			if got := listed(l, true); !strings.Contains(got, name) || ruleOf(t, l, name).Kind != bundle.Allowed {
				t.Errorf("allowed by name, ships only %s", got)
			}
		})
	}
}

// TestOrdinaryFilesShip is the other half: names and contents close to those above.
func TestOrdinaryFilesShip(t *testing.T) {
	t.Parallel()
	const certificate = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"
	files := map[string]string{
		".env.example": "A=", "sub/.env.sample": "A=", ".env.template": "A=", ".env-example": "A=", ".env.local.example": "A=", ".environ_example": "x",
		"env": "x", "env.py": "x", "dotenv.txt": "x", "ca.pem": certificate, "public.key": "-----BEGIN PUBLIC KEY-----\nAA\n",
		"slides.key": "PK\x03\x04", "id_rsa.pub": "ssh-rsa AA", "secrets.toml": "x", ".streamlit/config.toml": "x", "app-0a1b2c3.zip": "x",
		"sub/app-0a1b2c3d.zip": "x", "app-0a1b2c3g.zip": "x", "private.json": `{"private_key": "none"}`, ".npmrc": "registry=x", "Dockerfile": "FROM x",
		"htpasswd.py": "x", "app.htpasswd.md": "x", "credentials.py": "x", "a.tmp": "x", "b.tmp/x": "x", ".ploomber-cloud-notes/x": "x", ".git.txt": "x", "pyc": "x", "x.pyc.txt": "x", ".dockerignore": "x", "notes.md": pemKey,
	}
	l := plan(t, project(t, files), bundle.Rules{})
	if got := listed(l, false); got != "" {
		t.Errorf("left out: %s", got)
	}
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	t.Run("below", func(t *testing.T) {
		t.Parallel()
		l := plan(t, project(t, names("app.py", "my env/pyvenv.cfg", "my env/bin/python", "my env/lib/x.py")), bundle.Rules{Include: []string{"bin"}})
		if got := listed(l, true) + "|" + listed(l, false); got != "app.py|my env/" {
			t.Error(got)
		}
	})
	t.Run("the project itself", func(t *testing.T) {
		t.Parallel()
		l := plan(t, project(t, names("app.py", "pyvenv.cfg", "bin/python", "lib/python3.12/site-packages/x.py", "lib/mine.py")), bundle.Rules{})
		if got := listed(l, true); got != "app.py lib/mine.py" {
			t.Error(got)
		}
	})
}

func TestConfigInUseStays(t *testing.T) {
	t.Parallel()
	dir := project(t, names("app.py", "conf/prod.json", "conf/other.json", "ploomber-cloud.json"))
	put(t, filepath.Join(dir, "alias.json"), "-> conf/prod.json")
	for _, config := range []string{"conf/prod.json", filepath.Join(dir, "conf", "prod.json"), "alias.json"} {
		l := plan(t, dir, bundle.Rules{Config: config, Include: []string{"conf"}})
		if got := listed(l, true); got != "app.py conf/other.json" {
			t.Errorf("%s: ships %s", config, got)
		}
	}
	l := plan(t, dir, bundle.Rules{Config: filepath.Join(t.TempDir(), "gone.json")})
	if got := listed(l, true); got != "alias.json app.py conf/other.json conf/prod.json" {
		t.Errorf("config elsewhere: ships %s", got)
	}
}

func TestIgnoreFiles(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		".ploomberignore": "*.log\n!keep.log\nbuild/\n/top.txt\n!.env\n!*.pyc\n", "data/.ploomberignore": "!x.log\n*.csv", "build/.ploomberignore": "!*",
		"a.log": "", "keep.log": "", "build/out": "", "top.txt": "", "data/top.txt": "", "data/x.log": "", "data/y.csv": "", ".env": "", "a.pyc": "",
	})
	l := plan(t, dir, bundle.Rules{})
	if got := listed(l, true); got != ".ploomberignore data/.ploomberignore data/top.txt data/x.log keep.log" {
		t.Errorf("ships %s", got)
	}
	for name, want := range map[string]string{
		"a.log": `.ploomberignore:1: "*.log"`, "build/": `.ploomberignore:3: "build/"`, "data/y.csv": `data/.ploomberignore:2: "*.csv"`,
		".env": "secret: environment file", "a.pyc": "built-in: *.pyc",
	} {
		if got := ruleOf(t, l, name).String(); got != want {
			t.Errorf("%s: rule %s, want %s", name, got, want)
		}
	}
	l = plan(t, dir, bundle.Rules{Include: []string{"build", "a.log"}, Full: true})
	if got := listed(l, true); !strings.Contains(got, "a.log") || !strings.Contains(got, "build/out") {
		t.Errorf("include does not lift the ignore file: %s", got)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	outside := project(t, map[string]string{"data.txt": "outside", "id_rsa": "key", "dir/f": "x"})
	dir := project(t, map[string]string{
		"real/x.txt": "content", "link.txt": "-> real/x.txt", "two.txt": "-> link.txt", "sub/up.txt": "-> ../real/x.txt", "linkdir": "-> real",
		"broken": "-> gone", "loop": "-> loop", "null": "-> /dev/null", "through": "-> real/x.txt/y",
		".env": "A=1", "plain.txt": "-> .env", "deep/.env.local": "A=1", "y.txt": "-> deep/.env.local", "key.txt": "-> real/k", "real/k": pemKey,
		".git/HEAD": "x", ".git/out": "-> " + filepath.Join(outside, "data.txt"), "skip.txt": "-> " + filepath.Join(outside, "data.txt"),
		"vendor": "-> " + filepath.Join(outside, "id_rsa"),
	})
	put(t, filepath.Join(dir, "abs.txt"), "-> "+filepath.Join(dir, "real", "x.txt"))
	put(t, filepath.Join(dir, "back.txt"), "-> ../"+filepath.Base(dir)+"/real/x.txt")
	rules := bundle.Rules{Ignore: []string{"skip.txt"}}
	l := plan(t, dir, rules)
	if got := listed(l, true); got != "abs.txt back.txt link.txt real/x.txt sub/up.txt two.txt" {
		t.Errorf("ships %s", got)
	}
	for name, want := range map[string]bundle.Kind{
		"linkdir": bundle.LinkedFolder, "broken": bundle.BrokenLink, "loop": bundle.BrokenLink, "through": bundle.BrokenLink,
		"plain.txt": bundle.Secret, "y.txt": bundle.Secret, "key.txt": bundle.Secret, "vendor": bundle.Secret, "null": bundle.Special, ".git/": bundle.BuiltIn,
	} {
		if got := ruleOf(t, l, name); got.Kind != want && (name != "null" || runtime.GOOS != "windows") {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
}

func TestLinksOutside(t *testing.T) {
	t.Parallel()
	outside := project(t, map[string]string{"data.txt": "outside", "id_rsa": "key"})
	data := filepath.Join(outside, "data.txt")
	dir := project(t, map[string]string{"app.py": "x", "b.txt": "-> " + data, "a/c.txt": "-> ../b.txt", "id": "-> " + filepath.Join(outside, "id_rsa")})
	_, err := bundle.Plan(t.Context(), dir, bundle.Rules{})
	var escape *bundle.OutsideError
	if !errors.As(err, &escape) || len(escape.Links) != 2 || escape.Links[0] != (bundle.Link{Name: "a/c.txt", Target: data}) || escape.Links[1].Name != "b.txt" {
		t.Fatalf("got %v", err)
	}
	if _, err = bundle.Plan(t.Context(), dir, bundle.Rules{AllowLinks: []string{"b.txt"}}); !errors.As(err, &escape) || len(escape.Links) != 1 {
		t.Errorf("one allowed: %v", err)
	}
	if _, err = bundle.Plan(t.Context(), dir, bundle.Rules{AllowLinks: []string{"b.txt", "a/c.txt", "id"}}); err == nil || !strings.Contains(err.Error(), "id leads to a secret") {
		t.Errorf("a secret: %v", err)
	}
	l := plan(t, dir, bundle.Rules{AllowLinks: []string{"./b.txt", "a/c.txt"}})
	if got := listed(l, true); got != "a/c.txt app.py b.txt" {
		t.Errorf("allowed: ships %s", got)
	}
	if got := unzip(t, pack(t, l, bundle.Options{}))["b.txt"].content; got != "outside" {
		t.Errorf("b.txt holds %q", got)
	}
	// a project that is itself reached through a link is not an escape
	alias := filepath.Join(t.TempDir(), "alias")
	put(t, alias, "-> "+project(t, map[string]string{"x": "1", "y": "-> x"}))
	if got := listed(plan(t, alias, bundle.Rules{}), true); got != "x y" {
		t.Errorf("through a link: ships %s", got)
	}
}

func TestLinkedFolders(t *testing.T) {
	t.Parallel()
	outside := project(t, map[string]string{
		"shared/data.csv": "shared", "shared/sub/x.py": "x", "shared/.env": "A=1", "shared/key.txt": realKey, "shared/x.log": "x", "shared/.ploomberignore": "*.log",
		"shared/near": "-> sub/x.py", "shared/other": "-> sub", "far.txt": "far", "shared/far": "-> ../far.txt", "shared/.cache/x": "x", ".aws/credentials": "x", "venv/pyvenv.cfg": "x",
	})
	at := func(name string) string { return "-> " + filepath.Join(outside, name) }
	dir := project(t, map[string]string{
		"app.py": "x", "real/x.txt": "x", "inside": "-> real", "up/here": "-> ..", "aws": at(".aws"), ".ssh": at("shared"), "venv": at("venv"),
		".cache": at("shared"), "ignored": at("shared"), "folders": at("shared"), "patterns": at("shared"), ".ploomberignore": "patterns/",
	})
	ignore := []string{"ignored", "folders/"}
	l := plan(t, dir, bundle.Rules{Ignore: ignore})
	if got := listed(l, true); got != ".ploomberignore app.py real/x.txt" {
		t.Errorf("ships %s", got)
	}
	for name, want := range map[string]bundle.Entry{
		"inside": {Rule: bundle.Rule{Kind: bundle.LinkedFolder}, Missed: true}, "up/here": {Rule: bundle.Rule{Kind: bundle.LinkedFolder}, Missed: true},
		"aws": {Rule: bundle.Rule{Kind: bundle.Secret}, Missed: true}, ".ssh": {Rule: bundle.Rule{Kind: bundle.Secret}}, "venv": {Rule: bundle.Rule{Kind: bundle.Environment}},
		".cache": {Rule: bundle.Rule{Kind: bundle.BuiltIn}}, "ignored": {Rule: bundle.Rule{Kind: bundle.Ignored}}, "folders": {Rule: bundle.Rule{Kind: bundle.Ignored}},
		"patterns": {Rule: bundle.Rule{Kind: bundle.IgnoreFile}},
	} {
		at := slices.IndexFunc(l.Entries, func(e bundle.Entry) bool { return e.Name == name })
		if at < 0 || l.Entries[at].Rule.Kind != want.Rule.Kind || l.Entries[at].Missed != want.Missed {
			t.Errorf("%s: %+v, want %+v", name, l.Entries[at], want)
		}
	}

	put(t, filepath.Join(dir, "shared"), at("shared"))
	_, err := bundle.Plan(t.Context(), dir, bundle.Rules{Ignore: ignore})
	var escape *bundle.OutsideError
	if !errors.As(err, &escape) || len(escape.Links) != 1 || escape.Links[0] != (bundle.Link{Name: "shared", Target: filepath.Join(outside, "shared")}) {
		t.Fatalf("got %v", err)
	}
	allow := []string{"./shared/", "shared/far", "inside"}
	l = plan(t, dir, bundle.Rules{Ignore: ignore, AllowLinks: allow, Search: true})
	const want = ".ploomberignore app.py inside/x.txt real/x.txt shared/.ploomberignore shared/data.csv shared/far shared/near shared/sub/x.py"
	if got := listed(l, true); got != want {
		t.Errorf("allowed: ships\n%s, want\n%s", got, want)
	}
	for name, want := range map[string]bundle.Kind{
		"shared/.env": bundle.Secret, "shared/key.txt": bundle.Secret, "shared/other": bundle.LinkedFolder, "shared/.cache/": bundle.BuiltIn, "shared/x.log": bundle.IgnoreFile,
	} {
		if got := ruleOf(t, l, name); got.Kind != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	files := unzip(t, pack(t, l, bundle.Options{}))
	if files["shared/data.csv"].content != "shared" || files["inside/x.txt"].content != "x" || files["shared/far"].content != "far" {
		t.Errorf("packed %v", files)
	}
	if _, err := bundle.Plan(t.Context(), dir, bundle.Rules{Ignore: ignore, AllowLinks: allow[:1]}); !errors.As(err, &escape) || escape.Links[0].Name != "shared/far" {
		t.Errorf("a link in a linked folder: %v", err)
	}

	for name, says := range map[string]string{
		"up/here": "which contains it", "nothing": "cannot follow the link nothing: file does not exist", "app.py": "app.py is not a link", "real": "real is a folder",
		"ignored": `is left out even if the link is allowed (ignore: ignored)`, ".cache": "built-in", "aws": "a secret", "patterns": ".ploomberignore:1", "real/x.txt": "need not be allowed",
		"venv": "virtual environment", "ignored/data.csv": "file does not exist",
	} {
		_, err := bundle.Plan(t.Context(), dir, bundle.Rules{Ignore: ignore, AllowLinks: append([]string{name}, allow...)})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
}

// TestCaches leaves out what tools keep for themselves; include brings it back.
func TestCaches(t *testing.T) {
	t.Parallel()
	const tag = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a tool"
	dir := project(t, map[string]string{
		"app.py": "x", ".pytest_cache/x": "x", "sub/.mypy_cache/3.12/x": "x", ".RUFF_CACHE/x": "x", ".cache/x": "x", "node_modules/.cache/x": "x", "node_modules/x/index.js": "x",
		"target/CACHEDIR.TAG": tag, "target/x": "x", ".own/CACHEDIR.TAG": tag, ".own/x": "x", ".goutputstream-AB12": "x", "data/CACHEDIR.TAG": "about caches", "data/x": "x", "cache/x": "x", ".cache.py": "x", "x/.eslintcache": "x",
	})
	l := plan(t, dir, bundle.Rules{})
	if got := listed(l, true); got != ".cache.py app.py cache/x data/CACHEDIR.TAG data/x node_modules/x/index.js" {
		t.Errorf("ships %s", got)
	}
	if got := ruleOf(t, l, "target/").String() + "|" + ruleOf(t, l, ".cache/").String(); got != "built-in: cache with a CACHEDIR.TAG|built-in: cache .cache" {
		t.Errorf("rules %s", got)
	}
	if missed := l.Missed(); len(missed) != 1 || missed[0].Name != "target/" { // nothing in its name says what it is
		t.Errorf("missed: %v", missed)
	}
	l = plan(t, dir, bundle.Rules{Include: []string{".cache"}})
	if got := listed(l, true); !strings.Contains(got, " .cache/x ") || !strings.Contains(got, "node_modules/.cache/x") || strings.Contains(got, "target") {
		t.Errorf("included: ships %s", got)
	}
}

// TestMissed tells what an app may need from what it never does, and from what the project leaves out itself.
func TestMissed(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"app.py": "x", ".env": "A=1", "sub/.env": "A=1", ".env.local": "A=1", ".env~": "A=1", "prod.env": "A=1", ".streamlit/secrets.toml": "a=1", ".streamlit/secrets.toml~": "a=1",
		"credentials.json": "{}", "server.key": pemKey, ".bash_history": "x", ".ssh/id_rsa": "x", ".aws/credentials": "x", "old/credentials.json": "{}", "out/credentials.json": "{}", "aside/.aws/credentials": "x",
		"gone.csv": "-> nothing", ".#app.py": "-> ana@host.1", "left": "-> nothing", ".ploomberignore": "aside/\nserver2.key\n", "server2.key": pemKey, "copy_.env": "A=1", "app-0a1b2c3d.zip": "x",
	})
	const want = ".aws/ .env.local .streamlit/secrets.toml credentials.json gone.csv old/credentials.json prod.env server.key sub/.env"
	for _, full := range []bool{false, true} {
		l := plan(t, dir, bundle.Rules{Ignore: []string{"out", "left"}, Full: full, Search: full})
		var got []string
		for _, e := range l.Missed() {
			got = append(got, e.Name)
		}
		if full {
			got[0] = ".aws/"
		}
		if strings.Join(got, " ") != want {
			t.Errorf("full %v: missed\n%s, want\n%s", full, strings.Join(got, " "), want)
		}
	}
}

func TestHardLinksToSecrets(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{".env": "A=1", "app.py": "x"})
	if err := os.Link(filepath.Join(dir, ".env"), filepath.Join(dir, "settings.txt")); err != nil {
		t.Skip(err) // a file system without hard links has no such leak
	}
	if got := listed(plan(t, dir, bundle.Rules{}), true); got != "app.py" {
		t.Errorf("ships %s", got)
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()
	if _, err := bundle.Plan(t.Context(), filepath.Join(t.TempDir(), "gone"), bundle.Rules{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing project: %v", err)
	}
	if _, err := bundle.Plan(t.Context(), t.TempDir(), bundle.Rules{AllowSecrets: []string{"typo"}}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "typo") {
		t.Errorf("missing secret: %v", err)
	}
	big := project(t, map[string]string{"sub/.ploomberignore": strings.Repeat("a\n", 1<<20)})
	if _, err := bundle.Plan(t.Context(), big, bundle.Rules{}); err == nil || !strings.Contains(err.Error(), "sub/.ploomberignore") {
		t.Errorf("huge ignore file: %v", err)
	}
}
