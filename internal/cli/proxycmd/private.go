package proxycmd

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// readyTimeout bounds the answer to "are you ready?", for which somebody waits.
const readyTimeout = 2 * time.Second

// private is what the private listener serves. On the public one these paths are the app's.
func (r *running) private(meter *meter) http.Handler {
	mux := http.NewServeMux()
	// healthz says that the process serves: nothing that a restart would not mend may fail it.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	// readyz says that the proxy can do its work. Whether the app answers is not part of that: visitors may log
	// in and see that it is starting.
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
	_, _ = io.WriteString(w, line+"\n") // who has gone needs no answer
}
