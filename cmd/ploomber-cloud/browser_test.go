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

// A person logs in with a browser and uses the app through its WebSocket; the app is real, and so are the
// browser and the program.
func TestFrameworkDemoInBrowser(t *testing.T) {
	asked := os.Getenv("PLOOMBER_TEST_FRAMEWORKS")
	if asked != "all" && !slices.Contains(strings.Split(asked, ","), "streamlit") {
		t.Skip("PLOOMBER_TEST_FRAMEWORKS does not name streamlit")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	chromium, err := browser.Start(ctx, t.TempDir())
	if errors.Is(err, browser.ErrNone) && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chromium.Close() })

	demo := exec.CommandContext(ctx, builtProgram(t), "demo", "--example", "streamlit/basic-app", "--json")
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
	var account struct{ URL, Username, Password string }
	if err := json.NewDecoder(out).Decode(&account); err != nil {
		t.Fatal(err)
	}

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
