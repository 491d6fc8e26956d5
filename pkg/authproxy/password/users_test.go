package password

import (
	"crypto/rand"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func hashOf(t *testing.T, text string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(text), cost)
	if err != nil {
		t.Fatal(err)
	}
	return "$2y$" + strings.TrimPrefix(string(hash), "$2a$") // as htpasswd writes it
}

// Several people have passwords of their own, whose hashes are all that is known.
func TestHashedUsers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 72)
	c, err := NewChecker(Options{
		Logins: []Login{{Scope: "main", Name: "with:colon", Password: "plain"}},
		Hashed: []Hashed{
			{Scope: "main", Name: "ana", Hash: hashOf(t, "ana's", 4)}, {Scope: "main", Name: "zoe\u0308", Hash: hashOf(t, "caf\u00e9", 5)},
			{Scope: "main", Name: "long", Hash: hashOf(t, long, 4)}, {Scope: "api", Name: "bot", Hash: hashOf(t, "bot's", 4)},
		},
		Cost: 6, Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		scope, user, pass string
		want              Verdict
	}{
		"one":                    {"main", "ana", "ana's", Right},
		"again":                  {"main", "ana", "ana's", Right},
		"another form of letter": {"main", "zo\u00eb", "cafe\u0301", Right},
		"plain beside":           {"main", "with:colon", "plain", Right},
		"72 bytes":               {"main", "long", long, Right},
		"something appended":     {"main", "long", long + "y", Wrong},
		"another's password":     {"main", "ana", "plain", Wrong},
		"of another scope":       {"main", "bot", "bot's", Wrong},
		"nobody":                 {"main", "eve", "ana's", Wrong},
		"the hash itself":        {"main", "ana", hashOf(t, "ana's", 4), Wrong},
		"in its own scope":       {"api", "bot", "bot's", Right},
		"empty":                  {"main", "ana", "", Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.Check(t.Context(), tc.scope, tc.user, tc.pass, netip.MustParseAddr("192.0.2.1")); got.Verdict != tc.want {
				t.Errorf("%v, want %v", got.Verdict, tc.want)
			}
		})
	}
	for header, want := range map[string]bool{"ana:x": true, "zo\u00eb:": true, "with:colon:": true, "with:other": false, "bot:": true, "eve:x": false, "ana": false} {
		if got := c.Owns(basic(header)); got != want {
			t.Errorf("owns %q: %v", header, got)
		}
	}
}

// Security class 16: an unknown name costs as much as the most expensive hash, and so does a cheap one.
func TestClass16UsersCostTheSame(t *testing.T) {
	t.Parallel()
	work := map[string]int{}
	for _, user := range []string{"cheap", "middle", "expensive", "plain", "nobody"} {
		c, err := NewChecker(Options{
			Logins: []Login{{Scope: "main", Name: "plain", Password: "x"}},
			Hashed: []Hashed{{Scope: "main", Name: "cheap", Hash: hashOf(t, "x", 4)}, {Scope: "main", Name: "middle", Hash: hashOf(t, "x", 5)},
				{Scope: "main", Name: "expensive", Hash: hashOf(t, "x", 7)}},
			Cost: 6, Now: time.Now, Random: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		c.compare = func(hash, _ []byte) error {
			cost, err := bcrypt.Cost(hash)
			work[user] += 1 << cost
			if err != nil {
				t.Error(err)
			}
			return bcrypt.ErrMismatchedHashAndPassword
		}
		c.Check(t.Context(), "main", user, "wrong", netip.MustParseAddr("192.0.2.1"))
	}
	for user, n := range work {
		if n != 1<<7 {
			t.Errorf("%s costs %d rounds, want %d", user, n, 1<<7)
		}
	}
}
