package build

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// machinePython looks for a Python with pip once: a start of it takes longer than many a test.
var machinePython = sync.OnceValues(func() (string, error) {
	path, err := platform.FindProgram(os.Environ(), "python3", "python")
	if err == nil {
		err = exec.Command(path, "-I", "-c", "import pip").Run()
	}
	return path, err
})

// python returns the Python of this machine, whose pip is what ours is compared with.
func python(t *testing.T) string {
	t.Helper()
	path, err := machinePython()
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("no Python with pip here:", err)
	}
	return path
}

func utf16le(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteString(string([]byte{byte(u), byte(u >> 8)}))
	}
	return b.String()
}

// pipCases are requirements files and what they refer to; "requirements.txt" comes first.
func pipCases() map[string]map[string]string {
	one := func(text string) map[string]string {
		return map[string]string{
			"requirements.txt": text, "base.txt": "base-package\n", "sub/more.txt": "-r deeper/last.txt\nmore\n", "sub/deeper/last.txt": "last\n",
			"with space.txt": "spaced\n", "wheels/x-1.0-py3-none-any.whl": "", "sub/links.txt": "--find-links wheels\n", "sub/wheels/y.txt": "",
		}
	}
	cases := map[string]map[string]string{}
	for name, text := range map[string]string{
		"variable":                        "-r ${REQS_DIR}/more.txt\n",
		"variable in the middle":          "name-${REQS_VERSION}==1\n",
		"variable that is not set":        "-r ${REQS_NOT_SET}/more.txt\n",
		"variable that is empty":          "a${REQS_EMPTY}\n",
		"variable in small letters":       "a-${reqs_dir}\n",
		"variable without braces":         "a-$REQS_DIR\n",
		"variable in a comment":           "# -r ${REQS_DIR}/none.txt\nx\n",
		"joined options":                  "-rbase.txt\n",
		"equals":                          "--requirement=base.txt\n",
		"abbreviated":                     "--requirem base.txt\n",
		"abbreviated too far":             "--require base.txt\n",
		"tab":                             "--requirement\tbase.txt\n",
		"quotes":                          "-r \"with space.txt\"\n",
		"single quotes":                   "-r 'with space.txt'\n",
		"escaped space":                   "-r with\\ space.txt\n",
		"space without quotes":            "-r with space.txt\n",
		"quotes that do not end":          "-r \"with space.txt\n",
		"nested":                          "-r sub/more.txt\n",
		"constraint":                      "-c base.txt\nx\n",
		"long constraint":                 "--constraint base.txt\nx\n",
		"both on a line":                  "-r base.txt -c sub/more.txt\n",
		"two on a line":                   "-r base.txt -r sub/more.txt\n",
		"the same twice":                  "-r base.txt\n-r sub/../sub/more.txt\n",
		"missing":                         "-r missing.txt\n",
		"comment":                         "x # y\n",
		"comment without space":           "x#y\n",
		"comment at once":                 "#x\ny\n",
		"comment in an address":           "x @ https://host.example/x.zip#egg=x\n",
		"comment after an option":         "-r base.txt # why\n",
		"comment after an option, no gap": "-r base.txt#why\n",
		"tab comment":                     "x\t# y\n",
		"continuation":                    "x \\\n  ==1\n",
		"continuation of an option":       "-r \\\nbase.txt\n",
		"continuation with CRLF":          "-r \\\r\nbase.txt\r\nx\r\n",
		"continuation at the end":         "x \\",
		"continuation then comment":       "x \\\n# comment\ny\n",
		"comment with a continuation":     "# comment \\\nx\n",
		"continuation with space after":   "x \\ \ny\n",
		"continuation before nothing":     "x \\\n\ny\n",
		"two backslashes":                 "x\\\\\ny\n",
		"hashes":                          "x==1 --hash=sha256:aa --hash=sha256:bb\ny==1 \\\n    --hash=sha256:cc\n",
		"config settings":                 "x --config-settings=\"--build-option=z\"\n",
		"global option":                   "x --global-option=\"-v\"\n",
		"marker":                          "x ; python_version > '3'\n",
		"marker with a dash":              "x ; python_version > '3' -e y\n",
		"editable":                        "-e ./pkg\n",
		"editable with equals":            "--editable=./pkg[extra]\n",
		"editable with quotes":            "-e \"./p kg\"\n",
		"editable in Git":                 "-e git+https://host.example/x.git@main#egg=x\n",
		"requirement and editable":        "x -e ./pkg\n",
		"path":                            "./pkg\n../other[extra]\nwheels/x-1.0-py3-none-any.whl\n",
		"file address":                    "x @ file:///tmp/x\nfile:///tmp/y\n",
		"index":                           "--index-url https://u:p@host.example/simple\n--extra-index-url https://two.example\n-i https://three.example\nx\n",
		"no index":                        "--no-index\n--find-links wheels\nx\n",
		"find links":                      "-f wheels\nx\n",
		"find links of a nested file":     "-r sub/links.txt\n",
		"find links that are not there":   "--find-links nowhere\n",
		"pre":                             "--pre\nx\n",
		"prefer binary":                   "--prefer-binary\nx\n",
		"require hashes":                  "--require-hashes\nx==1 --hash=sha256:aa\n",
		"binaries":                        "--no-binary :all:\n--only-binary x,y\nx\n",
		"trusted":                         "--trusted-host host.example\nx\n",
		"feature":                         "--use-feature=fast-deps\nx\n",
		"unknown option":                  "--install-from-space\nx\n",
		"help":                            "--help\n",
		"option with too many":            "--no-index=1\n",
		"two options":                     "--no-index --pre\nx\n",
		"an option after a name":          "x --pre\n",
		"lines of old Mac":                "x\ry\rz",
		"form feed":                       "x\x0cy\n",
		"line separator":                  "x\u2028y\n",
		"blank lines":                     "\n\n  \n\t\nx\n",
		"nothing":                         "",
		"not UTF-8":                       "# caf\xe9\nx\n",
		"declared Latin-1":                "# -*- coding: latin-1 -*-\n# caf\xe9\n-r base.txt\n",
		"declared in the second line":     "# a\n# vim: set fileencoding=cp1252 :\n# \x93\n-r base.txt\n",
		"declared in the third line":      "# a\n# b\n# coding: utf-7\nx\n",
		"declared and unknown":            "# coding: nothing-like-it\nx\n",
		"declared Shift JIS":              "# coding: shift_jis\n# \x83\x65\n-r base.txt\n",
		"mark of UTF-8":                   "\xef\xbb\xbf-r base.txt\n",
		"UTF-16":                          utf16le("-r base.txt\r\n# \u00e9\r\nx\r\n"),
		"null":                            "x\x00\n",
	} {
		cases[name] = one(text)
	}
	cases["every file of the chain"] = map[string]string{
		"requirements.txt": "\xef\xbb\xbf-r sub/a.txt\n", "sub/a.txt": utf16le("-c ../c.txt\r\n-r b.txt\r\n"),
		"sub/b.txt": "# coding: latin-1\n# \xe9\nlast\n", "c.txt": "\xef\xbb\xbflast==1\n",
	}
	return cases
}

// TestAgainstPip reads files as pip does, and random mixtures of what matters in them.
func TestAgainstPip(t *testing.T) {
	t.Parallel()
	py, dir := python(t), t.TempDir()
	n := 0
	for name, files := range pipCases() {
		write(t, filepath.Join(dir, "case "+name), files)
		n++
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same mixtures each time
	pieces := []string{
		"x", "-r base.txt", "-c base.txt", "-e ./p", " ", "\n", "\n", "\\\n", "\\", "#", " #", "# c", "\t", "\"", "'", "==1", "${REQS_DIR}",
		"--hash=sha256:aa", "--pre", "--no-index", ";", "[a]", "@", "-f wheels", "\r\n", "--index-url=https://a.example", "é", "--requirement base.txt",
	}
	for range 300 {
		var text strings.Builder
		for range 1 + random.IntN(9) {
			text.WriteString(pieces[random.IntN(len(pieces))])
		}
		write(t, filepath.Join(dir, fmt.Sprintf("random %d", n)), map[string]string{
			"requirements.txt": text.String(), "base.txt": "base # comment\n", "wheels/a.txt": "",
		})
		n++
	}
	script, err := (&Builder{CacheDir: t.TempDir()}).inspectorPath()
	if err != nil {
		t.Fatal(err)
	}
	compare, err := filepath.Abs("testdata/against_pip.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), py, "-I", "-B", "-W", "ignore", compare, filepath.Dir(script), dir)
	cmd.Env = append(os.Environ(), "REQS_DIR=sub", "REQS_VERSION=two", "REQS_EMPTY=")
	out, err := cmd.Output() // what pip remarks goes elsewhere
	if want := fmt.Sprintf("compared %d\n", n); err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant %s", err, out, want)
	}
}

// TestOldPython takes a newer Python of PATH where python3 is too old to inspect anything.
func TestOldPython(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "python3", "python3.12", "python3.9", "python", "index")
	m.packages = "flask gunicorn"
	m.report = func(r *report) {
		r.Version = strings.TrimPrefix(filepath.Base(r.Path), "python") + ".1"
		if r.Version != "3.12.1" {
			r.Requires = ">=3.10"
		}
	}
	built(t, m.builder(t.TempDir()), flask(t))
	if m.called("uv venv --quiet --no-project --python "+filepath.Join(m.path, "python3.12")) != 1 {
		t.Errorf("commands %q", m.calls)
	}
}
