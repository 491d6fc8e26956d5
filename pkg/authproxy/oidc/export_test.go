package oidc

import (
	"net/url"
	"time"
)

// ParseTransaction is for fuzzing the parser without what guards it.
var ParseTransaction = parseTransaction

// Limits that tests reach.
const (
	MaxSealed       = maxSealed
	ReplayCacheSize = replayCacheSize
)

func ParseCallback(query url.Values) (state string, refusal *Refusal, err error) {
	c, err := parseCallback(query)
	return c.state, c.refusal, err
}

func NewReplayCache() replayCache { return newReplayCache() }

func (c replayCache) Use(value string, now, until time.Time) bool { return c.use(value, now, until) }
func (c replayCache) Len() int                                    { return c.used.Len() }
