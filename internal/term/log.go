package term

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unicode"
)

// LogOptions configures a human-readable log.
type LogOptions struct {
	Level slog.Level // minimum level
	Clock bool       // prefix each line with the time of day
	Skip  []string   // attributes that only programs need
}

// NewLogger returns a log handler for people at a terminal, one sentence per line:
//
//	15:04:05  Warning: app not reached: connection refused (client 192.0.2.1)
//
// An attribute "error" or "reason" follows the message; the others are in parentheses. For logs read by programs
// use the handlers of log/slog.
func NewLogger(s *Stream, o LogOptions) *slog.Logger {
	return slog.New(&logHandler{stream: s, options: o})
}

type logHandler struct {
	stream  *Stream
	options LogOptions
	attrs   []slog.Attr // from WithAttrs, before a line's own
	group   string      // from WithGroup, with a trailing dot
}

var _ slog.Handler = (*logHandler)(nil)

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.options.Level
}

// Handle implements slog.Handler. Write errors are recorded by the stream.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if h.options.Clock && !r.Time.IsZero() {
		b.WriteString(h.stream.Faint(r.Time.Format("15:04:05")) + "  ")
	}
	switch {
	case r.Level >= slog.LevelError:
		b.WriteString(h.stream.Red("Error: "))
	case r.Level >= slog.LevelWarn:
		b.WriteString(h.stream.Yellow("Warning: "))
	}
	b.WriteString(oneLine(r.Message))
	var cause, details []string
	add := func(key string, v slog.Value) {
		switch value := oneLine(v.Resolve().String()); {
		case value == "" || slices.Contains(h.options.Skip, key):
		case key == "error" || key == "reason":
			cause = append(cause, value)
		default:
			details = append(details, key+" "+value)
		}
	}
	for _, a := range h.attrs {
		add(a.Key, a.Value)
	}
	r.Attrs(func(a slog.Attr) bool { add(h.group+a.Key, a.Value); return true })
	for _, text := range cause {
		b.WriteString(": " + text)
	}
	if len(details) > 0 {
		b.WriteString(" (" + strings.Join(details, ", ") + ")")
	}
	_, err := h.stream.Write([]byte(h.stream.Wrapped(b.String(), hanging) + "\n")) // in a single write, since other goroutines write lines too
	return err
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		c.attrs = append(c.attrs, slog.Attr{Key: h.group + a.Key, Value: a.Value})
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.group += name + "."
	return &c
}

// oneLine makes text printable on a single line.
func oneLine(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Printable(text)
	}
	return text
}
