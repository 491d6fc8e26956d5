package expiring_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
	"pgregory.net/rapid"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestExpires(t *testing.T) {
	t.Parallel()
	m := expiring.New[string, int](2)
	m.Put("a", 1, start, time.Second)
	if v, ok := m.Get("a", start.Add(time.Second-1)); !ok || v != 1 {
		t.Errorf("just before its end: got %d, %v; want 1", v, ok)
	}
	if v, ok := m.Get("a", start.Add(time.Second)); ok || v != 0 {
		t.Errorf("at its end: got %d, %v; want nothing", v, ok)
	}
	if !m.Add("a", 2, start.Add(time.Second), time.Second) {
		t.Error("an expired key could not be added again")
	}
	if m.Add("a", 3, start.Add(time.Second), time.Second) {
		t.Error("a key was added twice")
	}
}

func TestFirstToExpireIsDropped(t *testing.T) {
	t.Parallel()
	m := expiring.New[string, int](2)
	m.Put("long", 1, start, time.Hour)
	m.Put("short", 2, start, time.Minute)
	m.Put("longest", 3, start, 2*time.Hour)
	if _, ok := m.Get("short", start); ok {
		t.Error("the entry that expires first is still there")
	}
	m.Put("long", 1, start, 3*time.Hour) // is the last to expire now
	m.Put("another", 4, start, time.Hour)
	if _, ok := m.Get("longest", start); ok {
		t.Error("an entry that was put again made room in place of the first to expire")
	}
	if _, ok := m.Get("long", start); !ok {
		t.Error("the last to expire is gone")
	}
}

// One caller of many must win, or a replay cache would let a token in twice.
func TestAddOnce(t *testing.T) {
	t.Parallel()
	m := expiring.New[string, struct{}](8)
	var added atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if m.Add("token", struct{}{}, start, time.Minute) {
				added.Add(1)
			}
		})
	}
	all.Wait()
	if n := added.Load(); n != 1 {
		t.Errorf("%d of 16 callers added the key, want 1", n)
	}
}

// No more expired entries may pile up than there were live ones at a time, without anybody asking for them.
func TestExpiredEntriesGo(t *testing.T) {
	t.Parallel()
	m := expiring.New[int, int](1000)
	now := start
	for i := range 10_000 {
		m.Put(i, i, now, 10*time.Second) // 10 are alive at a time
		now = now.Add(time.Second)
	}
	if n := m.Len(); n > 11 {
		t.Errorf("%d entries are kept, want 10 or 11", n)
	}
	dropped := 0
	m.OnDrop = func(key, value int) {
		if dropped++; key != value {
			t.Errorf("dropped %d with the value %d", key, value)
		}
	}
	before, calls := m.Len(), 1
	for m.DropExpired(now.Add(time.Hour)) {
		calls++
	}
	if n := m.Len(); n != 0 || dropped != before || calls < 3 {
		t.Errorf("%d entries are left, %d of %d were dropped in %d calls; want all, a few at a time", n, dropped, before, calls)
	}
}

// naive is what a Map is to do, at no matter what cost.
type naive struct {
	limit   int
	entries []naiveEntry // in the order of puts
}

type naiveEntry struct {
	key, value int
	until      time.Time
}

func (n *naive) remove(drop func(naiveEntry) bool) {
	var kept []naiveEntry
	for _, e := range n.entries {
		if !drop(e) {
			kept = append(kept, e)
		}
	}
	n.entries = kept
}

func (n *naive) put(key, value int, now time.Time, ttl time.Duration) {
	n.remove(func(e naiveEntry) bool { return e.key == key || !now.Before(e.until) })
	if len(n.entries) == n.limit {
		first := n.entries[0]
		for _, e := range n.entries {
			if e.until.Before(first.until) {
				first = e
			}
		}
		n.remove(func(e naiveEntry) bool { return e == first })
	}
	n.entries = append(n.entries, naiveEntry{key, value, now.Add(ttl)})
}

func (n *naive) extend(key int, now time.Time, ttl time.Duration) {
	for i, e := range n.entries {
		if e.key == key && now.Before(e.until) && now.Add(ttl).After(e.until) {
			n.entries[i].until = now.Add(ttl)
		}
	}
}

func (n *naive) get(key int, now time.Time) (int, bool) {
	for _, e := range n.entries {
		if e.key == key && now.Before(e.until) {
			return e.value, true
		}
	}
	return 0, false
}

// While all entries are extended, a Put moves few of them, and drops one that was extended long ago rather than one that
// was just put.
func TestExtendedAreDropped(t *testing.T) {
	t.Parallel()
	const limit = 1000
	m := expiring.New[int, int](limit)
	for i := range limit {
		m.Put(i, i, start, time.Minute)
	}
	for round := range 10 {
		now := start.Add(time.Duration(round) * time.Second)
		for i := range limit {
			m.Extend(i, now, time.Minute)
		}
		m.Put(limit+round, 0, now, time.Minute)
	}
	for round := range 10 {
		if _, ok := m.Get(limit+round, start.Add(10*time.Second)); !ok {
			t.Errorf("the entry put in round %d is gone", round)
		}
	}
	if n := m.Len(); n != limit {
		t.Errorf("%d entries, want %d", n, limit)
	}
}

func TestLikeNaive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 6).Draw(t, "limit")
		m, want := expiring.New[int, int](limit), &naive{limit: limit}
		now, key := start, rapid.IntRange(0, 9)
		ttl := rapid.Map(rapid.IntRange(0, 8), func(s int) time.Duration { return time.Duration(s) * time.Second })
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, v, d := key.Draw(t, "key"), rapid.Int().Draw(t, "value"), ttl.Draw(t, "ttl")
				m.Put(k, v, now, d)
				want.put(k, v, now, d)
			},
			"add": func(t *rapid.T) {
				k, v, d := key.Draw(t, "key"), rapid.Int().Draw(t, "value"), ttl.Draw(t, "ttl")
				_, there := want.get(k, now)
				if m.Add(k, v, now, d) == there {
					t.Fatalf("Add(%d) = %v, and the key was there: %v", k, !there, there)
				}
				if !there {
					want.put(k, v, now, d)
				}
			},
			"extend": func(t *rapid.T) {
				k, d := key.Draw(t, "key"), ttl.Draw(t, "ttl")
				m.Extend(k, now, d)
				want.extend(k, now, d)
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				m.Delete(k)
				want.remove(func(e naiveEntry) bool { return e.key == k })
			},
			"drop expired": func(*rapid.T) { m.DropExpired(now) },
			"clear": func(t *rapid.T) {
				before := m.Len()
				if n := len(m.Clear()); n != before {
					t.Fatalf("Clear() returned %d of %d values", n, before)
				}
				want.entries = nil
			},
			"wait": func(t *rapid.T) { now = now.Add(ttl.Draw(t, "wait")) },
			"": func(t *rapid.T) {
				alive := 0
				for k := range 10 {
					v, ok := m.Get(k, now)
					wantV, wantOK := want.get(k, now)
					if v != wantV || ok != wantOK {
						t.Fatalf("Get(%d) = %d, %v; want %d, %v", k, v, ok, wantV, wantOK)
					}
					if ok {
						alive++
					}
				}
				if n := m.Len(); n < alive || n > limit {
					t.Fatalf("Len() = %d with %d live entries and a limit of %d", n, alive, limit)
				}
			},
		})
	})
}

const full = 16 << 10

func newFull() *expiring.Map[int, int] {
	m := expiring.New[int, int](full)
	for i := range full {
		m.Put(i, i, start.Add(time.Duration(i)), time.Hour)
	}
	return m
}

// What a request costs while a client floods a cache.
func BenchmarkPutFull(b *testing.B) {
	m := newFull()
	b.ReportAllocs()
	for i := full; b.Loop(); i++ {
		m.Put(i, i, start.Add(time.Duration(i)), time.Hour)
	}
}

// What it costs where all entries have expired since the last request.
func BenchmarkPutExpired(b *testing.B) {
	m, later := newFull(), start.Add(24*time.Hour)
	b.ReportAllocs()
	for i := full; b.Loop(); i++ {
		m.Put(i, i, later.Add(time.Duration(i)*time.Hour), time.Second)
	}
}

func BenchmarkExtend(b *testing.B) {
	m := newFull()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			m.Extend(i%full, start, 2*time.Hour)
		}
	})
}

func BenchmarkGet(b *testing.B) {
	m := newFull()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			m.Get(i%full, start)
		}
	})
}
