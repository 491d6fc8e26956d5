package proxycmd

import (
	"context"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
)

// plan is all that a run was asked for, read and found right.
type plan struct {
	login authproxy.Config
}

// plan reads everything and tells every mistake at once. Nothing is opened yet.
func (o *Options) plan(ctx context.Context) (*plan, error) {
	wrong := o.wrong
	var p plan
	o.checkAddresses(ctx, &wrong)
	o.checkStore(&wrong)
	p.login = o.login(&wrong)
	return &p, wrong.err(!o.Check)
}

// checkStore accepts the stores that there are.
func (o *Options) checkStore(wrong *mistakes) {
	path, isFile := strings.CutPrefix(o.SessionStore, "sqlite:")
	switch {
	case o.SessionStore == "memory":
	case isFile && path != "":
		wrong.addf(o.named("session-store"), "sqlite is not available yet")
	default:
		wrong.addf(o.named("session-store"), "must be memory, or sqlite: and the path of a file")
	}
}
