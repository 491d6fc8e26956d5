package localcloud

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/metrics"
	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// privateHandler serves health and metrics. Who reaches its listener needs no key.
func (p *Platform) privateHandler() http.Handler {
	registry := &metrics.Registry{}
	registry.Info("ploomber_platform_build_info", "The program.", "version", p.o.Version, "goversion", runtime.Version())
	registry.Gauge("ploomber_platform_projects", "Projects.", func() float64 { return float64(p.count(func(platform.State) bool { return true })) })
	registry.Gauge("ploomber_platform_apps_running", "Apps that have processes.", func() float64 { return float64(p.count(platform.State.HasProcess)) })
	registry.Gauge("ploomber_platform_apps_asleep", "Apps that wake when they are used.", func() float64 {
		return float64(p.count(func(s platform.State) bool { return s == platform.StateAsleep || s == platform.StateFrozen }))
	})
	registry.Gauge("ploomber_platform_apps_failed", "Apps that have failed.", func() float64 {
		return float64(p.count(func(s platform.State) bool { return s == platform.StateFailed }))
	})
	registry.Gauge("go_goroutines", "Number of goroutines.", func() float64 { return float64(runtime.NumGoroutine()) })
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, status int, line string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, line+"\n") // the client has gone
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if _, err := p.store.User(ctx, platform.OwnerName); err != nil {
			say(w, http.StatusServiceUnavailable, "not ready: the database does not respond")
			return
		}
		say(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", registry)
	return mux
}

// readyTimeout limits a readiness check, for which a client is waiting.
const readyTimeout = 2 * time.Second

// count counts the projects whose state, as their users see it, is one that matches.
func (p *Platform) count(matches func(platform.State) bool) (n int) {
	for _, state := range p.scheduler.States() {
		if matches(state) {
			n++
		}
	}
	return n
}
