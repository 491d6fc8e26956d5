package sessiontest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// BenchmarkUse measures what every request pays, with many sessions that are all in use.
func BenchmarkUse(b *testing.B, st session.Store) {
	const sessions = 1000
	keys := make([]session.Key, sessions)
	start := time.Now()
	for i := range keys {
		id, err := session.NewID(zeros(i))
		if err != nil {
			b.Fatal(err)
		}
		s := &session.Session{Key: id.Key(&session.Secret{1}), Created: start, Idle: time.Hour, Expires: start.Add(24 * time.Hour)}
		if err := st.Create(context.Background(), s); err != nil {
			b.Fatal(err)
		}
		keys[i] = s.Key
	}
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(next.Add(37)); pb.Next(); i++ {
			if _, err := st.Use(context.Background(), keys[i%sessions], start.Add(time.Duration(i))); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// zeros is a source of ids that are told apart by their first bytes.
type zeros int

func (z zeros) Read(b []byte) (int, error) {
	clear(b)
	b[0], b[1] = byte(z), byte(z>>8)
	return len(b), nil
}
