package proxycmd

import (
	"context"
	"crypto/tls"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// plan holds the validated settings of a run.
type plan struct {
	login       config.Config
	certificate *tls.Certificate // nil if users connect with plain http
	network     network          // only at the start
	warnings    []string
}

// plan reads all settings and reports every mistake at once. It opens nothing.
func (o *Options) plan(ctx context.Context) (*plan, error) {
	wrong := o.wrong
	o.checkAddresses(ctx, &wrong)
	if _, err := sqlitePath(o.SessionStore); err != nil {
		wrong.addf(o.named("session-store"), "%w", err)
	}
	p := o.reread(&wrong)
	o.missingSocket(func(text string) { p.warnings = append(p.warnings, text) })
	p.network = o.network(&wrong)
	if o.readable(ctx, p) {
		p.warnings = append(p.warnings, "plain http on "+o.named("listen")+" "+o.Listen+", which other machines can reach: passwords and "+
			"sessions can be read in transit. Pass --tls-cert and --tls-key, or set AUTH_BASE_URL to the https:// address of the TLS terminator in front of this proxy")
	}
	if o.Check && len(wrong) == 0 { // its keys derive from the rest
		if err := o.tryStore(ctx, p.login); err != nil {
			wrong.addf(o.named("session-store"), "%w", err)
		}
	}
	return p, wrong.err(!o.Check)
}

// reread reads the settings that may change while the proxy serves.
func (o *Options) reread(wrong *mistakes) *plan {
	var p plan
	warn := func(text string) { p.warnings = append(p.warnings, text) }
	p.certificate = o.certificate(wrong, warn)
	p.login = o.login(wrong, warn)
	return &p
}
