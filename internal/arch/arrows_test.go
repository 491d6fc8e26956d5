package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// A row says which packages of the module a package may import. Patterns are those of path.Match, matched folder
// by folder; a pattern that ends in /... also covers every package below.
type row struct {
	pkg string
	may []string
}

// leaves import nothing of the module.
func leaves() []string {
	return []string{
		"internal/failure", "internal/term", "internal/dotenv", "internal/fsx", "internal/tier",
		"internal/bundle", "internal/platform", "internal/platform/detect", "internal/pysource", "internal/unzip", "internal/remote", "internal/metrics",
		"pkg/authproxy/identity", "pkg/authproxy/nowait", "pkg/authproxy/expiring",
		"pkg/controls", "pkg/httpclient", "pkg/spelling", "pkg/strictjson",
	}
}

// arrows is the table of allowed imports, downwards only. The first row that matches a package counts; a package without a
// row is refused, so a new one gets its row together with a page in docs/decisions.
func arrows() []row {
	middle := []string{ // packages that know the project or the platform's API but not each other
		"internal/settings", "internal/prompt", "internal/catalog", "internal/scaffold", "internal/export",
	}
	public := []string{"pkg/cloudapi", "pkg/project", "pkg/authproxy/..."}
	all := func(lists ...[]string) (sum []string) {
		for _, l := range lists {
			sum = append(sum, l...)
		}
		return sum
	}
	without := func(list []string, names ...string) []string {
		return slices.DeleteFunc(list, func(name string) bool { return slices.Contains(names, name) })
	}
	rows := []row{
		{"cmd/ploomber-cloud", []string{"internal/cli"}},
		{"internal/cli", all([]string{"internal/cli/*", "internal/flagset", "internal/dialog", "internal/flow", "internal/localcloud", "internal/devidp"},
			leaves(), middle, public)},
		{"internal/cli/*cmd", all([]string{"internal/flagset", "internal/dialog", "internal/flow", "internal/localcloud", "internal/devidp"},
			leaves(), middle, public)},
		{"internal/flagset", all(leaves(), public)},
		{"internal/dialog", all([]string{"internal/flow"}, leaves(), middle, public)},
		{"internal/flow", without(all(leaves(), middle, public), "internal/prompt", "internal/term")},
		{"internal/localcloud", all([]string{"internal/platform/*"}, leaves(), public)},
		{"internal/devidp", []string{"pkg/authproxy/expiring"}},
		{"internal/remote", []string{"pkg/httpclient"}},
		{"internal/unzip", []string{"internal/fsx"}},
		{"internal/term", []string{"pkg/controls"}},
		{"pkg/cloudapi", []string{"pkg/controls", "pkg/httpclient"}},
		{"pkg/leaktest", nil},
		{"pkg/sqlitefile", nil},
		{"pkg/project", []string{"pkg/spelling", "pkg/strictjson"}},
		{"pkg/authproxy", []string{"pkg/authproxy/*"}},
		{"pkg/authproxy/session", []string{"pkg/authproxy/identity", "pkg/authproxy/expiring"}},
		{"pkg/authproxy/target", nil},
		{"pkg/authproxy/keys", nil},
		{"pkg/authproxy/forwarded", []string{"pkg/authproxy/target"}},
		{"pkg/authproxy/navigation", nil},
		{"pkg/authproxy/requestid", nil},
		{"pkg/authproxy/cookie", nil},
		{"pkg/authproxy/observe", []string{"pkg/authproxy/requestid"}},
		{"pkg/authproxy/authn", []string{
			"pkg/authproxy/access", "pkg/authproxy/config", "pkg/authproxy/cookie", "pkg/authproxy/expiring", "pkg/authproxy/forwarded",
			"pkg/authproxy/identity", "pkg/authproxy/keys", "pkg/authproxy/observe", "pkg/authproxy/oidc", "pkg/authproxy/password",
			"pkg/authproxy/registry", "pkg/authproxy/session", "pkg/authproxy/target",
		}},
		{"pkg/authproxy/login", []string{
			"pkg/authproxy/authn", "pkg/authproxy/config", "pkg/authproxy/cookie", "pkg/authproxy/expiring", "pkg/authproxy/identity",
			"pkg/authproxy/navigation", "pkg/authproxy/observe", "pkg/authproxy/oidc", "pkg/authproxy/pages", "pkg/authproxy/password",
			"pkg/authproxy/session", "pkg/authproxy/target",
		}},
		{"pkg/authproxy/pages", []string{"pkg/authproxy/navigation", "pkg/authproxy/requestid"}},
		{"pkg/authproxy/access", []string{"pkg/authproxy/config", "pkg/authproxy/oidc", "pkg/authproxy/session", "pkg/authproxy/target"}},
		{"pkg/authproxy/config", []string{"pkg/authproxy/identity", "pkg/authproxy/keys", "pkg/authproxy/oidc", "pkg/authproxy/target", "pkg/spelling"}},
		{"pkg/authproxy/session/sqlite", []string{"pkg/authproxy/session", "pkg/authproxy/identity", "pkg/authproxy/expiring", "pkg/sqlitefile"}},
		{"pkg/authproxy/password", []string{"pkg/authproxy/identity", "pkg/authproxy/expiring"}},
		{"pkg/authproxy/oidc", []string{"pkg/authproxy/identity", "pkg/authproxy/expiring", "pkg/httpclient", "pkg/strictjson"}},
		{"pkg/authproxy/upstream", []string{"pkg/authproxy/identity", "pkg/authproxy/nowait"}},
		{"pkg/authproxy/server", []string{"pkg/authproxy/nowait"}},
		{"pkg/authproxy/registry", nil},
		{"internal/platform/gateway", []string{"internal/platform", "pkg/authproxy/..."}},
		{"internal/platform/httpapi", []string{"internal/platform", "internal/tier", "pkg/authproxy/expiring", "pkg/cloudapi", "pkg/strictjson"}},
		{"internal/platform/store", []string{"internal/platform", "internal/fsx", "pkg/sqlitefile"}},
		{"internal/platform/dashboard", []string{"internal/platform", "pkg/authproxy/expiring", "pkg/authproxy/pages"}},
		{"internal/platform/archive", []string{"internal/platform", "internal/fsx", "internal/unzip"}},
		{"internal/platform/*", []string{"internal/platform", "internal/pysource", "internal/fsx"}},
		{"internal/dev/...", []string{"cmd/...", "pkg/...", "internal/..."}},
		{"internal/arch", nil},
		{"internal/bundle", []string{"internal/bundle/*"}},
		{"internal/bundle/*", nil},
	}
	for _, pkg := range middle {
		rows = append(rows, row{pkg, all(leaves(), public)})
	}
	for _, pkg := range leaves() {
		rows = append(rows, row{pkg, nil})
	}
	return rows
}

func matches(pattern, pkg string) bool {
	if above, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == above || strings.HasPrefix(pkg, above+"/")
	}
	ok, err := path.Match(pattern, pkg)
	return err == nil && ok
}

// wrongArrows finds imports that the table does not allow. Tests may import what they like, but those of pkg nothing of
// internal: copies of a package of pkg include its tests. Packages made for tests are only imported by tests.
func wrongArrows(files []file, rows []row) []string {
	var found []string
	for _, f := range files {
		if f.test() {
			for _, imported := range f.imports() {
				if strings.HasPrefix(f.path, "pkg/") && strings.HasPrefix(imported, modulePath+"/internal/") {
					found = append(found, fmt.Sprintf("%s: a test in pkg must not import %s", f.path, imported))
				}
			}
			continue
		}
		allowed, known := rowOf(f.pkg(), rows)
		if !known {
			found = append(found, fmt.Sprintf("%s: package %s has no row in the table of arrows", f.path, f.pkg()))
			continue
		}
		for _, imported := range f.imports() {
			pkg, ours := strings.CutPrefix(imported, modulePath+"/")
			if !ours {
				continue
			}
			ok := false
			for _, pattern := range allowed {
				ok = ok || matches(pattern, pkg)
			}
			if !ok || forTests(pkg) && !matches("internal/dev/...", f.pkg()) {
				found = append(found, fmt.Sprintf("%s: %s must not import %s", f.path, f.pkg(), pkg))
			}
		}
	}
	return found
}

func rowOf(pkg string, rows []row) (may []string, known bool) {
	for _, r := range rows {
		if matches(r.pkg, pkg) {
			return r.may, true
		}
	}
	return nil, false
}

func TestArrows(t *testing.T) {
	t.Parallel()
	report(t, wrongArrows(moduleFiles(t), arrows()))
}

func TestArrowsRefuse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, imported string
		wrong          bool
	}{
		"command to shared work":           {"internal/cli/authcmd/auth.go", "internal/flow", false},
		"command to command":               {"internal/cli/authcmd/auth.go", "internal/cli/keycmd", true},
		"command to root":                  {"internal/cli/authcmd/auth.go", "internal/cli", true},
		"command to adapter":               {"internal/cli/upcmd/up.go", "internal/platform/build", true},
		"root to command":                  {"internal/cli/root.go", "internal/cli/keycmd", false},
		"main past the root":               {"cmd/ploomber-cloud/main.go", "internal/flow", true},
		"shared work to command":           {"internal/flow/deploy.go", "internal/cli/deploycmd", true},
		"shared work to prompts":           {"internal/flow/deploy.go", "internal/prompt", true},
		"shared work to the terminal":      {"internal/flow/deploy.go", "internal/term", true},
		"shared words to prompts":          {"internal/dialog/deploy.go", "internal/prompt", false},
		"shared work to shared words":      {"internal/flow/deploy.go", "internal/dialog", true},
		"leaf to leaf":                     {"internal/fsx/fsx.go", "internal/failure", true},
		"public to internal":               {"pkg/project/load.go", "internal/failure", true},
		"public to public":                 {"pkg/cloudapi/client.go", "pkg/project", true},
		"adapter to its domain":            {"internal/platform/store/store.go", "internal/platform", false},
		"adapter to adapter":               {"internal/platform/store/store.go", "internal/platform/build", true},
		"gateway to the proxy":             {"internal/platform/gateway/gateway.go", "pkg/authproxy", false},
		"store to the proxy":               {"internal/platform/store/store.go", "pkg/authproxy", true},
		"api to wire types":                {"internal/platform/httpapi/jobs.go", "pkg/cloudapi", false},
		"login method to identity":         {"pkg/authproxy/oidc/login.go", "pkg/authproxy/identity", false},
		"login method to sessions":         {"pkg/authproxy/oidc/login.go", "pkg/authproxy/session", true},
		"sessions to proxy":                {"pkg/authproxy/session/store.go", "pkg/authproxy", true},
		"fake in the product":              {"internal/flow/flow.go", "internal/testkit", true},
		"suite in the product":             {"internal/platform/store/store.go", "internal/platform/storetest", true},
		"suite to what it tests":           {"pkg/authproxy/session/sessiontest/suite.go", "pkg/authproxy/session", false},
		"part of a leaf":                   {"internal/bundle/plan.go", "internal/bundle/gitignore", false},
		"part of another's leaf":           {"internal/flow/flow.go", "internal/bundle/gitignore", true},
		"fake in a test":                   {"internal/flow/flow_test.go", "internal/testkit", false},
		"test of pkg to a fake":            {"pkg/cloudapi/client_test.go", "internal/testkit/fakecloud", true},
		"test of pkg to pkg":               {"pkg/cloudapi/client_test.go", "pkg/leaktest", false},
		"unknown package":                  {"internal/attic/attic.go", "internal/failure", true},
		"package below a command":          {"internal/cli/authcmd/deep/deep.go", "internal/failure", true},
		"windows file, found all the same": {"internal/fsx/stage_windows.go", "internal/term", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, tc.path, "package p\nimport _ \""+modulePath+"/"+tc.imported+"\"\n")
			if got := wrongArrows([]file{f}, arrows()); len(got) > 0 != tc.wrong {
				t.Errorf("found %q, want wrong %v", got, tc.wrong)
			}
		})
	}
}
