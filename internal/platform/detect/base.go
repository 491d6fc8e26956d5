package detect

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// base returns the path below which the settings of the app's framework make it serve, "" or one such as /myapp, and
// the setting. The order is the framework's own: a variable counts before the project's file and this before the
// user's. Apps that say it in their code tell it when they start.
func (p *project) base(app platform.App, o Options) (base, from string) {
	home := &project{dir: o.Home}
	variable := func(name string) (string, string) { return platform.Lookup(o.Environ, name), name }
	switch app.Framework {
	case platform.Streamlit:
		const file = ".streamlit/config.toml"
		return first(
			func() (string, string) { return variable("STREAMLIT_SERVER_BASE_URL_PATH") },
			func() (string, string) { return streamlitBase(p.read(file)), "server.baseUrlPath in " + file },
			func() (string, string) { return streamlitBase(home.read(file)), "server.baseUrlPath in ~/" + file },
		)
	case platform.Chainlit:
		return first(func() (string, string) { return variable("CHAINLIT_ROOT_PATH") })
	case platform.Voila:
		var from []func() (string, string)
		for _, name := range []string{"voila.json", "voila.py", "jupyter_config.json", "jupyter_config.py"} {
			from = append(from, func() (string, string) { return voilaBase(p.read(name)), "Voila.base_url in " + name })
		}
		for _, name := range []string{".jupyter/voila.json", ".jupyter/voila.py"} {
			from = append(from, func() (string, string) { return voilaBase(home.read(name)), "Voila.base_url in ~/" + name })
		}
		return first(from...)
	}
	return "", ""
}

// first returns the first path that is set, cleaned, and where.
func first(settings ...func() (value, from string)) (base, from string) {
	for _, setting := range settings {
		value, from := setting()
		if value = strings.Trim(strings.TrimSpace(value), "/"); value == "" {
			continue
		}
		if !fs.ValidPath(value) || strings.ContainsAny(value, " \t\"'<>\\?#%{}") {
			return "", "" // no path: the framework will say so
		}
		return "/" + value, from
	}
	return "", ""
}

func streamlitBase(text string) string {
	var config struct {
		Server struct {
			Base any `toml:"baseUrlPath"`
		} `toml:"server"`
	}
	if err := toml.Unmarshal([]byte(text), &config); err != nil {
		return "" // Streamlit says what is wrong
	}
	base, _ := config.Server.Base.(string)
	return base
}

var voilaSetting = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^\s*c\.Voila\.base_url\s*=\s*["']([^"'\n]*)["']`)
})

// voilaBase reads a configuration file of Jupyter, which is JSON or Python.
func voilaBase(text string) string {
	var config struct {
		Voila struct {
			Base string `json:"base_url"`
		}
	}
	if json.Unmarshal([]byte(text), &config) == nil {
		return config.Voila.Base
	}
	if m := voilaSetting().FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
