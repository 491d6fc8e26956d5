package realtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/pyenv"
)

// user is an address that is allowed and means something in HTML, Markdown, Python, R and format strings.
const user = `o'hara_*b*_<i>{x}&amp;"@example.com`

const pageLimit = 3 * time.Minute // on a machine that does other things too

// TestFrameworkExamples installs each framework once and looks at its examples. One after the other: two
// frameworks at once are slower than one after the other on a small machine.
func TestFrameworkExamples(t *testing.T) {
	set, known := catalog.Embedded(), frameworks()
	for _, name := range set.Frameworks() {
		f, ok := known[name]
		if !ok {
			t.Errorf("nothing is known about %s", name)
		}
		if !asked(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dirs := map[string]string{}
			for _, e := range set.Examples(name) {
				dirs[e.Name] = filepath.Join(t.TempDir(), e.Name)
				if err := e.CopyTo(t.Context(), dirs[e.Name]); err != nil {
					t.Fatal(err)
				}
			}
			env := install(t, f, dirs)
			chromium := startBrowser(t)
			for _, e := range set.Examples(name) {
				t.Run(e.Name, func(t *testing.T) {
					port := freeport.For(t)
					a := start(t, dirs[e.Name], port, f.ready, f.env, f.command(env, port))
					look(t, chromium, f, e, a)
				})
			}
		})
	}
}

// install returns the environment for all examples of a framework.
func install(t *testing.T, f framework, dirs map[string]string) pyenv.Env {
	t.Helper()
	if !f.python {
		if out, err := exec.Command("Rscript", "-e", "library(shiny); library(bslib)").CombinedOutput(); err != nil {
			missing(t, errors.New("R with shiny and bslib: "+err.Error()+"\n"+string(out)))
		}
		return pyenv.Env{}
	}
	cache, err := pyenv.DefaultCache(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	var requirements []string
	for _, dir := range dirs {
		requirements = append(requirements, filepath.Join(dir, "requirements.txt"))
	}
	slices.Sort(requirements)
	env, err := cache.Ensure(t.Context(), requirements...)
	if errors.Is(err, pyenv.ErrNoPython) {
		missing(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if env.Took > 0 {
		t.Logf("installed in %.1f s, %d MB", env.Took.Seconds(), env.Written>>20)
	}
	return env
}

func startBrowser(t *testing.T) *browser.Browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), pageLimit)
	defer cancel()
	b, err := browser.Start(ctx, t.TempDir())
	if errors.Is(err, browser.ErrNone) {
		missing(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// visit opens a page and returns when all checks have come true, one after the other.
func visit(ctx context.Context, b *browser.Browser, url string, checks []string) (*browser.Page, error) {
	page, err := b.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	for _, check := range checks {
		if err := page.WaitFor(ctx, check); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// look opens the example as a client does.
func look(t *testing.T, b *browser.Browser, f framework, e catalog.Example, a app) {
	t.Helper()
	logout := f.logout
	if logout == "" {
		logout = "/logout"
	}
	if len(f.checks[e.Name]) == 0 {
		t.Errorf("no checks for %s", e.Name)
	}
	clients := []string{""}
	if e.Name == "app-with-auth0" {
		clients = []string{user, ""}
	}
	for _, client := range clients {
		ctx, cancel := context.WithTimeout(t.Context(), 2*pageLimit)
		defer cancel()
		p := front(t, a, client)
		first, cancelFirst := context.WithTimeout(ctx, pageLimit)
		defer cancelFirst()
		page, err := visit(first, b, p.URL, f.checks[e.Name])
		if err != nil { // a chart may be lost for good where a busy machine loads its scripts in another order
			t.Logf("loaded again: %v", err)
			page, err = visit(ctx, b, p.URL, f.checks[e.Name])
		}
		if err != nil {
			t.Fatal(err)
		}
		keep(t, ctx, page, e, client)
		if e.Name == "app-with-auth0" {
			shown := client
			if shown == "" {
				shown = "Anonymous"
			}
			if err := page.WaitForText(ctx, shown); err != nil {
				t.Error(err)
			}
			if err := page.Click(ctx, "Log out"); err != nil {
				t.Error(err)
			} else if err := p.loggedOut(ctx, logout); err != nil {
				t.Error(err)
			}
		}
		outside := slices.DeleteFunc(page.Outside(), func(url string) bool {
			return slices.ContainsFunc(f.icons, func(icon string) bool { return strings.Contains(url, icon) })
		})
		if len(outside) > 0 {
			t.Errorf("the page needs the internet: %q", outside)
		}
		if thrown := page.Thrown(); len(thrown) > 0 {
			t.Errorf("uncaught in the page: %q", thrown)
		}
	}
}

// keep leaves a picture where someone asked for one.
func keep(t *testing.T, ctx context.Context, page *browser.Page, e catalog.Example, client string) {
	t.Helper()
	dir := os.Getenv("PLOOMBER_TEST_SHOTS")
	if dir == "" {
		return
	}
	if err := page.Eval(ctx, "new Promise(done => setTimeout(done, 2000))", nil); err != nil { // pages fade in
		t.Fatal(err)
	}
	shot, err := page.Screenshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	name := e.Framework + "-" + e.Name
	if client != "" {
		name += "-user"
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o644); err != nil {
		t.Fatal(err)
	}
}
