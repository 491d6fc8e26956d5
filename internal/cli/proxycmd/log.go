package proxycmd

import (
	"context"
	"log/slog"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// sentences is a list of messages: separated in a text log, an array in JSON.
type sentences []string

func (s sentences) String() string { return strings.Join(s, "; ") }

// protection describes what is protected and how.
func protection(c config.Config) sentences {
	var words sentences
	for _, r := range c.Rules() {
		words = append(words, r.String())
	}
	return words
}

// describe returns what is protected and how, as log attributes.
func describe(c config.Config) []slog.Attr {
	attrs := []slog.Attr{slog.Any("protected", protection(c))}
	if back := callback(c); back != "" {
		attrs = append(attrs, slog.String("callback", back))
	}
	return attrs
}

// warn logs warnings that must not be missed.
func (r *running) warn(ctx context.Context, p *plan) {
	for _, text := range p.warnings {
		r.log.LogAttrs(ctx, slog.LevelWarn, text)
	}
	rules := p.login.Rules()
	if rest := rules[len(rules)-1]; rest.Open {
		r.log.LogAttrs(ctx, slog.LevelWarn, "NOT PROTECTED: anyone who reaches this address can use the app without a login", slog.String("open", rest.Where))
	}
}
