package catalog_test

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
)

func TestEmbedded(t *testing.T) {
	t.Parallel()
	set := catalog.Embedded()
	want := []string{"chainlit", "dash", "flask", "panel", "shiny-r", "solara", "streamlit", "voila"}
	if got := set.Frameworks(); !slices.Equal(got, want) {
		t.Errorf("frameworks %v, want %v", got, want)
	}
	for _, framework := range set.Frameworks() {
		var names []string
		for _, e := range set.Examples(framework) {
			names = append(names, e.Name)
			t.Run(framework+"/"+e.Name, func(t *testing.T) {
				t.Parallel()
				dest := filepath.Join(t.TempDir(), "app")
				check(t, e.CopyTo(t.Context(), dest))
				files := tree(t, dest)
				checkMenu(t, e)
				if got := inferType(files); got != framework {
					t.Errorf("would be deployed as %q", got)
				}
				checkFiles(t, files)
				checkReadme(t, e, files["README.md"])
				checkRequirements(t, framework, files)
			})
		}
		if want := []string{"app-with-auth0", "basic-app"}; !slices.Equal(names, want) {
			t.Errorf("%s has %v, want %v", framework, names, want)
		}
	}
}

func checkMenu(t *testing.T, e catalog.Example) {
	t.Helper()
	if e.Title == e.Name || len(e.Title) > 30 {
		t.Errorf("title %q", e.Title)
	}
	if !strings.HasSuffix(e.Description, ".") || len(e.Description) < 30 || len(e.Description) > 130 {
		t.Errorf("description %q", e.Description)
	}
}

// inferType follows section 5 of the contract for a folder: what "init" proposes there.
func inferType(files map[string]string) string {
	imports := func(name string) bool {
		ok, _ := regexp.MatchString(`\bimport `+name+`\b|\bfrom `+name+` import\b`, files["app.py"])
		return ok
	}
	if slices.ContainsFunc([]string{"fastapi", "gradio", "shiny"}, imports) {
		return "docker"
	}
	for _, rule := range [][2]string{{"Dockerfile", "docker"}, {"app.R", "shiny-r"}, {"app.ipynb", "voila"}} {
		if _, ok := files[rule[0]]; ok {
			return rule[1]
		}
	}
	types := []string{"chainlit", "dash", "docker", "flask", "panel", "shiny-r", "solara", "streamlit", "voila"}
	if i := slices.IndexFunc(types, imports); i >= 0 {
		return types[i]
	}
	return ""
}

// checkFiles refuses what running an app here would leave, and whatever looks for another machine.
func checkFiles(t *testing.T, files map[string]string) {
	t.Helper()
	address := regexp.MustCompile(`https?://[^\s"')]+`)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		allowed := []string{".py", ".R", ".ipynb", ".md", ".txt", ".html", ".css", ".json", ".toml", ".svg"}
		if !slices.Contains(allowed, path.Ext(name)) || strings.Contains(name, "__pycache__") || strings.HasPrefix(path.Base(name), ".env") {
			t.Errorf("%s does not belong there", name)
		}
		const namespace = "http://www.w3.org/2000/svg" // a name, which no browser asks for
		if found := address.FindString(strings.ReplaceAll(files[name], namespace, "")); found != "" {
			t.Errorf("%s names %s", name, found)
		}
	}
}

func checkReadme(t *testing.T, e catalog.Example, readme string) {
	t.Helper()
	want := []string{"ploomber-cloud init", "ploomber-cloud deploy"}
	if e.Name == "app-with-auth0" {
		want = []string{
			fmt.Sprintf("ploomber-cloud examples %s/app-with-auth0", e.Framework),
			"ploomber-cloud templates auth0", "ploomber-cloud up", "ploomber-cloud deploy",
			"X-Auth-Name", "/callback", "/status", "Anonymous",
		}
	}
	for _, words := range want {
		if !strings.Contains(readme, words) {
			t.Errorf("README.md does not name %q", words)
		}
	}
}

// checkRequirements wants every package in one version: what works today works next year.
func checkRequirements(t *testing.T, framework string, files map[string]string) {
	t.Helper()
	if framework == "shiny-r" {
		if files["install.R"] == "" {
			t.Error("no install.R")
		}
		return
	}
	pinned := regexp.MustCompile(`^[a-z0-9-]+==[0-9.]+$`)
	count := 0
	for line := range strings.Lines(files["requirements.txt"]) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		count++
		if !pinned.MatchString(line) {
			t.Errorf("requirements.txt: %q is not pinned", line)
		}
	}
	if count == 0 {
		t.Error("no requirements")
	}
}
