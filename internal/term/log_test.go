package term

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"testing"
)

func TestLogForPeople(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options LogOptions
		write   func(*slog.Logger)
		want    string
	}{
		"information": {LogOptions{}, func(l *slog.Logger) { l.Info("provider found", "issuer", "https://a") }, "provider found (issuer https://a)\n"},
		"a warning with its cause": {LogOptions{}, func(l *slog.Logger) { l.Warn("app not reached", "error", errors.New("refused"), "client", "::1") },
			"Warning: app not reached: refused (client ::1)\n"},
		"an error":              {LogOptions{}, func(l *slog.Logger) { l.Error("session store failed", "reason", "full") }, "Error: session store failed: full\n"},
		"below the level":       {LogOptions{Level: slog.LevelWarn}, func(l *slog.Logger) { l.Info("x") }, ""},
		"what programs need":    {LogOptions{Skip: []string{"request"}}, func(l *slog.Logger) { l.Info("x", "request", "r1", "empty", "") }, "x\n"},
		"of the logger":         {LogOptions{}, func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Info("x", "b", true) }, "x (a 1, g.b true)\n"},
		"quotes stay":           {LogOptions{}, func(l *slog.Logger) { l.Info(`no "x"`) }, `no "x"` + "\n"},
		"a line break is shown": {LogOptions{}, func(l *slog.Logger) { l.Info("x\ny", "k", "a\x1b[2Jb\nc") }, `"x\ny" (k "a\x1b[2Jb\nc")` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			tc.write(NewLogger(NewStream(&b), tc.options))
			if b.String() != tc.want {
				t.Errorf("got %q, want %q", b.String(), tc.want)
			}
		})
	}
	var b bytes.Buffer
	NewLogger(NewStream(&b), LogOptions{Clock: true}).Info("x")
	if !regexp.MustCompile(`^\d\d:\d\d:\d\d  x\n$`).MatchString(b.String()) {
		t.Errorf("with the time of day: %q", b.String())
	}
}
