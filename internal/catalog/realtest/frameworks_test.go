package realtest

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/pyenv"
)

// framework says how apps of one kind are run and looked at.
type framework struct {
	python bool     // installed from requirements.txt
	run    []string // command; PORT stands for the port
	ready  string   // path that answers 200 once the app is up, and costs little
	env    []string // beside PATH and HOME
	logout string   // path of the log-out link; "" means /logout
	checks map[string][]string

	// icons are style sheets that the framework's own page asks another machine for, whatever the app does. They
	// draw nothing that the examples show, which the checks prove: the browser cannot reach them.
	icons []string
}

// frameworks returns the examples' frameworks. checks are JavaScript expressions that must come true, by example:
// the heading, something only the framework's own scripts can have drawn, an interaction and its effect.
func frameworks() map[string]framework {
	return map[string]framework{
		"flask": {
			python: true, run: []string{"gunicorn", "app:app", "--bind", "127.0.0.1:PORT"}, ready: "/",
			checks: map[string][]string{
				"basic-app": {
					`text().includes("Dice") && all("meter").length === 11`,
					`all("input[name=dice]")[0].value = 4, all("button")[0].click(), true`,
					`location.search.includes("dice=4") && all("meter").length === 21`,
				},
				"app-with-auth0": {`text().includes("Hello")`},
			},
		},
		"dash": {
			python: true, run: []string{"gunicorn", "app:server", "--bind", "127.0.0.1:PORT"}, ready: "/_dash-layout",
			checks: map[string][]string{
				"basic-app":      {`text().includes("Savings") && all(".main-svg .scatter").length === 2`},
				"app-with-auth0": {`all("#rock").length && (all("#rock")[0].click(), true)`, `/Rock against \w+: \w+\. So far/.test(text())`},
			},
		},
		"streamlit": {
			python: true, ready: "/_stcore/health", logout: "/exit",
			run: []string{"streamlit", "run", "app.py", "--server.port", "PORT", "--server.address", "127.0.0.1", "--server.headless", "true"},
			checks: map[string][]string{
				"basic-app":      {`text().includes("Bicycle counters") && text().includes("Busiest day")`, `all("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").length > 0`},
				"app-with-auth0": {`text().includes("Things to do")`},
			},
		},
		"panel": {
			python: true, run: []string{"panel", "serve", "app.py", "--port", "PORT", "--address", "127.0.0.1"}, ready: "/app",
			checks: map[string][]string{
				"basic-app": {
					`text().includes("Paying back a loan") && all("canvas").length > 0`,
					`all(".bk-tab").find(e => e.innerText.includes("Table"))?.click(), true`,
					`all(".tabulator-row").length > 5`,
				},
				"app-with-auth0": {`text().includes("A wave") && all("canvas").length > 0`},
			},
		},
		"solara": {
			python: true, run: []string{"solara", "run", "app.py", "--host", "127.0.0.1", "--port", "PORT", "--production"}, ready: "/readyz",
			checks: map[string][]string{
				"basic-app":      {`text().includes("Growth rate") && all(".main-svg .scatter").length === 1`},
				"app-with-auth0": {`text().includes("0 words, 0 of them different") && !text().includes("Traceback")`},
			},
		},
		"voila": {
			// Not "/": each answer to it starts a kernel.
			python: true, run: []string{"voila", "app.ipynb", "--port=PORT", "--no-browser", "--Voila.ip=127.0.0.1"}, ready: "/voila/static/voila.js",
			icons: []string{"/fontawesome-free@"},
			checks: map[string][]string{
				"basic-app":      {`text().includes("Coin tosses") && all("img.widget-image")[0]?.naturalWidth === 900`},
				"app-with-auth0": {`text().includes("22.00 EUR each")`},
			},
		},
		"chainlit": {
			python: true, run: []string{"chainlit", "run", "app.py", "--host", "127.0.0.1", "--port", "PORT", "--headless"}, ready: "/health",
			icons: []string{"/katex.min.css"},
			checks: map[string][]string{
				"basic-app": {
					`text().includes("Is it 50?") && all("button").some(b => b.innerText === "Higher")`,
					`all("button").find(b => b.innerText === "Higher").click(), true`,
					`text().includes("Is it 75?") && all("button").filter(b => b.innerText === "Higher").length === 1`,
				},
				"app-with-auth0": {`text().includes("how far away")`},
			},
		},
		"shiny-r": {
			run: []string{"Rscript", "-e", `shiny::runApp("app.R", host = "127.0.0.1", port = PORT, launch.browser = FALSE)`}, ready: "/shared/shiny.min.js",
			checks: map[string][]string{
				"basic-app":      {`text().includes("A sample") && text().includes("Median") && all("#histogram img").length === 1`},
				"app-with-auth0": {`text().includes("Cars of 1974") && all("#plot img").length === 1`},
			},
		},
	}
}

// command returns the command line of an app, with programs of the environment by their path.
func (f framework) command(env pyenv.Env, port int) []string {
	var args []string
	for _, arg := range f.run {
		args = append(args, strings.ReplaceAll(arg, "PORT", strconv.Itoa(port)))
	}
	if f.python {
		args[0] = env.Program(args[0])
	}
	return args
}

// asked reports whether a framework is to be tested.
func asked(name string) bool {
	list := os.Getenv("PLOOMBER_TEST_FRAMEWORKS")
	if list == "" {
		list = "flask"
	}
	return list == "all" || slices.Contains(strings.Split(list, ","), name)
}

// missing skips the test for want of a tool, or fails it where tools are required.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}
