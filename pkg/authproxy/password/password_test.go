package password

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// clock is a clock that moves when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newChecker(t *testing.T, logins ...Login) (*Checker, *clock) {
	t.Helper()
	clk := &clock{now: time.Unix(1_900_000_000, 0)}
	c, err := NewChecker(Options{Logins: logins, Cost: bcrypt.MinCost, Now: clk.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return c, clk
}

func basic(userPass string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userPass))
}

var here = netip.MustParseAddr("192.0.2.1")

// Security class 16: what is and what is not the credential, however it is written.
func TestBasic(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("p", 200)
	for name, tc := range map[string]struct {
		login  Login
		header string
		want   Verdict
	}{
		"right":                         {Login{Name: "ann", Password: "pw"}, basic("ann:pw"), Right},
		"scheme in capitals":            {Login{Name: "ann", Password: "pw"}, "BASIC " + basic("ann:pw")[6:], Right},
		"without padding":               {Login{Name: "ann", Password: "pw"}, strings.TrimRight(basic("ann:pw"), "="), Right},
		"wrong password":                {Login{Name: "ann", Password: "pw"}, basic("ann:pW"), Wrong},
		"password with a tail":          {Login{Name: "ann", Password: "pw"}, basic("ann:pw\x00"), Wrong},
		"wrong name":                    {Login{Name: "ann", Password: "pw"}, basic("anne:pw"), Wrong},
		"no password":                   {Login{Name: "ann", Password: "pw"}, basic("ann:"), Wrong},
		"no colon":                      {Login{Name: "ann", Password: "pw"}, basic("ann"), Wrong},
		"no base64":                     {Login{Name: "ann", Password: "pw"}, "Basic !!!", Wrong},
		"nothing behind the scheme":     {Login{Name: "ann", Password: "pw"}, "Basic ", Wrong},
		"another scheme":                {Login{Name: "ann", Password: "pw"}, "Bearer abc", None},
		"no header":                     {Login{Name: "ann", Password: "pw"}, "", None},
		"colons in the password":        {Login{Name: "ann", Password: "p:w:"}, basic("ann:p:w:"), Right},
		"colon in the name":             {Login{Name: "a:b", Password: "pw"}, basic("a:b:pw"), Right},
		"colon in the name, wrong":      {Login{Name: "a:b", Password: "pw"}, basic("a:b:px"), Wrong},
		"colon in the name, half of it": {Login{Name: "a:b", Password: "pw"}, basic("a:pw"), Wrong},
		"UTF-8":                         {Login{Name: "zoë", Password: "pä"}, basic("zoë:pä"), Right},
		"ISO 8859-1":                    {Login{Name: "zoë", Password: "pä"}, basic("zo\xeb:p\xe4"), Right},
		"neither":                       {Login{Name: "zoë", Password: "pä"}, basic("zo\xff\xfe:p\xe4"), Wrong},
		"long password":                 {Login{Name: "ann", Password: long}, basic("ann:" + long), Right},
		"long password, last byte off":  {Login{Name: "ann", Password: long}, basic("ann:" + long[:199] + "x"), Wrong},
		"long password, cut at 72":      {Login{Name: "ann", Password: long}, basic("ann:" + long[:72]), Wrong},
		"far too long":                  {Login{Name: "ann", Password: "pw"}, basic("ann:" + strings.Repeat("x", 1<<20)), Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := newChecker(t, tc.login)
			for range 2 { // the second time from the cache
				got := c.Basic(context.Background(), "", tc.header, here, nil)
				if got.Verdict != tc.want {
					t.Errorf("verdict %v, want %v", got.Verdict, tc.want)
				}
				if got.Verdict == Right && got.Name != tc.login.Name {
					t.Errorf("name %q", got.Name)
				}
			}
		})
	}
}

func TestScopesAreApart(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"main_app", "ann", "one"}, Login{"api", "ann", "two"})
	for i, tc := range []struct {
		scope, password string
		want            Verdict
	}{{"main_app", "one", Right}, {"api", "one", Wrong}, {"api", "two", Right}, {"main_app", "two", Wrong}, {"other", "one", Wrong}} {
		if got := c.Check(context.Background(), tc.scope, "ann", tc.password, here).Verdict; got != tc.want {
			t.Errorf("%d: %s with %s: %v, want %v", i, tc.scope, tc.password, got, tc.want)
		}
	}
}

func TestOwns(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"main_app", "ann", "pw"}, Login{"api", "b:t", "pw"})
	for header, want := range map[string]bool{
		basic("ann:pw"): true, basic("ann:old password"): true, basic("b:t:x"): true,
		basic("carol:pw"): false, basic("b:x"): false, "Bearer ann": false, "": false, "Basic ?": false,
	} {
		if c.Owns(header) != want {
			t.Errorf("Owns(%q) = %v", header, !want)
		}
	}
}

// Credentials that we cannot read may be plain to an app that is more forgiving, and are ours all the same.
func TestOwnsMisshapen(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"main_app", "ann", "pw"}, Login{"api", "zoë", "pw"}, Login{"admin", "ÿÿÿ", "pw"})
	for _, name := range []string{"ann", "zoë", "ÿÿÿ", "zo\xeb", "carol"} {
		want := name != "carol"
		for _, password := range []string{"pw", "pw?", "pw??", "??>>~~"} {
			encoded := base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
			bare := strings.TrimRight(encoded, "=")
			for _, header := range []string{"Basic\t" + encoded, "Basic  " + encoded + "\t", "Basic " + encoded + "=", "Basic " + bare + "===", "Basic " + bare,
				`Basic "` + encoded + `"`, "Basic " + encoded + ",x", "Basic " + encoded + ", Bearer x", "Basic " + bare + ",x", "Basic " + encoded + " x",
				"Basic " + encoded[:4] + " " + encoded[4:], "Basic," + encoded, "Basic=" + encoded, "Basic:" + encoded, "bASIC\t " + encoded,
				"Basic " + base64.URLEncoding.EncodeToString([]byte(name+":"+password))} {
				if c.Owns(header) != want {
					t.Errorf("%s:%s: Owns(%q) = %v", name, password, header, !want)
				}
			}
		}
	}
	for _, header := range []string{"Basic", "Basic ", "Basic\t", "Basic =", "Basic YQ", "Basic ann:pw", "Basic " + base64.StdEncoding.EncodeToString([]byte("ann"))} {
		if c.Owns(header) {
			t.Errorf("Owns(%q)", header)
		}
	}
}

// Security class 16: guessing is locked out per user and address, for the right password too, and not for ever.
func TestLock(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"", "ann", "pw"})
	try := func(password string, from netip.Addr) Result {
		return c.Check(context.Background(), "", "ann", password, from)
	}
	if got := try("pw", here); got.Verdict != Right {
		t.Fatalf("before: %v", got.Verdict)
	}
	for i := range perPair.free {
		if got := try(fmt.Sprint("guess", i), here); got.Verdict != Wrong {
			t.Fatalf("guess %d: %v", i, got.Verdict)
		}
	}
	got := try("pw", here)
	if got.Verdict != Locked || got.Wait != perPair.first {
		t.Fatalf("locked: %+v; want %v", got, perPair.first)
	}
	if got := try("pw", netip.MustParseAddr("192.0.2.2")); got.Verdict != Right {
		t.Errorf("from another address: %v", got.Verdict)
	}
	clk.Advance(perPair.first)
	if got := try("wrong", here); got.Verdict != Wrong {
		t.Errorf("after the lock: %v", got.Verdict)
	}
	if got := try("pw", here); got.Verdict != Locked || got.Wait != 2*perPair.first {
		t.Errorf("second lock: %+v; want %v", got, 2*perPair.first)
	}
	clk.Advance(2 * perPair.first)
	if got := try("pw", here); got.Verdict != Right {
		t.Errorf("at last: %v", got.Verdict)
	}
	for i := range perPair.free { // and the count has started anew
		if got := try("wrong", here); got.Verdict != Wrong {
			t.Errorf("guess %d after a login: %v", i, got.Verdict)
		}
	}
}

func TestLockPerAddress(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"", "ann", "pw"})
	for i := range perAddress.free {
		from := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1)) // one subscriber's
		if got := c.Check(context.Background(), "", fmt.Sprint("user", i), "x", from).Verdict; got != Wrong {
			t.Fatalf("guess %d: %v", i, got)
		}
	}
	if got := c.Check(context.Background(), "", "ann", "pw", netip.MustParseAddr("2001:db8::ffff")).Verdict; got != Locked {
		t.Errorf("another name from the same network: %v, want Locked", got)
	}
}

// An attempt that nobody waited for was not looked at and does not count; old counts are forgotten.
func TestCountsAreForgotten(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"", "ann", "pw"})
	release := occupy(c)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for i := range 2 * perPair.free {
		if got := c.Check(gone, "", "ann", "pw", here).Verdict; got != Busy {
			t.Fatalf("attempt %d: %v, want Busy", i, got)
		}
	}
	if n := c.limits.counters.Len(); n != 0 {
		t.Errorf("%d counters after attempts that were given up", n)
	}
	release()
	c.Check(context.Background(), "", "ann", "wrong", here)
	if c.limits.idle() {
		t.Error("a wrong password was not counted")
	}
	clk.Advance(forgetAfter)
	c.limits.wait("", "ann", here, clk.Now())
	if n := c.limits.counters.Len(); n != 0 {
		t.Errorf("%d counters after %v", n, forgetAfter)
	}
}

// An attempt under way is not forgotten where the counters are full, for as long as it can take.
func TestAttemptsUnderWayAreKept(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(), time.Unix(1_900_000_000, 0)
	guesses := 0
	guess := func() { // from an address of its own
		guesses++
		now = now.Add(time.Millisecond)
		from := netip.AddrFrom4([4]byte{10, 0, byte(guesses >> 8), byte(guesses)})
		a, _ := l.reserve("", fmt.Sprint(guesses), from, now)
		a.wrong(now)
	}
	for l.counters.Len() < maxCounters {
		guess()
	}
	var underWay []reservation
	for range perPair.free {
		a, wait := l.reserve("", "ann", here, now)
		if wait != 0 {
			t.Fatal(wait)
		}
		underWay = append(underWay, a)
	}
	for range 2 * maxInFlight {
		guess()
		if _, wait := l.reserve("", "ann", here, now); wait == 0 {
			t.Fatal("the attempts under way no longer count")
		}
	}
	for _, a := range underWay {
		a.wrong(now)
	}
	if got := l.wait("", "ann", here, now); got != perPair.first {
		t.Errorf("locked for %v, want %v", got, perPair.first)
	}
}

// Many addresses that guess one user's password together are slowed; where the user logs in from is not.
func TestLockPerUser(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"", "ann", "pw"})
	if got := c.Check(context.Background(), "", "ann", "pw", here).Verdict; got != Right {
		t.Fatal(got)
	}
	locked := 0
	for i := range 2 * perUser.free {
		from := netip.AddrFrom4([4]byte{198, 51, byte(i / 250), byte(i%250 + 1)})
		if c.Check(context.Background(), "", "ann", "guess", from).Verdict == Locked {
			locked++
		}
	}
	if locked != perUser.free {
		t.Errorf("%d guesses were not looked at, want %d", locked, perUser.free)
	}
	clk.Advance(verifiedFor - time.Minute)
	if got := c.Check(context.Background(), "", "ann", "pw", here).Verdict; got != Right {
		t.Errorf("the user: %v", got)
	}
}

// Guesses that arrive at once count as if they had come one by one.
func TestLockCountsConcurrentGuesses(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"", "ann", "pw"})
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[Verdict]int{}
	for i := range 100 {
		wg.Go(func() {
			v := c.Check(context.Background(), "", "ann", fmt.Sprint(i), here).Verdict
			mu.Lock()
			count[v]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if count[Wrong] != perPair.free || count[Locked] != 100-perPair.free {
		t.Errorf("verdicts %v; want %d wrong, the rest locked", count, perPair.free)
	}
}

// A browser that has just been told the password sends it with many requests at once: none may be locked out.
func TestConcurrentRight(t *testing.T) {
	t.Parallel()
	c, _ := newChecker(t, Login{"", "ann", "pw"})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if v := c.Check(context.Background(), "", "ann", "pw", here).Verdict; v != Right {
				t.Errorf("verdict %v", v)
			}
		})
	}
	wg.Wait()
}

// Security class 21: neither guesses nor credentials make memory grow without bound.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(), time.Unix(1000, 0)
	for i := range 3 * maxCounters {
		from := netip.AddrFrom4([4]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
		if a, wait := l.reserve("", fmt.Sprint(i), from, now); wait == 0 {
			switch i % 3 { // the rest stay under way
			case 0:
				a.right(now)
			case 1:
				a.wrong(now)
			}
		}
	}
	if l.counters.Len() > maxCounters || l.trusted.Len() > maxTrusted {
		t.Errorf("%d counters, %d addresses", l.counters.Len(), l.trusted.Len())
	}
}

func TestCacheIsShortLived(t *testing.T) {
	t.Parallel()
	c, clk := newChecker(t, Login{"", "ann", "pw"})
	ctx := context.Background()
	if c.Check(ctx, "", "ann", "pw", here).Verdict != Right || c.verified.Len() != 1 {
		t.Fatal("not remembered")
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	defer occupy(c)() // only the cache can answer
	if got := c.Check(gone, "", "ann", "pw", here).Verdict; got != Right {
		t.Errorf("while remembered: %v", got)
	}
	clk.Advance(verifiedFor)
	if got := c.Check(gone, "", "ann", "pw", here).Verdict; got != Busy {
		t.Errorf("later: %v, want Busy", got)
	}
}

func FuzzBasic(f *testing.F) {
	f.Add("Basic "+base64.StdEncoding.EncodeToString([]byte("a:b")), "a")
	f.Add("basic Og==", "")
	f.Add("Basic /////w==", "ÿ")
	f.Fuzz(func(t *testing.T, header, known string) {
		both, ok := userPass(header)
		if !ok {
			return
		}
		if !utf8.ValidString(both) {
			t.Errorf("userPass(%q) is not UTF-8", header)
		}
		name, password := split(both, known)
		if name+":"+password != both {
			t.Errorf("split(%q, %q) = %q, %q", both, known, name, password)
		}
	})
}

func BenchmarkCachedBasic(b *testing.B) {
	c, err := NewChecker(Options{Logins: []Login{{"", "ann", "pw"}}, Cost: bcrypt.MinCost, Now: time.Now, Random: rand.Reader})
	if err != nil {
		b.Fatal(err)
	}
	header := basic("ann:pw")
	b.ReportAllocs()
	for b.Loop() {
		if c.Basic(context.Background(), "", header, here, nil).Verdict != Right {
			b.Fatal("not right")
		}
	}
}
