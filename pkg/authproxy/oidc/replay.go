package oidc

import (
	"crypto/sha256"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

// replayCacheSize is how many values a replay cache remembers, some 150 bytes each.
const replayCacheSize = 16 << 10

// replayCache remembers the hashes of values that may be used only once, for as long as they could be used. Its memory is
// bounded: when it is full, the value that expires first is forgotten.
type replayCache struct {
	used *expiring.Map[[sha256.Size]byte, struct{}]
}

func newReplayCache() replayCache {
	return replayCache{expiring.New[[sha256.Size]byte, struct{}](replayCacheSize)}
}

// use reports whether value is used for the first time, and remembers it until then.
func (c replayCache) use(value string, now, until time.Time) bool {
	return c.used.Add(sha256.Sum256([]byte(value)), struct{}{}, now, until.Sub(now))
}
