package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
)

// startBrowser runs Chromium until the test ends. Pages may run no scripts unless scripts is set.
func startBrowser(t *testing.T, scripts bool) *browser.Browser {
	t.Helper()
	dir := t.TempDir()
	if !scripts {
		const never = `{"profile":{"default_content_setting_values":{"javascript":2}}}`
		if err := os.MkdirAll(filepath.Join(dir, "Default"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "Default", "Preferences"), []byte(never), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b, err := browser.Start(ctx, dir)
	if errors.Is(err, browser.ErrNone) && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}
