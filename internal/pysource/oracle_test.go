package pysource

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"
)

// oracle prints, for each file of Python's own library, what Python itself sees in it.
const oracle = `
import ast, json, pathlib, sys, sysconfig, warnings
warnings.simplefilter("ignore")
class Reader(ast.NodeVisitor):
    def __init__(self): self.imports, self.functions, self.names, self.nested = [], [], [], 0
    def visit_Import(self, n): self.imports += [[a.name, n.lineno, bool(self.nested)] for a in n.names]
    def visit_ImportFrom(self, n): self.imports.append(["." * n.level + (n.module or ""), n.lineno, bool(self.nested)])
    def deeper(self, n):
        self.nested += 1; self.generic_visit(n); self.nested -= 1
    visit_ClassDef = visit_Lambda = deeper
    def visit_FunctionDef(self, n):
        if not self.nested:
            a = n.args
            need = len(a.posonlyargs) + len(a.args) - len(a.defaults) + sum(d is None for d in a.kw_defaults)
            self.functions.append([n.name, need])
        self.deeper(n)
    visit_AsyncFunctionDef = visit_FunctionDef
    def visit_Assign(self, n):
        if not self.nested: self.names += [t.id for t in n.targets if isinstance(t, ast.Name)]
        self.generic_visit(n)
for path in sorted(pathlib.Path(sysconfig.get_path("stdlib")).rglob("*.py")):
    parts = path.parts
    if "site-packages" in parts or "test" in parts or "lib2to3" in parts: continue
    try: tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError): continue
    r = Reader(); r.visit(tree)
    print(json.dumps({"path": str(path), "imports": r.imports, "functions": r.functions, "names": r.names}))
`

// Python itself is asked what each file of its library imports and defines.
func TestScanSeesWhatPythonSees(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("no Python here")
	}
	cmd := exec.Command(python, "-I", "-c", oracle)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	files := 0
	for lines := json.NewDecoder(out); lines.More(); files++ {
		var want struct {
			Path      string   `json:"path"`
			Imports   [][3]any `json:"imports"`
			Functions [][2]any `json:"functions"`
			Names     []string `json:"names"`
		}
		if err := lines.Decode(&want); err != nil {
			t.Fatal(err)
		}
		src, err := os.ReadFile(want.Path)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, want.Path, Scan(src), want.Imports, want.Functions, want.Names)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("only %d files were compared", files)
	}
}

func compare(t *testing.T, path string, got File, imports [][3]any, functions [][2]any, names []string) {
	t.Helper()
	type imported struct {
		module string
		line   int
		nested bool
	}
	var want, have []imported
	for _, i := range imports {
		want = append(want, imported{i[0].(string), int(i[1].(float64)), i[2].(bool)})
	}
	for _, i := range got.Imports {
		have = append(have, imported{i.Module, i.Line, i.Nested})
	}
	order := func(a, b imported) int { return a.line - b.line }
	slices.SortStableFunc(want, order)
	slices.SortStableFunc(have, order)
	if !slices.Equal(want, have) {
		t.Errorf("%s imports\n%v, want\n%v", path, have, want)
	}
	var defined []Function
	for _, f := range functions {
		defined = append(defined, Function{Name: f[0].(string), Required: int(f[1].(float64))})
	}
	var found []Function
	for _, f := range got.Functions {
		found = append(found, Function{Name: f.Name, Required: f.Required})
	}
	byName := func(a, b Function) int { return compareStrings(a.Name, b.Name) }
	slices.SortStableFunc(defined, byName)
	slices.SortStableFunc(found, byName)
	if !slices.Equal(defined, found) {
		t.Errorf("%s defines\n%v, want\n%v", path, found, defined)
	}
	for _, name := range names {
		if !slices.ContainsFunc(got.Bindings, func(b Binding) bool { return b.Name == name }) {
			t.Errorf("%s: no binding of %s", path, name)
		}
	}
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
