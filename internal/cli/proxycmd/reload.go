package proxycmd

import (
	"context"
	"log/slog"
)

// reload applies the current content of the files: credentials, rules and certificates. If anything is wrong
// nothing changes. Connections stay open in any case.
func (r *running) reload(ctx context.Context) {
	var wrong mistakes
	p := r.options.reread(&wrong)
	if len(wrong) == 0 {
		r.store.adopt(p.login) // first: data for the new keys must not be sealed with old ones
		if err := r.proxy.Reload(p.login); err != nil {
			r.store.adopt(r.login)
			wrong.add(err)
		}
	}
	if len(wrong) > 0 {
		for _, one := range wrong {
			r.log.LogAttrs(ctx, slog.LevelError, "not reloaded, keeping the old configuration", slog.String("error", one.Error()))
		}
		r.meter.reloads.Of("failed").Add()
		return
	}
	r.login = p.login
	if p.certificate != nil {
		r.certificate.Store(p.certificate)
	}
	r.meter.reloads.Of("ok").Add()
	r.warn(ctx, p)
	r.log.LogAttrs(ctx, slog.LevelInfo, "reloaded", describe(p.login)...)
}
