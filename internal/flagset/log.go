package flagset

import (
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Log are the flags for the log of a server.
type Log struct{ Level, Format string }

// logAuto selects a human-readable log on a terminal, and a machine-readable one otherwise.
const logAuto = "auto"

// DefaultLog returns the values of the flags if they are not set.
func DefaultLog() Log { return Log{Level: "info", Format: logAuto} }

// Add adds --log-level and --log-format.
func (l *Log) Add(c *cobra.Command) {
	*l = DefaultLog()
	OneOf(c, &l.Level, "log-level", "minimum log level", []string{"debug", "info", "warn", "error"})
	OneOf(c, &l.Format, "log-format", "log format on standard error; auto is human-readable on a terminal and text elsewhere",
		[]string{logAuto, "text", "json"})
}

// ForPeople reports whether the log on o is human-readable.
func (l Log) ForPeople(o *term.IO) bool { return l.Format == logAuto && o.Err.TTY() && !o.JSON }

// Logger writes to standard error in the requested format.
func (l Log) Logger(o *term.IO, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(strings.ToUpper(l.Level))) // one of four, validated by the flag
	switch {
	case verbose:
		level = slog.LevelDebug
	case !o.Err.Talks() && !o.JSON:
		level = max(level, slog.LevelWarn)
	}
	if l.ForPeople(o) {
		return term.NewLogger(o.Err, term.LogOptions{Level: level, Clock: true, Skip: []string{"request"}})
	}
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" || o.JSON {
		return slog.New(slog.NewJSONHandler(o.Err, options))
	}
	return slog.New(slog.NewTextHandler(o.Err, options))
}
