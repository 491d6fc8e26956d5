package sqlite

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// What was read or written before something ended is not kept in memory: it may be what has ended.
func TestCacheKeepsNothingThatMayHaveEnded(t *testing.T) {
	t.Parallel()
	p := newSession(1)
	e := newEntry(p, epoch)
	for name, end := range map[string]func(*cache){
		"ended":     func(c *cache) { c.end(p.Key) },
		"marked":    func(c *cache) { c.markDeleted(p.Key) },
		"deleted":   func(c *cache) { c.deleted(p.Key) },
		"cleared":   func(c *cache) { c.clear() },
		"replaced":  func(c *cache) { c.put(newEntry(newSession(2), epoch), p.Key, 0) },
		"not ended": nil,
	} {
		for how, keep := range map[string]func(c *cache, epoch uint64){
			"read":             func(c *cache, epoch uint64) { c.add(e, epoch) },
			"written":          func(c *cache, epoch uint64) { c.put(e, session.Key{}, epoch) },
			"written in place": func(c *cache, epoch uint64) { c.put(e, p.Key, epoch) },
		} {
			c := newCache(10)
			before := c.now()
			if end != nil {
				end(c)
			}
			if keep(c, before); (c.get(p.Key) != nil) != (end == nil) {
				t.Errorf("%s, %s: kept %v", name, how, c.get(p.Key) != nil)
			}
		}
	}
}

// Two who read a session at once share what they know of its use.
func TestCacheSharesEntries(t *testing.T) {
	t.Parallel()
	c := newCache(10)
	first, second := newEntry(newSession(1), epoch), newEntry(newSession(1), epoch)
	for _, e := range []*entry{first, second} {
		if shared, _, ok := c.add(e, 0); !ok || shared != first {
			t.Errorf("shared %v, want the first", shared == second)
		}
	}
}
