package proxycmd

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// readyTimeout limits a readiness check, for which a client is waiting.
const readyTimeout = 2 * time.Second

// privateHandler is the handler of the private listener. On the public listener these paths belong to the app.
func (r *running) privateHandler(meter *meter) http.Handler {
	mux := http.NewServeMux()
	// healthz reports that the process is alive: it must only fail for problems that a restart would fix.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	// readyz reports that the proxy can do its work. Whether the app responds is not part of it: users may log in
	// and see that it is starting.
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, q *http.Request) {
		ctx, cancel := context.WithTimeout(q.Context(), readyTimeout)
		defer cancel()
		switch err := r.proxy.Ready(ctx); {
		case r.draining.Load():
			say(w, http.StatusServiceUnavailable, "not ready: stopping")
		case err != nil:
			say(w, http.StatusServiceUnavailable, "not ready: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		default:
			say(w, http.StatusOK, "ready")
		}
	})
	mux.Handle("GET /metrics", meter)
	return mux
}

func say(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line+"\n") // the client has gone
}
