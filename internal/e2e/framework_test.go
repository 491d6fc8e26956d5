package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
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
	types   string   // after that, into what has the focus, and Enter
	says    string   // words that come then
	newTab  bool     // the link that logs out opens one
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
		"flask": {
			run:   []string{"gunicorn", "app:app", "--bind", "127.0.0.1:PORT"},
			ready: "/", page: "/?list=mine&x=a%20b", shown: "Hello",
		},
		"solara": {
			run:   []string{"solara", "run", "app.py", "--host", "127.0.0.1", "--port", "PORT", "--production"},
			ready: "/readyz", page: "/?list=mine&x=a%20b", sockets: true, shown: "0 words",
			use: []string{
				`all("textarea").length > 0 && (() => {
				  const field = all("textarea")[0];
				  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, "one two two");
				  return field.dispatchEvent(new Event("input", {bubbles: true}));
				})()`,
				`text().includes("3 words, 2 of them different")`,
			},
		},
		"voila": {
			run:   []string{"voila", "app.ipynb", "--port=PORT", "--no-browser", "--Voila.ip=127.0.0.1"},
			ready: "/voila/static/voila.js", page: "/?list=mine&x=a%20b", sockets: true, shown: "22.00 EUR each",
			use: []string{
				`(() => {
				  const field = all("input[type=number]")[0];
				  field.value = "120";
				  return field.dispatchEvent(new Event("change", {bubbles: true}));
				})()`,
				`text().includes("33.00 EUR each")`,
			},
		},
		"chainlit": { // which has a /login, a POST /logout and a session of its own, and forgets the query on its way there
			run:   []string{"chainlit", "run", "app.py", "--host", "127.0.0.1", "--port", "PORT", "--headless"},
			ready: "/health", page: "/", sockets: true, shown: "how far away", newTab: true,
			use:   []string{`(all("#chat-input")[0]?.focus(), document.activeElement === all("#chat-input")[0])`},
			types: "2020-01-01", says: "days ago",
		},
		"shiny-r": {
			run:   []string{"Rscript", "-e", `shiny::runApp("app.R", host = "127.0.0.1", port = PORT, launch.browser = FALSE)`},
			ready: "/shared/shiny.min.js", page: "/?list=mine&x=a%20b", sockets: true, shown: "Cars of 1974",
			use: []string{
				`all("#plot img").length === 1`,
				`(window.before = all("#plot img")[0].src, Shiny.setInputValue("x", "hp"), true)`,
				`all("#plot img").length === 1 && all("#plot img")[0].src !== window.before`,
			},
		},
	}
}

// The examples that people start from, behind the program, with a browser and a provider: everything that a client
// does between the first visit and the second login.
func TestFrameworkLogins(t *testing.T) {
	for name, f := range frameworks() {
		t.Run(name, func(t *testing.T) {
			wanted(t, name)
			app := startExample(t, name, f)
			first, second := freeport.For(t), freeport.For(t)
			provider := oidcprovider.Start(t, settings(first, second))
			var bases []string
			for _, port := range []int{second, first} { // the provider tells the one that it knows last
				p := startProxy(t, proxyOptions{port: port, upstream: app, vars: oidcVars(provider.Issuer(), port, nil)})
				bases = append(bases, p.url)
			}
			base := bases[0]
			v := &viewer{t: t, provider: provider}
			v.openTab(startBrowser(t, true), base+f.page)
			v.logIn("user|ann")
			v.sees(f.shown, "ann@example.com")
			v.at(f.page)
			before, _ := v.page.WebSockets()
			if f.sockets {
				eventually(t, "the page's content comes through the WebSocket", func() bool { before, _ = v.page.WebSockets(); return before > 0 })
			}
			for _, step := range f.use {
				v.until(step)
			}
			if f.types != "" {
				v.types(f.types)
				v.press(kb.Enter)
				v.sees(f.says)
			}
			if f.sockets {
				eventually(t, "the interaction's answer comes through the WebSocket", func() bool {
					after, sockets := v.page.WebSockets()
					return after > before && sockets == 1
				})
			}

			v.goTo(bases[1] + f.page) // another app of the same provider
			v.sees(f.shown, "ann@example.com")
			v.goTo(base + f.page)
			v.sees(f.shown, "ann@example.com")

			provider.EndSessions("user|ann")
			if f.sockets {
				eventually(t, "the WebSocket closes", func() bool { _, n := v.page.WebSockets(); return n == 0 })
			}
			v.leaves(base, f.newTab)
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
