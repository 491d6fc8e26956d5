package arch

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

// effects lists, by import path, what only the root of the command line may use: it hands the values down, so
// that everything below can be tested without a process of its own. A name that ends in * stands for all
// that begin so.
func effects() map[string][]string {
	return map[string][]string{
		"os": {
			"Stdin", "Stdout", "Stderr", "Args", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv",
			"Clearenv", "Getwd", "Chdir", "UserHomeDir", "UserCacheDir", "UserConfigDir",
		},
		"time":                            {"Now", "Since", "Until"},
		"fmt":                             {"Print", "Println", "Printf", "Scan*"},
		"log":                             {"Print*", "Default", "SetOutput"},
		"log/slog":                        {"Debug*", "Info*", "Warn*", "Error*", "Default", "SetDefault"},
		"net/http":                        {"ProxyFromEnvironment"},
		"golang.org/x/net/http/httpproxy": {"FromEnvironment"},
	}
}

// endings lists what ends the process, which only cmd may do.
func endings() map[string][]string {
	return map[string][]string{
		"os":      {"Exit"},
		"log":     {"Fatal*", "Panic*"},
		"syscall": {"Exit", "Exec"},
		"runtime": {"Goexit"},
	}
}

// exceptions are uses that a reader would question, each with its reason.
func exceptions() map[string]string {
	return map[string]string{
		"internal/fsx time.Since": "compares with the modification time of a leftover file, which the system's clock wrote",
	}
}

// mayReadEnvironment reports whether a package may read the process environment.
func mayReadEnvironment(pkg string) bool {
	return pkg == "internal/cli" || mayEndTheProcess(pkg)
}

func mayEndTheProcess(pkg string) bool {
	return matches("cmd/...", pkg) || matches("internal/dev/...", pkg)
}

// wrongEffects finds uses of the process's surroundings where they should have been passed in.
func wrongEffects(files []file) []string {
	var found []string
	for _, f := range files {
		if f.test() {
			continue
		}
		imports := f.imports()
		ast.Inspect(f.tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			from := imports[x.Name]
			use := from + "." + sel.Sel.Name
			if _, excused := exceptions()[f.pkg()+" "+use]; excused {
				return true
			}
			if listed(effects()[from], sel.Sel.Name) && !mayReadEnvironment(f.pkg()) {
				found = append(found, fmt.Sprintf("%s: %s is for internal/cli, pass it in", f.at(sel.Pos()), use))
			}
			if listed(endings()[from], sel.Sel.Name) && !mayEndTheProcess(f.pkg()) {
				found = append(found, fmt.Sprintf("%s: %s ends the process, return an error", f.at(sel.Pos()), use))
			}
			return true
		})
	}
	return found
}

func listed(names []string, name string) bool {
	for _, n := range names {
		begin, open := strings.CutSuffix(n, "*")
		if n == name || open && strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

func TestEffects(t *testing.T) {
	t.Parallel()
	report(t, wrongEffects(moduleFiles(t)))
}

func TestEffectsRefuse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, text string
		want       []string
	}{
		"environment in a leaf": {"internal/tier/t.go", `import "os"; var home = os.Getenv("HOME")`, []string{"os.Getenv"}},
		"streams in a command":  {"internal/cli/keycmd/k.go", `import "os"; var out = os.Stdout`, []string{"os.Stdout"}},
		"clock as a value":      {"internal/flow/f.go", `import "time"; var now = time.Now`, []string{"time.Now"}},
		"clock, renamed import": {"internal/flow/f.go", `import clock "time"; var now = clock.Now()`, []string{"time.Now"}},
		"printing in public":    {"pkg/project/p.go", `import "fmt"; func f() { fmt.Println() }`, []string{"fmt.Println"}},
		"printing to a writer":  {"pkg/project/p.go", `import "fmt"; func f() { fmt.Fprintln(nil) }`, nil},
		"exit in the root":      {"internal/cli/root.go", `import "os"; func f() { os.Exit(1) }`, []string{"os.Exit"}},
		"environment in root":   {"internal/cli/root.go", `import "os"; func f() { os.Getenv("X") }`, nil},
		"fatal log":             {"internal/flow/f.go", `import "log"; func f() { log.Fatalf("x") }`, []string{"log.Fatalf"}},
		"exit in main":          {"cmd/ploomber-cloud/main.go", `import "os"; func main() { os.Exit(1) }`, nil},
		"in a test":             {"internal/flow/f_test.go", `import "os"; var home = os.Getenv("HOME")`, nil},
		"a field named so":      {"internal/flow/f.go", `type o struct{ Now func() }; func f(os, time o) { time.Now() }`, nil},
		"with its reason":       {"internal/fsx/f.go", `import "time"; var s = time.Since`, nil},
		"proxy from process":    {"pkg/cloudapi/c.go", `import "net/http"; var p = http.ProxyFromEnvironment`, []string{"ProxyFrom"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, wrongEffects([]file{parse(t, tc.path, "package p; "+tc.text)}), tc.want...)
		})
	}
}
