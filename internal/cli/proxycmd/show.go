package proxycmd

import (
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Checked is what --check --json prints if nothing is wrong. Mistakes are reported as errors, like everywhere.
type Checked struct {
	Valid     bool     `json:"valid"`     // always true
	Protected []string `json:"protected"` // what is protected and how, in words
}

// Printed is what --print-config --json prints: variables and their values, secrets as ***.
type Printed struct {
	Proxy     map[string]string `json:"proxy"`     // PLOOMBER_PROXY_*: listeners, files, limits
	Login     map[string]string `json:"login"`     // AUTH_*, username_* and password_*
	Protected []string          `json:"protected"` // what is protected and how, in words
}

func (o *Options) show(p *plan) error {
	protected := protection(p.login)
	if o.Upstream == "" {
		o.IO.Err.Note("%s is not set; the proxy needs it to serve.", o.named("upstream"))
	}
	if !o.PrintConfig {
		return o.IO.Result(Checked{Valid: true, Protected: protected}, func(out *term.Stream) {
			out.Println(out.Green("The configuration is valid."))
			for _, line := range protected {
				out.Println("  " + line)
			}
		})
	}
	own, login := o.settings(), p.login.Settings()
	return o.IO.Result(Printed{Proxy: values(own), Login: values(login), Protected: protected}, func(out *term.Stream) {
		for _, line := range protected {
			out.Println("# " + line)
		}
		for _, s := range append(own, login...) {
			out.Println(s.String())
		}
	})
}

// settings are the proxy's own settings, as variables.
func (o *Options) settings() []config.Setting {
	var list []config.Setting
	for _, s := range []config.Setting{
		{Name: "upstream", Value: o.Upstream}, {Name: "listen", Value: o.Listen}, {Name: "private-listen", Value: o.PrivateListen},
		{Name: "env-file", Value: o.Folder.EnvFile}, {Name: "config", Value: o.Folder.Config}, {Name: "feature", Value: string(o.Feature)},
		{Name: "session-store", Value: o.SessionStore}, {Name: "tls-cert", Value: o.TLSCert}, {Name: "tls-key", Value: o.TLSKey},
		{Name: "log-level", Value: o.Log.Level}, {Name: "log-format", Value: o.Log.Format},
		{Name: "shutdown-timeout", Value: o.ShutdownTimeout.String()},
	} {
		if s.Value != "" {
			list = append(list, config.Setting{Name: o.variables.Of(s.Name), Value: s.Value})
		}
	}
	if o.Public {
		list = append(list, config.Setting{Name: o.variables.Of("public"), Value: "true"})
	}
	return list
}

func values(list []config.Setting) map[string]string {
	m := make(map[string]string, len(list))
	for _, s := range list {
		m[s.Name] = s.Value
	}
	return m
}
