package keys_test

import (
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/keys"
)

// FuzzSigned: only what was signed for a purpose is good, for that purpose, until it has expired.
func FuzzSigned(f *testing.F) {
	now := time.Unix(1_900_000_000, 0)
	s := keys.NewSigner([]string{"a secret of the fuzz target"}, nil, func() time.Time { return now })
	f.Add("value", s.Sign("purpose", "value", time.Minute))
	f.Add("", "..")
	f.Add("a.b", "a.b.c.d")
	f.Fuzz(func(t *testing.T, value, forged string) {
		signed := s.Sign("purpose", value, time.Minute)
		if got, ok := s.Verify("purpose", signed); !ok || got != value {
			t.Fatalf("%q came back as %q, %v", value, got, ok)
		}
		if _, ok := s.Verify("another", signed); ok {
			t.Fatal("good for another purpose")
		}
		if got, ok := s.Verify("purpose", forged); ok && forged != s.Sign("purpose", got, time.Minute) {
			t.Fatalf("%q was taken for %q", forged, got)
		}
		late := keys.NewSigner([]string{"a secret of the fuzz target"}, nil, func() time.Time { return now.Add(time.Minute) })
		if _, ok := late.Verify("purpose", signed); ok {
			t.Fatal("good after its time")
		}
	})
}
