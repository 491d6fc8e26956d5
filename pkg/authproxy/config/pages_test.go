package config_test

import (
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// AppName and HelpText are printable and short.
func TestPageTexts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		app, help string
		wrong     string
	}{
		"lines of help":    {"Sales", "One.\nTwo.", ""},
		"longest":          {strings.Repeat("ü", 80), strings.Repeat("ü", 600), ""},
		"name too long":    {strings.Repeat("ü", 81), "", "AUTH_APP_NAME"},
		"help too long":    {"", strings.Repeat("ü", 601), "AUTH_HELP_TEXT"},
		"name of lines":    {"a\nb", "", "AUTH_APP_NAME"},
		"escape sequence":  {"", "a\x1b[31m", "AUTH_HELP_TEXT"},
		"not UTF-8":        {"", "a\xff", "AUTH_HELP_TEXT"},
		"hidden direction": {"a\u202eb", "", "AUTH_APP_NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Config{Public: true, AppName: tc.app, HelpText: tc.help}
			err := c.Validate()
			if (err != nil) != (tc.wrong != "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("%v, want %q", err, tc.wrong)
			}
		})
	}
}

func TestClearSiteDataMistakes(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"everything", "cache,none", "none,cache", "*", "cache;storage", "\"cache\""} {
		c := mainApp()
		c.ClearSiteData = wrong
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "AUTH_CLEAR_SITE_DATA") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
