package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
	"github.com/ploomber/ploomber-cloud/internal/testkit/pyenv"
)

// pageLimit is how long a page of a framework may take.
const pageLimit = 3 * time.Minute

// framework says how the example with a login is run and used.
type framework struct {
	run     []string // command; PORT stands for the port
	ready   string   // path that answers 200 once the app is up
	page    string   // of the app, with a query
	sockets bool     // the page talks through a WebSocket
	shown   string   // words on the page
	use     []string // JavaScript expressions that come true one after the other: an interaction and its effect
}

func frameworks() map[string]framework {
	return map[string]framework{
		"streamlit": {
			run: []string{"streamlit", "run", "app.py", "--server.port", "PORT", "--server.address", "127.0.0.1", "--server.headless", "true",
				"--browser.gatherUsageStats", "false"},
			ready: "/_stcore/health", page: "/?list=mine&x=a%20b", sockets: true, shown: "Things to do",
			use: []string{
				`all("input[type=text]").length > 0 && (() => {
				  const field = all("input[type=text]")[0];
				  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, "water the plants");
				  return field.dispatchEvent(new Event("input", {bubbles: true}));
				})()`,
				`all("button").filter(b => b.innerText.trim() === "Add").map(b => b.click()).length > 0`,
				`text().includes("water the plants")`,
			},
		},
		"panel": {
			run:   []string{"panel", "serve", "app.py", "--port", "PORT", "--address", "127.0.0.1"},
			ready: "/app", page: "/app?list=mine&x=a%20b", sockets: true, shown: "A wave",
			use: []string{
				`all(".noUi-handle").length > 0`,
				`all(".noUi-handle")[0].dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true})) || true`,
				`text().includes("2.5")`,
			},
		},
		"dash": {
			run:   []string{"gunicorn", "app:server", "--bind", "127.0.0.1:PORT"},
			ready: "/_dash-layout", page: "/?list=mine&x=a%20b", shown: "Rock, paper, scissors",
			use: []string{
				`all("#rock").length && (all("#rock")[0].click(), true)`,
				`/Rock against \w+: \w+\. So far/.test(text())`,
			},
		},
	}
}

// The examples that people start from, behind the program, with a browser and a provider: everything that a visitor
// does between the first visit and the second login.
func TestFrameworkLogins(t *testing.T) {
	for name, f := range frameworks() {
		t.Run(name, func(t *testing.T) {
			wanted(t, name)
			app := startExample(t, name, f)
			first, second := freePort(t), freePort(t)
			provider := oidcprovider.Start(t, settings(first, second))
			var bases []string
			for _, port := range []int{second, first} { // the provider tells the one that it knows last
				p := startProxy(t, proxyOptions{port: port, upstream: app, vars: oidcVars(provider.Issuer(), port, nil)})
				bases = append(bases, p.url)
			}
			chromium, dir := startBrowser(t, true)
			base := bases[0]
			v := &viewer{t: t, provider: provider}
			v.openTab(chromium, dir, base)

			v.goTo(base + f.page)
			v.logIn("user|ann")
			v.sees(f.shown, "ann@example.com")
			v.at(f.page)
			before, _ := v.tools.frames()
			for _, step := range f.use {
				v.until(step)
			}
			if f.sockets {
				eventually(t, "the interaction's answer comes through the WebSocket", func() bool {
					after, sockets := v.tools.frames()
					return before > 0 && after > before && sockets == 1
				})
			}

			v.goTo(bases[1] + f.page) // another app of the same provider
			v.sees(f.shown, "ann@example.com")
			v.goTo(base + f.page)
			v.sees(f.shown, "ann@example.com")

			provider.EndSessions("user|ann")
			if f.sockets {
				closed := time.Now()
				eventually(t, "the WebSocket closes", func() bool { _, n := v.tools.frames(); return n == 0 })
				if took := time.Since(closed); took > closing {
					t.Errorf("the WebSocket closed after %v", took)
				}
			}
			v.leaves(base)
		})
	}
}

// wanted skips the test unless its framework is asked for.
func wanted(t *testing.T, framework string) {
	t.Helper()
	if asked := os.Getenv("PLOOMBER_TEST_FRAMEWORKS"); asked != "all" && !slices.Contains(strings.Split(asked, ","), framework) {
		t.Skip("PLOOMBER_TEST_FRAMEWORKS does not name " + framework)
	}
}

// viewer is somebody with a browser.
type viewer struct {
	t        *testing.T
	provider *oidcprovider.Provider
	page     *browser.Page
	tools    *devtools
}

func (v *viewer) openTab(chromium *browser.Browser, dir, base string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), pageLimit)
	defer cancel()
	page, err := chromium.Open(ctx, base+"/status")
	if err != nil {
		v.t.Fatal(err)
	}
	v.page, v.tools = page, watch(v.t, dir, base+"/status")
}

func (v *viewer) goTo(address string) {
	v.t.Helper()
	v.tools.forget()
	v.tools.call("Page.navigate", map[string]any{"url": address}, nil)
}

func (v *viewer) until(expression string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), pageLimit)
	defer cancel()
	if err := v.page.WaitFor(ctx, expression); err != nil {
		v.t.Fatal(err)
	}
}

// follow clicks a link or a button.
func (v *viewer) follow(words string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), pageLimit)
	defer cancel()
	if err := v.page.Click(ctx, words); err != nil {
		v.t.Fatal(err)
	}
}

func (v *viewer) sees(words ...string) {
	v.t.Helper()
	for _, w := range words {
		v.until(fmt.Sprintf("text().includes(%q)", w))
	}
}

// at expects the page's path and query.
func (v *viewer) at(page string) {
	v.t.Helper()
	v.until(fmt.Sprintf("location.pathname + location.search === %q", page))
}

func (v *viewer) logIn(user string) {
	v.t.Helper()
	v.until("location.origin === " + strconv.Quote(v.provider.Issuer()) + ` && all("input[name=password]").length === 1`)
	password := ""
	for _, u := range []oidcprovider.User{ann(), bob(), eve()} {
		if u.Subject == user {
			password = u.Password
		}
	}
	v.until(fmt.Sprintf(`(all("input[name=user]")[0].value = %q, all("input[name=password]")[0].value = %q, true)`, user, password))
	v.until(`(all("button[value=login]")[0].click(), true)`)
}

// leaves logs out by the app's own link, after whatever has happened, and finds that the provider asks again.
func (v *viewer) leaves(base string) {
	v.t.Helper()
	v.goTo(base + "/")
	v.sees("ann@example.com") // the provider still knows who this is
	v.follow("Log out")
	v.until(`location.pathname === "/status"`)
	v.sees("logged out")
	v.goTo(base + "/")
	v.until("location.origin === " + strconv.Quote(v.provider.Issuer()) + ` && all("input[name=password]").length === 1`)
}

// startExample installs and runs the framework's example with a login until the test ends, and returns its URL.
func startExample(t *testing.T, name string, f framework) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	example, ok := exampleOf(name)
	if !ok {
		t.Fatalf("%s has no example with a login", name)
	}
	if err := example.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	cache, err := pyenv.DefaultCache(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	env, err := cache.Ensure(t.Context(), requirementsOf(t, name)...)
	if errors.Is(err, pyenv.ErrNoPython) && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(freePort(t))
	var args []string
	for _, arg := range f.run {
		args = append(args, strings.ReplaceAll(arg, "PORT", port))
	}
	said, home := &output{}, t.TempDir()
	cmd := exec.Command(env.Program(args[0]), args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, said, said, 10*time.Second
	cmd.Env = []string{"PATH=" + env.Bin() + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "USERPROFILE=" + home,
		"PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"}
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killGroup(cmd)
		if err := cmd.Wait(); t.Failed() {
			t.Logf("the app ended (%v) and said:\n%s", err, said.String())
		}
	})
	base := "http://127.0.0.1:" + port
	deadline := time.Now().Add(pageLimit)
	for {
		answer, err := http.Get(base + f.ready)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return base
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v\n%s", name, err, said.String())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func exampleOf(framework string) (catalog.Example, bool) {
	for _, e := range catalog.Embedded().Examples(framework) {
		if e.Name == "app-with-auth0" {
			return e, true
		}
	}
	return catalog.Example{}, false
}

// requirementsOf returns the requirements files of all examples of a framework, so that the tests of the examples and
// these share one environment.
func requirementsOf(t *testing.T, framework string) (files []string) {
	t.Helper()
	for _, e := range catalog.Embedded().Examples(framework) {
		dir := filepath.Join(t.TempDir(), e.Name)
		if err := e.CopyTo(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, "requirements.txt"))
	}
	return files
}
