package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

const module = "../../.."

func pages(t *testing.T) map[string][]byte {
	t.Helper()
	root := rootCommand()
	packages, err := readPackages(filepath.Join(module, "internal", "cli"), root)
	if err != nil {
		t.Fatal(err)
	}
	return reference(root, packages)
}

// TestPages holds what every page of a command must have, and that no link leads nowhere.
func TestPages(t *testing.T) {
	t.Parallel()
	all := pages(t)
	link := regexp.MustCompile(`\]\(([a-z-]+\.md|README\.md)(#[a-z-]+)?\)`)
	for name, page := range all {
		text := string(page)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if all[m[1]] == nil {
				t.Errorf("%s leads to %s, which is not there", name, m[1])
			}
		}
		if first, second := strings.Index(text, "```sh\n"), strings.Index(text, "\n## "); first < 0 || second >= 0 && second < first {
			t.Errorf("%s does not begin with examples", name)
		}
		if strings.HasPrefix(text, notice+"# ploomber-cloud ") && !strings.Contains(text, "| 130 | interrupted |") {
			t.Errorf("%s has no exit statuses", name)
		}
	}
	for _, c := range commands(rootCommand()) {
		if page := string(all[pageOf(c)]); !strings.Contains(page, c.UseLine()) {
			t.Errorf("%s has no usage line", pageOf(c))
		}
	}
}

// TestPagesOfCommands looks at what the pages take from the commands and their source.
func TestPagesOfCommands(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name, wants := range map[string][]string{
		"deploy.md":       {"## Result of --json", "## Result of --dry-run --json", "| 4 | the deployment failed |", "| 5 | timed out |"},
		"key-status.md":   {"| `tier` | string, may be absent |", "| 3 | not allowed |"},
		"secrets-list.md": {"| `secrets` | list of objects |", "| `secrets[].has_value` | boolean |"},
		"start.md":        {"| `project_id` | string |"},
		"stop.md":         {"| `project_id` | string |"},
		"doctor.md":       {"| `checks[].status` | string | "},
	} {
		for _, want := range wants {
			if !bytes.Contains(all[name], []byte(want)) {
				t.Errorf("%q is missing in %s", want, name)
			}
		}
	}
	for name, unwanted := range map[string]string{
		"secrets-list.md": "| 3 |", "key.md": "## Result", "version.md": "| 4 |",
	} {
		if bytes.Contains(all[name], []byte(unwanted)) {
			t.Errorf("%q is in %s", unwanted, name)
		}
	}
}

func TestDocumented(t *testing.T) {
	t.Parallel()
	for comment, want := range map[string]result{
		"result is what --json prints.":                       {},
		"result is what --json prints, one object for each.":  {remark: "one object for each"},
		"status is what 'key status --json' prints.":          {command: "status"},
		"names is what 'a b c --json' prints: names only.":    {command: "b c", remark: "names only"},
		"dry is what --dry-run --json prints.":                {flag: "--dry-run"},
		"two is what 'a b --all --json' prints.":              {command: "b", flag: "--all"},
		"result is what\n--json prints: over\ntwo lines, or.": {remark: "over two lines, or"},
	} {
		if got, ok := documented(comment); !ok || got != want {
			t.Errorf("%q: %v %+v, want %+v", comment, ok, got, want)
		}
	}
	for _, comment := range []string{"", "secret is one secret of 'secrets list --json'.", "listed is one example as --json prints it."} {
		if got, ok := documented(comment); ok {
			t.Errorf("%q: %+v", comment, got)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	tree, err := parser.ParseFile(token.NewFileSet(), "x.go", "package p\n"+`
type kind string
// r is what --json prints.
type r struct {
	A string `+"`json:\"a\"`"+` // one | two
	B []inner `+"`json:\"b\"`"+`
	// above
	C *int `+"`json:\"c,omitempty\"`"+`
	D kind `+"`json:\"d\"`"+`
	E []other.Name `+"`json:\"e\"`"+`
	F other.Resources `+"`json:\"f\"`"+`
	hidden int
	G int `+"`json:\"-\"`"+`
}
type inner struct { X float64 `+"`json:\"x\"`"+` }
`, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	r := pkg{structs: map[string]*ast.StructType{}}
	r.add(tree)
	want := []string{
		"| `a` | string | one \\| two |\n", "| `b` | list of objects |  |\n", "| `b[].x` | number |  |\n",
		"| `c` | number, may be absent | above |\n", "| `d` | string |  |\n", "| `e` | list of strings |  |\n", "| `f` | object |  |\n",
	}
	if got := r.fields(r.structs["r"], ""); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if len(r.results) != 1 || r.results[0].typ != "r" {
		t.Errorf("got %+v", r.results)
	}
}

// TestExitsComplete compares the table with the constants of package failure.
func TestExitsComplete(t *testing.T) {
	t.Parallel()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(module, "internal/failure/failure.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []int
	for _, d := range tree.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, s := range g.Specs {
				n, err := strconv.Atoi(s.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, n)
			}
		}
	}
	for _, e := range exits() {
		got = append(got, e.code)
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("the table has %v, package failure %v", got, want)
	}
}

// TestVariablesComplete compares the tables with the names in the program's source.
func TestVariablesComplete(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	text := ""
	for _, v := range slices.Concat(processVariables(), projectVariables()) {
		told[v.name] = true
		text += v.name + " " + v.meaning + "\n"
	}
	source := sourceOf(t)
	for _, m := range regexp.MustCompile(`"(_?PLOOMBER_[A-Z_]+)"`).FindAllStringSubmatch(source, -1) {
		if !told[m[1]] {
			t.Errorf("%s is not in the table", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?:[lL]ookup|[eE]nviron|\bset)\("([A-Z][A-Z_]+)"`).FindAllStringSubmatch(source, -1) {
		if !strings.Contains(text, m[1]) {
			t.Errorf("%s is not in the table", m[1])
		}
	}
	for name := range told {
		feature, isLogin := strings.CutPrefix(name, "username_")
		if isLogin && strings.Contains(source, `= "`+feature+`"`) {
			continue
		}
		if !strings.Contains(source, `"`+name+`"`) {
			t.Errorf("%s is in the table, but the program does not know it", name)
		}
	}
}

// sourceOf is the source of the program, without its tests and the developers' tasks.
func sourceOf(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, top := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join(module, top), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains([]string{"dev", "testkit", "testdata", "realtest", "arch"}, d.Name()):
				return filepath.SkipDir
			case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func TestWriteAndCompare(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "reference")
	want := map[string][]byte{"a.md": []byte("a\n"), "b.md": []byte("b\n")}
	if err := compare(dir, want); err == nil {
		t.Error("missing pages count as up to date")
	}
	if err := write(dir, want); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, want); err != nil {
		t.Error(err)
	}
	delete(want, "b.md")
	want["a.md"] = []byte("changed\n")
	err := compare(dir, want)
	if err == nil || !strings.Contains(err.Error(), "a.md, b.md (no such command)") {
		t.Errorf("got %v", err)
	}
	if err := write(dir, want); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, want); err != nil {
		t.Error(err)
	}
}

func TestManAndCompletions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := rootCommand()
	if err := writeMan(root, filepath.Join(dir, "man")); err != nil {
		t.Fatal(err)
	}
	if err := writeCompletions(root, filepath.Join(dir, "completions")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"man/ploomber-cloud.1", "man/ploomber-cloud-secrets-set.1", "completions/ploomber-cloud.bash", "completions/ploomber-cloud.ps1",
	} {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "man", "ploomber-cloud-proxy.1"))
	if names := "(AUTH_*, username_<feature>, password_<feature>)"; err != nil || !bytes.Contains(page, []byte(names)) {
		t.Errorf("the man page lacks %s: %v\n%s", names, err, page)
	}
}

// TestStatusesShown compares what the commands' pages say about exit statuses with what the scripts show: each status
// that a command ends with there is on its page, and each on its page that not every command has is shown.
func TestStatusesShown(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob(filepath.Join(module, "testdata", "script", "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	root := rootCommand()
	shown := map[string][]int{} // by command
	line := regexp.MustCompile(`(?m)^exits (\d+) ploomber-cloud (.*)$`)
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range line.FindAllStringSubmatch(string(text), -1) {
			status, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			c, _, err := root.Find(strings.Fields(m[2]))
			if err != nil {
				t.Fatalf("%s: %s: %v", script, m[0], err)
			}
			shown[c.CommandPath()] = append(shown[c.CommandPath()], status)
			if have := failure.StatusesOf(c.Annotations); !slices.Contains(have, status) {
				t.Errorf("%s: %q, but the page of %s has %v", script, m[0], c.CommandPath(), have)
			}
		}
	}
	for _, c := range commands(root) {
		for _, status := range failure.StatusesOf(c.Annotations) {
			ordinary := slices.Contains(failure.StatusesOf(nil), status)
			if !ordinary && !slices.Contains(shown[c.CommandPath()], status) {
				t.Errorf("%s may end with %d, but no script shows it", c.CommandPath(), status)
			}
		}
	}
}
