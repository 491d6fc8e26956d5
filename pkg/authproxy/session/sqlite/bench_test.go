package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sessiontest"
)

func BenchmarkUse(b *testing.B) { sessiontest.BenchmarkUse(b, open(b, newPath(b))) }

// BenchmarkLoad is the first request of a session after a restart.
func BenchmarkLoad(b *testing.B) {
	s := open(b, newPath(b))
	p := full()
	p.Created, p.Idle, p.Expires = epoch, time.Hour, epoch.Add(time.Hour)
	put(b, s, p)
	b.ReportAllocs()
	for b.Loop() {
		s.cache.clear()
		use(b, s, p.Key, 0)
	}
}

// BenchmarkUnknown is a request with a cookie of nobody.
func BenchmarkUnknown(b *testing.B) {
	s := open(b, newPath(b))
	b.ReportAllocs()
	for b.Loop() {
		wantNone(b, s, session.Key{1}, 0)
	}
}

// BenchmarkLogin is the making of a session, on the disk when it is answered.
func BenchmarkLogin(b *testing.B) {
	s := open(b, newPath(b))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		put(b, s, newSession(i))
	}
}

func BenchmarkDelete(b *testing.B) {
	s := open(b, newPath(b))
	for i := 0; b.Loop(); i++ {
		put(b, s, newSession(i))
		if _, err := s.Delete(context.Background(), newSession(i).Key); err != nil {
			b.Fatal(err)
		}
	}
}
