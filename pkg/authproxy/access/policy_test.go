package access_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/access"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// allowedByTheBook is the reference implementation: Access word for word.
func allowedByTheBook(a config.Access, l *session.Login) bool {
	fold := func(a, b string) bool { // ASCII only
		if len(a) != len(b) {
			return false
		}
		for i := range len(a) {
			x, y := a[i], b[i]
			if 'A' <= x && x <= 'Z' {
				x += 32
			}
			if 'A' <= y && y <= 'Z' {
				y += 32
			}
			if x != y {
				return false
			}
		}
		return true
	}
	if a.Emails != nil || a.Domains != nil {
		ok := false
		for _, e := range a.Emails {
			ok = ok || fold(e, l.Email)
		}
		ascii := len([]rune(l.Email)) == len(l.Email)
		for _, d := range a.Domains {
			at := strings.LastIndex(l.Email, "@")
			ok = ok || at > 0 && ascii && fold(d, l.Email[at+1:])
		}
		if !ok || !l.EmailVerified || strings.Count(l.Email, "@") != 1 {
			return false
		}
	}
	has := func(name string, values []string) bool {
		for _, v := range l.Claims[name] {
			for _, want := range values {
				if v == want {
					return true
				}
			}
		}
		return false
	}
	if a.Groups != nil && !has(a.GroupsClaim, a.Groups) {
		return false
	}
	if a.Claims != nil && len(a.Claims) == 0 {
		return false
	}
	for name, values := range a.Claims {
		if !has(name, values) {
			return false
		}
	}
	return true
}

func TestAccessProperty(t *testing.T) {
	t.Parallel()
	words := rapid.SampledFrom([]string{"a", "b", "K", "k", "\u212a", "s", "\u017f"})
	domains := rapid.Custom(func(t *rapid.T) string { return words.Draw(t, "label") + ".com" })
	emails := rapid.Custom(func(t *rapid.T) string {
		return words.Draw(t, "name") + rapid.SampledFrom([]string{"@", "@", "@", "@@", "@a.com@", ""}).Draw(t, "at") + domains.Draw(t, "domain")
	})
	list := func(g *rapid.Generator[string]) *rapid.Generator[[]string] {
		return rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOfN(g, 0, 3))
	}
	claims := rapid.MapOfN(rapid.SampledFrom([]string{"g", "c", "d"}), rapid.SliceOfN(words, 0, 2), 0, 2)
	rapid.Check(t, func(t *rapid.T) {
		a := config.Access{Emails: list(emails).Draw(t, "emails"), Domains: list(domains).Draw(t, "domains"),
			Groups: list(words).Draw(t, "groups"), GroupsClaim: "g"}
		if rapid.Bool().Draw(t, "has claims") {
			a.Claims = claims.Draw(t, "claims")
		}
		l := &session.Login{Email: emails.Draw(t, "email"), EmailVerified: rapid.Bool().Draw(t, "verified"), Claims: claims.Draw(t, "has")}
		if got, want := access.NewPolicy(a, nil).Allows(l), allowedByTheBook(a, l); got != want {
			t.Fatalf("%+v allows %+v: %v, want %v", a, l, got, want)
		}
	})
}
