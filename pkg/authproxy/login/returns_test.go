package login

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

// Logins that are begun and never finished cost a bounded amount of memory, and are forgotten after their time (security
// class 21).
func TestReturnsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_900_000_000, 0)
	n := newReturns()
	keep := func(name string) string {
		t.Helper()
		kept, err := n.keep("/"+name+"?"+strings.Repeat("q", 1900), rand.Reader, now)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	early := keep("early")
	for i := range 2 * maxReturns {
		keep(fmt.Sprint("flood", i))
	}
	if got := n.kept.Len(); got > maxReturns {
		t.Errorf("%d addresses are kept, want at most %d", got, maxReturns)
	}
	if got := n.address(early, now); !strings.HasPrefix(got, "/early?") {
		t.Errorf("the login begun first leads to %.20q, want /early", got)
	}
	if late := keep("late"); !strings.HasPrefix(n.address(late, now), "/late?") {
		t.Errorf("the login begun last leads to %.20q, want /late", n.address(late, now))
	}
	now = now.Add(oidc.LoginTime)
	for i := range maxReturns / 3 { // each forgets several
		keep(fmt.Sprint("later", i))
	}
	if got := n.kept.Len(); got != maxReturns/3 {
		t.Errorf("%d addresses are kept after their time, want those of %d later logins", got, maxReturns/3)
	}
}
