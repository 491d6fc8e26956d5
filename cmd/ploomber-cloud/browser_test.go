package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
)

// startDemo runs the demo of an example until the test ends, and decodes what it prints.
func startDemo(ctx context.Context, t *testing.T, example string, into any) {
	t.Helper()
	demo := exec.CommandContext(ctx, builds.Path(t), "demo", "--example", example, "--json")
	demo.Cancel = func() error { return demo.Process.Signal(syscall.SIGINT) }
	demo.WaitDelay = 30 * time.Second
	demo.Stderr = os.Stderr
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = demo.Process.Signal(syscall.SIGINT)
		var ended *exec.ExitError
		if err := demo.Wait(); !errors.As(err, &ended) || ended.ExitCode() != 130 {
			t.Errorf("the demo ended with %v, want exit status 130", err)
		}
	})
	if err := json.NewDecoder(out).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// startBrowser runs a Chromium until the test ends, where Streamlit is among the frameworks to test with.
func startBrowser(ctx context.Context, t *testing.T) *browser.Browser {
	t.Helper()
	asked := os.Getenv("PLOOMBER_TEST_FRAMEWORKS")
	if asked != "all" && !slices.Contains(strings.Split(asked, ","), "streamlit") {
		t.Skip("PLOOMBER_TEST_FRAMEWORKS does not name streamlit")
	}
	chromium, err := browser.Start(ctx, t.TempDir())
	if errors.Is(err, browser.ErrNone) && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chromium.Close() })
	return chromium
}

// A person logs in with a browser and uses the app through its WebSocket; the app is real, and so are the
// browser and the program.
func TestFrameworkDemoInBrowser(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	chromium := startBrowser(ctx, t)
	var account struct{ URL, Username, Password string }
	startDemo(ctx, t, "streamlit/basic-app", &account)

	page, err := chromium.Open(ctx, account.URL)
	if err != nil {
		t.Fatal(err)
	}
	logIn := func(password string) {
		t.Helper()
		if err := page.WaitFor(ctx, `all('input[type=password]').length == 1`); err != nil {
			t.Fatal(err)
		}
		fill := fmt.Sprintf(`(all('#username')[0].value = %q, all('#password')[0].value = %q, all('form')[0].submit(), 0)`,
			account.Username, password)
		if err := page.Eval(ctx, fill, nil); err != nil {
			t.Fatal(err)
		}
	}
	logIn("not the password")
	if err := page.WaitFor(ctx, `all('[aria-describedby=problem]').length > 0`); err != nil {
		t.Fatal(err)
	}
	logIn(account.Password)
	if err := page.WaitForText(ctx, "Bicycle counters"); err != nil { // drawn by what came over the WebSocket
		t.Fatal(err)
	}
	if thrown := page.Thrown(); len(thrown) > 0 {
		t.Errorf("scripts of the page failed: %q", thrown)
	}
}

// A person logs in at the provider that comes with the program: the app greets them by their e-mail, and forgets
// them when they leave.
func TestFrameworkDemoOfProviderInBrowser(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	chromium := startBrowser(ctx, t)
	var served struct {
		URL, Issuer string
		Users       []string
	}
	startDemo(ctx, t, "streamlit/app-with-auth0", &served)
	page, err := chromium.Open(ctx, served.URL)
	if err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := func(origin string) string { return fmt.Sprintf("location.origin == %q", origin) }
	choose := func(email string) string {
		return fmt.Sprintf("(all('button').find(b => b.value == %q).click(), 0)", email)
	}
	for _, email := range served.Users {
		do(page.WaitFor(ctx, at(served.Issuer)+" && all('form').length == 2"))
		do(page.WaitForText(ctx, "Development login"))
		do(page.Eval(ctx, choose(email), nil))
		do(page.WaitFor(ctx, at(served.URL)))
		do(page.WaitForText(ctx, "Logged in as"))
		do(page.WaitForText(ctx, email)) // drawn by what came over the WebSocket

		do(page.Click(ctx, "Log out")) // leads to the provider, which ends its session too, and back
		do(page.WaitFor(ctx, at(served.URL)+" && location.pathname == '/status'"))
		do(page.WaitForText(ctx, "logged out"))
		do(page.Eval(ctx, "(location.assign('/'), 0)", nil)) // asks who it is again
	}

	// A user who is not listed, typed by hand.
	do(page.WaitFor(ctx, at(served.Issuer)+" && all('#email').length == 1"))
	do(page.Eval(ctx, "(all('#email')[0].value = 'nobody', all('#email')[0].form.requestSubmit(), 0)", nil))
	do(page.WaitFor(ctx, "all('#email[aria-invalid=true]').length == 1"))
	do(page.Eval(ctx, "(all('#email')[0].value = 'kurt@example.org', all('#email')[0].form.requestSubmit(), 0)", nil))
	do(page.WaitForText(ctx, "kurt@example.org"))
	if thrown := page.Thrown(); len(thrown) > 0 {
		t.Errorf("scripts of the page failed: %q", thrown)
	}
}
