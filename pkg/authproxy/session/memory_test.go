package session

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// What leads to a session goes with it, however it ends.
func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	ctx, start := context.Background(), time.Unix(1000, 0)
	newSession := func(i int, at time.Time) *Session {
		return &Session{Key: Key{byte(i), byte(i >> 8), 1}, Tags: []string{"all", fmt.Sprint(i)}, Created: at, Idle: time.Minute, Expires: at.Add(time.Hour)}
	}
	for name, end := range map[string]func(m *Memory, s *Session){
		"deleted":        func(m *Memory, s *Session) { _, _ = m.Delete(ctx, s.Key) },
		"deleted by tag": func(m *Memory, s *Session) { _, _ = m.DeleteTagged(ctx, s.Tags[1]) },
		"all deleted":    func(m *Memory, _ *Session) { _, _ = m.DeleteTagged(ctx, "all") },
		"found expired":  func(m *Memory, s *Session) { _, _ = m.Use(ctx, s.Key, start.Add(time.Minute)) },
		"full": func(m *Memory, s *Session) {
			late := newSession(9999, start.Add(time.Second))
			for i := range 20 {
				late.Key[5] = byte(i)
				_ = m.Create(ctx, late)
			}
			for i := range 20 {
				late.Key[5] = byte(i)
				_, _ = m.Delete(ctx, late.Key)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := NewMemory(20)
			var all []*Session
			for i := range 20 {
				s := newSession(i, start)
				if err := m.Create(ctx, s); err != nil {
					t.Fatal(err)
				}
				next := s.Clone()
				next.Key[31], next.Version, next.Former = 1, 1, []Former{{Key: s.Key, Until: start.Add(time.Second)}}
				if _, err := m.Replace(ctx, s, next); err != nil {
					t.Fatal(err)
				}
				all = append(all, next)
			}
			for _, s := range all {
				end(m, s)
			}
			if n := m.sessions.Len(); n != 0 || len(m.former) != 0 || len(m.tagged) != 0 {
				t.Errorf("%d sessions, %d former keys and %d tags are left", n, len(m.former), len(m.tagged))
			}
		})
	}
}
