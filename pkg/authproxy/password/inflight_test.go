package password

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"
)

// counted makes a checker count the hashes that it computes.
func counted(c *Checker) *atomic.Int64 {
	var n atomic.Int64
	c.compare = func(hash, password []byte) error {
		n.Add(1)
		return bcrypt.CompareHashAndPassword(hash, password)
	}
	return &n
}

// occupy takes all slots and returns what gives them back.
func occupy(c *Checker) (release func()) {
	for range cap(c.slots.taken) {
		c.slots.taken <- struct{}{}
	}
	return func() {
		for range cap(c.slots.taken) {
			c.slots.release()
		}
	}
}

func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 51, byte(i / 250), byte(i%250 + 1)})
}

// waiting blocks until n requests wait for a credential's hash.
func waiting(c *Checker, n int) {
	for {
		c.mu.Lock()
		sum := 0
		for _, f := range c.inFlight {
			sum += f.waiting
		}
		c.mu.Unlock()
		if sum == n {
			return
		}
		runtime.Gosched()
	}
}

// An app that starts again gets requests from all its users at once: one hash lets them in, from wherever they come.
func TestStampede(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"", "ann", "pw"})
	hashes := counted(c)
	const clients = 150
	for round := range int64(2) {
		release := occupy(c)
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				if got := c.Check(context.Background(), "", "ann", "pw", address(i)); got.Verdict != Right {
					t.Errorf("client %d: %+v", i, got)
				}
			})
		}
		waiting(c, clients)
		release()
		wg.Wait()
		if n := hashes.Load(); n != round+1 {
			t.Errorf("%d hashes after round %d", n, round)
		}
		clk.Advance(verifiedFor)
	}
	if c.limits.counters.Len() != 0 || len(c.inFlight) != 0 {
		t.Errorf("%d counters, %d verifications are left", c.limits.counters.Len(), len(c.inFlight))
	}
}

// A credential in use is not verified again.
func TestUseExtends(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"", "ann", "pw"})
	hashes := counted(c)
	for range 10 {
		if got := c.Check(context.Background(), "", "ann", "pw", here).Verdict; got != Right {
			t.Fatal(got)
		}
		clk.Advance(verifiedFor * 2 / 3)
	}
	if n := hashes.Load(); n != 1 {
		t.Errorf("%d hashes", n)
	}
}

// A cancelled request does not affect those that wait for the same verification.
func TestCancelledHandsOn(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"", "ann", "pw"})
	release := occupy(c)
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan Verdict)
	go func() { first <- c.Check(ctx, "", "ann", "pw", here).Verdict }()
	waiting(c, 1)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got := c.Check(context.Background(), "", "ann", "pw", here).Verdict; got != Right {
				t.Errorf("a waiter: %v", got)
			}
		})
	}
	waiting(c, 21)
	cancel()
	if got := <-first; got != Busy {
		t.Errorf("the first: %v", got)
	}
	release()
	wg.Wait()
}

// An attempt that is given up takes back nothing that others have counted.
func TestCancelKeepsTheLock(t *testing.T) {
	t.Parallel()
	l, from := newLimiter(), here
	now := time.Unix(1_900_000_000, 0)
	given, wait := l.reserve("", "ann", from, now)
	if wait != 0 {
		t.Fatal(wait)
	}
	for i := range perAddress.free - 1 { // with names of their own: only the address locks
		a, wait := l.reserve("", fmt.Sprint(i), from, now)
		if wait != 0 {
			t.Fatal(i, wait)
		}
		a.wrong(now)
	}
	if _, wait := l.reserve("", "bob", from, now); wait != perAddress.first {
		t.Errorf("an attempt beyond what is free: wait %v", wait)
	}
	a := reservation{limiter: l, keys: l.keys("", "bob", from)}
	a.wrong(now)
	given.cancel(now)
	if got := l.wait("", "ann", from, now); got != perAddress.first {
		t.Errorf("locked for %v after the cancellation, want %v", got, perAddress.first)
	}
}

// Behind an address that others have had locked, those go on who were there before, and nobody else, not even
// with the right password. What they may guess is limited all the same.
func TestLockedAddressSparesWhoWasThere(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"main_app", "ann", "pw"}, Login{"api", "bob", "pw"})
	try := func(scope, name, password string) Verdict {
		return c.Check(context.Background(), scope, name, password, here).Verdict
	}
	if got := try("main_app", "ann", "pw"); got != Right {
		t.Fatal(got)
	}
	if got := c.Check(context.Background(), "api", "bob", "pw", address(1)).Verdict; got != Right { // is known now
		t.Fatal(got)
	}
	for i := range perAddress.free {
		try("main_app", fmt.Sprint("nobody", i), "x")
	}
	for what, tc := range map[string]struct {
		scope, name, password string
		want                  Verdict
	}{
		"was there":              {"main_app", "ann", "pw", Right},
		"was elsewhere":          {"api", "bob", "pw", Locked},
		"nowhere, wrong":         {"api", "bob", "px", Locked},
		"was there, other scope": {"api", "ann", "pw", Locked},
	} {
		if got := try(tc.scope, tc.name, tc.password); got != tc.want {
			t.Errorf("%s: %v, want %v", what, got, tc.want)
		}
	}
	for i := range perPair.free {
		if got := try("main_app", "ann", fmt.Sprint(i)); got != Wrong {
			t.Errorf("guess %d: %v", i, got)
		}
	}
	if got := try("main_app", "ann", "pw"); got != Locked {
		t.Errorf("after guesses of the own password: %v", got)
	}
	clk.Advance(trustedFor)
	if c.limits.trusts("main_app", "ann", here, clk.Now()) {
		t.Error("trusted for ever")
	}
}

// Guesses amid the requests of a user behind the same address lock the pair.
func TestRightDoesNotForgiveForEver(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"", "ann", "pw"})
	for i := range 2 * perPair.free {
		c.Check(context.Background(), "", "ann", "pw", here)
		if c.Check(context.Background(), "", "ann", fmt.Sprint(i), here).Verdict == Locked {
			return
		}
	}
	t.Error("never locked")
}

// The queue is bounded, and has room for those who were there before. What is known needs none.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"", "ann", "pw"})
	if got := c.Check(context.Background(), "", "ann", "pw", here).Verdict; got != Right {
		t.Fatal(got)
	}
	release := occupy(c)
	var wg sync.WaitGroup
	for i := range maxInFlight - reserved {
		wg.Go(func() { c.Check(context.Background(), "", "ann", fmt.Sprint(i), address(i)) })
	}
	waiting(c, maxInFlight-reserved)
	if got := c.Check(context.Background(), "", "ann", "one too many", address(200)).Verdict; got != Busy {
		t.Errorf("one too many: %v", got)
	}
	if got := c.Check(context.Background(), "", "ann", "pw", address(201)).Verdict; got != Right {
		t.Errorf("what is known: %v", got)
	}
	clk.Advance(verifiedFor)
	wg.Go(func() {
		if got := c.Check(context.Background(), "", "ann", "pw", here).Verdict; got != Right {
			t.Errorf("who was there before: %v", got)
		}
	})
	waiting(c, maxInFlight-reserved+1)
	release()
	wg.Wait()
}

// An IPv6 site is more than one network.
func TestLockPerSite(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"", "ann", "pw"})
	for i := range perSite.free {
		from := netip.MustParseAddr(fmt.Sprintf("2001:db8:1:%x::1", i))
		if got := c.Check(context.Background(), "", fmt.Sprint(i), "x", from).Verdict; got != Wrong {
			t.Fatalf("guess %d: %v", i, got)
		}
	}
	for from, want := range map[string]Verdict{"2001:db8:1:ffff::1": Locked, "2001:db8:2::1": Right} {
		if got := c.Check(context.Background(), "", "ann", "pw", netip.MustParseAddr(from)).Verdict; got != want {
			t.Errorf("%s: %v, want %v", from, got, want)
		}
	}
}

// Both ways of writing é are one password and one name.
func TestUnicodeForms(t *testing.T) {
	t.Parallel()
	const composed, apart = "Jos\u00e9", "Jose\u0301"
	for _, kept := range []string{composed, apart} {
		c, _ := newChecker(t, Login{"", kept, kept})
		for _, typed := range []string{composed, apart} {
			if got := c.Check(context.Background(), "", typed, typed, here); got.Verdict != Right || got.Name != kept {
				t.Errorf("%+q for %+q: %+v", typed, kept, got)
			}
			if got := c.Basic(context.Background(), "", basic(typed+":"+typed), here, nil).Verdict; got != Right || !c.Owns(basic(typed+":x")) {
				t.Errorf("%+q for %+q in a header: %v", typed, kept, got)
			}
		}
		if got := c.Check(context.Background(), "", "Jose", "Jose", here).Verdict; got != Wrong {
			t.Errorf("without the accent: %v", got)
		}
	}
}

// Keys of different credentials differ, wherever one part ends and the next begins.
func TestKeysAreApart(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t)
	l := newLimiter()
	part := rapid.StringMatching(`[ab\x00]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		a := [3]string{part.Draw(t, "scope"), part.Draw(t, "name"), part.Draw(t, "password")}
		b := [3]string{part.Draw(t, "scope"), part.Draw(t, "name"), part.Draw(t, "password")}
		if (a == b) != (c.key(a[0], a[1], a[2]) == c.key(b[0], b[1], b[2])) {
			t.Errorf("keys of %q and %q", a, b)
		}
		if (a[0] == b[0] && a[1] == b[1]) != (l.keys(a[0], a[1], here)[0] == l.keys(b[0], b[1], here)[0]) {
			t.Errorf("pairs of %q and %q", a[:2], b[:2])
		}
	})
}
