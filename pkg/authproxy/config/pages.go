package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of AppName and HelpText, in characters.
const (
	maxAppName  = 80
	maxHelpText = 600
)

// clearNothing is the AUTH_CLEAR_SITE_DATA that leaves everything where it is.
const clearNothing = "none"

// checkPages looks at what is shown on our pages and sent with them.
func (c Config) checkPages(m *mistakes) {
	for _, text := range []struct {
		key, value string
		most       int
		lines      bool
	}{{EnvAppName, c.AppName, maxAppName, false}, {EnvHelpText, c.HelpText, maxHelpText, true}} {
		odd := func(r rune) bool { return !unicode.IsPrint(r) && (!text.lines || r != '\n' && r != '\t') }
		switch {
		case !utf8.ValidString(text.value) || strings.ContainsFunc(text.value, odd):
			m.addf(text.key, "has a character that cannot be shown")
		case utf8.RuneCountInString(text.value) > text.most:
			m.addf(text.key, "is longer than %d characters", text.most)
		}
	}
	kinds := strings.Split(c.ClearSiteData, ",")
	for _, kind := range kinds {
		if !slices.Contains([]string{"", clearNothing, "cache", "cookies", "storage"}, kind) || len(kinds) > 1 && (kind == clearNothing || kind == "") {
			m.addf(EnvClearSiteData, "%q must be cache, cookies, storage, several of them with commas between, or none", c.ClearSiteData)
			return
		}
	}
}

// ClearSiteDataHeader is the value of Clear-Site-Data at a log-out; empty for none.
func (c Config) ClearSiteDataHeader() string {
	switch c.ClearSiteData {
	case clearNothing:
		return ""
	case "":
		return `"cache"`
	default:
		return `"` + strings.ReplaceAll(c.ClearSiteData, ",", `", "`) + `"`
	}
}
