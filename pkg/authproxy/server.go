package authproxy

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits of a listener that strangers reach (security classes 14 and 21).
const (
	readHeaders = 10 * time.Second
	keepIdle    = 2 * time.Minute
	maxHeader   = 32 << 10 // bytes; the server itself adds 4 KB
)

// NewServer returns a server for h with the limits that a proxy on the open net needs: slow or large heads are cut.
// Bodies have no time limit, since uploads and streams may take as long as they like.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{Handler: h, ReadHeaderTimeout: readHeaders, IdleTimeout: keepIdle, MaxHeaderBytes: maxHeader, ConnContext: withConnection,
		DisableGeneralOptionsHandler: true} // "OPTIONS *" is refused like any other odd target
	if log != nil {
		s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	}
	return s
}
