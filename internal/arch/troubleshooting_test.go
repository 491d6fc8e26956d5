package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// missingFromTroubleshooting finds the failures of 'up' and the checks of 'doctor' that the troubleshooting page does
// not mention. A failure is mentioned where the page has the longest piece of its message that does not vary.
func missingFromTroubleshooting(files []file, page string) []string {
	page = strings.Join(strings.Fields(strings.ReplaceAll(page, "`", "")), " ")
	var found []string
	for _, f := range files {
		if f.test() {
			continue
		}
		for _, text := range failuresOfUp(f) {
			if piece := longestPiece(text); !strings.Contains(page, piece) {
				found = append(found, fmt.Sprintf("%s: the troubleshooting page lacks %q", f.path, piece))
			}
		}
		for _, name := range checksOfDoctor(f) {
			if !strings.Contains(page, "| "+name+" |") {
				found = append(found, fmt.Sprintf("%s: the troubleshooting page lacks the check %q", f.path, name))
			}
		}
	}
	return found
}

// failuresOfUp returns the messages of the problems that a file makes, and of the failures of the command itself.
func failuresOfUp(f file) (texts []string) {
	command := f.pkg() == "internal/cli/upcmd"
	if !command && !matches("internal/platform/...", f.pkg()) && f.pkg() != "internal/localcloud" {
		return nil
	}
	ast.Inspect(f.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if nameOf(n.Type) != "Problem" {
				break
			}
			for _, field := range n.Elts {
				if kv, ok := field.(*ast.KeyValueExpr); ok && nameOf(kv.Key) == "Msg" {
					texts = append(texts, literals(kv.Value)...)
				}
			}
		case *ast.CallExpr:
			if command && nameOf(n.Fun) == "Failedf" && len(n.Args) > 0 {
				texts = append(texts, literals(n.Args[0])...)
			}
		}
		return true
	})
	return texts
}

// checksOfDoctor returns the names of the checks that a file makes.
func checksOfDoctor(f file) (names []string) {
	if f.pkg() != "internal/cli/doctorcmd" {
		return nil
	}
	at := map[string]int{"add": 1, "failed": 0, "private": 0} // the argument that is the name
	ast.Inspect(f.tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if i, ok := at[nameOf(call.Fun)]; ok && i < len(call.Args) {
			for _, name := range literals(call.Args[i]) {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		return true
	})
	return names
}

// nameOf is the last part of a name such as platform.Problem; "" for other expressions.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literals(e ast.Expr) (texts []string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				texts = append(texts, text)
			}
		}
		return true
	})
	return texts
}

// longestPiece returns the longest part of a format between its verbs.
func longestPiece(format string) (longest string) {
	for _, piece := range regexp.MustCompile(`%[a-z]`).Split(format, -1) {
		if piece = strings.Trim(piece, ` "':,;`); len(piece) > len(longest) {
			longest = piece
		}
	}
	return longest
}

func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(moduleRoot(t), "docs", "guide", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	report(t, missingFromTroubleshooting(moduleFiles(t), string(page)))
}

func TestTroubleshootingRefuses(t *testing.T) {
	t.Parallel()
	const page = "| git | ... |\n| the app ended by\nitself | ... |\n| … asks for `Python` … | ... |"
	for name, tc := range map[string]struct {
		path, body string
		want       []string
	}{
		"a failure that is there":     {"internal/platform/build/b.go", `_ = platform.Problem{Msg: "the app ended by itself"}`, nil},
		"one with parts that vary":    {"internal/platform/build/b.go", `_ = &Problem{Hint: "x y", Msg: fmt.Sprintf("%s asks for Python %s", a, b)}`, nil},
		"one that is missing":         {"internal/localcloud/up.go", `_ = platform.Problem{Msg: "no such app"}`, []string{"no such app"}},
		"one of the command":          {"internal/cli/upcmd/up.go", `_ = failure.Failedf("cannot run %s", x)`, []string{"cannot run"}},
		"one of another command":      {"internal/cli/keycmd/key.go", `_ = failure.Failedf("cannot run %s", x)`, nil},
		"a check that is there":       {"internal/cli/doctorcmd/d.go", `e.add(OK, "git", "x", "y")`, nil},
		"a check that is missing":     {"internal/cli/doctorcmd/d.go", `e.failed("disk", err, "x")`, []string{"disk"}},
		"a failure made in a test":    {"internal/platform/build/b_test.go", `_ = platform.Problem{Msg: "no such app"}`, nil},
		"a failure by its cause only": {"internal/platform/build/b.go", `_ = platform.Problem{Msg: err.Error()}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, tc.path, "package p\nfunc f() {\n"+tc.body+"\n}\n")
			expect(t, missingFromTroubleshooting([]file{f}, page), tc.want...)
		})
	}
}
